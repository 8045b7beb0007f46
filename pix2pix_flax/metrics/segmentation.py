"""Scores of label maps."""

import jax
import jax.numpy as jnp
import numpy as np


def confusion(truth: jax.Array, found: jax.Array, classes: int) -> jax.Array:
    """Returns how many pixels of which class are found to be which, int32 [B, classes, classes].

    Args:
      truth: int [B, H, W] in 0..classes - 1; the rows.
      found: int [B, H, W] in 0..classes - 1; the columns.
      classes: how many there are.
    """
    pairs = (classes * truth + found).reshape(len(truth), -1)
    counts = jax.vmap(lambda image: jnp.bincount(image, length=classes**2))(pairs)
    return counts.reshape(-1, classes, classes)


def class_scores(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the accuracy and the intersection over union of each class, float64 [K].

    Args:
      confusion: [K, K + 1], pixels by class in the target and in the output; void is the last
        output, and wrong everywhere.

    Returns:
      Accuracy, not-a-number for classes that no target has, and IoU, not-a-number for classes that
      no output has either.
    """
    right = np.diagonal(confusion)
    in_target, in_output = confusion.sum(1), confusion[:, :-1].sum(0)
    return ratio(right, in_target), ratio(right, in_target + in_output - right)


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Returns `part / whole`, not-a-number where the whole is 0."""
    missing = np.full(np.shape(part), np.nan)
    return np.divide(part, whole, out=missing, where=np.broadcast_to(whole, missing.shape) > 0)
