"""Losses between an output and its target; a ValueError unless their shapes fit."""

import jax
import jax.numpy as jnp
import optax

from pix2pix_flax.image import shapes


def l1(output: jax.Array, target: jax.Array) -> jax.Array:
    """Returns the mean absolute difference (Isola et al. 2017, equation 3, before lambda)."""
    shapes.check_equal(output.shape, target.shape)
    return jnp.mean(jnp.abs(output - target))


def l2(output: jax.Array, target: jax.Array) -> jax.Array:
    """Returns the mean squared difference."""
    shapes.check_equal(output.shape, target.shape)
    return jnp.mean(jnp.square(output - target))


def gradient(output: jax.Array, target: jax.Array) -> jax.Array:
    """Returns how far neighbouring pixels differ otherwise than in the target.

    That is the gradient difference loss of Mathieu et al. 2016 (arXiv:1511.05440, equation 6) with
    alpha 1, but for the signs: |d output - d target|, a mean over both directions. It sees the
    checkerboards that `lpips` by AlexNet, whose first layer has stride 4, is blind to.

    Args:
      output: [B, H, W, C], H and W at least 2.
      target: [B, H, W, C].
    """
    shapes.check_equal(output.shape, target.shape)
    error = output - target
    return 0.5 * sum(jnp.mean(jnp.abs(jnp.diff(error, axis=axis))) for axis in (1, 2))


def cross_entropy(logits: jax.Array, classes: jax.Array) -> jax.Array:
    """Returns the mean of -log softmax at each pixel's class; 0 where no pixel has one.

    Args:
      logits: [B, H, W, K].
      classes: int [B, H, W]; K stands for none (void), whose pixels are left out.
    """
    shapes.check_equal(logits.shape[:-1], classes.shape)
    known = classes < logits.shape[-1]
    values = optax.softmax_cross_entropy_with_integer_labels(logits, jnp.where(known, classes, 0))
    return jnp.sum(values, where=known) / jnp.maximum(jnp.sum(known), 1)


RECONSTRUCTION_LOSSES = {"l1": l1, "l2": l2, "gradient": gradient}
