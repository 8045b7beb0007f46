"""Segmentation scores of label maps."""

import jax
import jax.numpy as jnp
import numpy as np


def confusion(truth: jax.Array, found: jax.Array, classes: int) -> jax.Array:
    """Returns the confusion matrix of each image in pixels, int32 [B, classes, classes].

    Args:
      truth: true classes, int [B, H, W] in 0..classes - 1; the rows of the matrix.
      found: predicted classes, int [B, H, W] in 0..classes - 1; the columns.
      classes: number of classes.
    """
    pairs = (classes * truth + found).reshape(len(truth), -1)
    counts = jax.vmap(lambda image: jnp.bincount(image, length=classes**2))(pairs)
    return counts.reshape(-1, classes, classes)


def class_scores(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the accuracy and the intersection over union of each class, float64 [K].

    Args:
      confusion: [K, K + 1], pixels by class in the target (rows) and in the output (columns). The
        last column is void, which is always wrong.

    Returns:
      Accuracy, not-a-number for classes that are in no target, and IoU, not-a-number for classes
      that are in no target and in no output.
    """
    right = np.diagonal(confusion)
    in_target, in_output = confusion.sum(1), confusion[:, :-1].sum(0)
    return ratio(right, in_target), ratio(right, in_target + in_output - right)


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Returns `part / whole`, not-a-number if the whole is 0."""
    missing = np.full(np.shape(part), np.nan)
    return np.divide(part, whole, out=missing, where=np.broadcast_to(whole, missing.shape) > 0)
