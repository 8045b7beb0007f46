"""Losses between an output and its target; a ValueError if their shapes do not fit."""

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
    """Returns the mean absolute difference between the image gradients of output and target.

    This is the gradient difference loss of Mathieu et al. 2016 (arXiv:1511.05440, equation 6) with
    alpha 1, except that signs count: |d output - d target|, the mean over both directions. It
    penalises checkerboards, to which `lpips` with AlexNet is blind: its first layer has stride 4.

    Args:
      output: [B, H, W, C], H and W at least 2.
      target: [B, H, W, C], the same shape.
    """
    shapes.check_equal(output.shape, target.shape)
    error = output - target
    return 0.5 * sum(jnp.mean(jnp.abs(jnp.diff(error, axis=axis))) for axis in (1, 2))


def ink(output: jax.Array, target: jax.Array, inputs: jax.Array) -> jax.Array:
    """Returns the mean absolute difference, counting pixels as far as the target darkens them.

    The lines of a drawing cover few pixels, so `l1` hardly misses them. A pixel counts fully if the
    target is darker than the input by a fifth of the range or more.

    Args:
      output: [B, H, W, C] in [-1, 1].
      target: [B, H, W, C], the same shape.
      inputs: the images that the target was drawn from, [B, H, W, any].
    """
    shapes.check_equal(output.shape, target.shape)
    shapes.check_equal(inputs.shape[:-1], target.shape[:-1])
    darker = jnp.mean(inputs, axis=-1) - jnp.mean(target, axis=-1)
    return _where(jnp.clip(darker / 0.4, 0.0, 1.0), output, target)


def white(output: jax.Array, target: jax.Array) -> jax.Array:
    """Returns the mean absolute difference, counting pixels as far as the target is white.

    A drawing in few tones has whites beside tones that are much darker. At their borders `l1`
    prefers the darker tone, so small whites turn grey, and keep the photo's tint. A pixel counts
    fully if the target's mean over the channels is 0.95 or more, and not at all under 0.75.

    Args:
      output: [B, H, W, C] in [-1, 1].
      target: [B, H, W, C], the same shape.
    """
    shapes.check_equal(output.shape, target.shape)
    return _where(jnp.clip((jnp.mean(target, axis=-1) - 0.75) / 0.2, 0.0, 1.0), output, target)


def _where(share: jax.Array, output: jax.Array, target: jax.Array) -> jax.Array:
    """Returns the mean over all pixels of the absolute difference times a share [B, H, W]."""
    return jnp.mean(share[..., None] * jnp.abs(output - target))


def cross_entropy(
    logits: jax.Array, classes: jax.Array, weights: jax.Array | None = None
) -> jax.Array:
    """Returns the weighted mean of -log softmax at each pixel's class; 0 if no pixel has a class.

    Args:
      logits: [B, H, W, K].
      classes: int [B, H, W]; pixels of class K (void) are left out.
      weights: weights of the classes, [K]; None: all classes count alike.
    """
    shapes.check_equal(logits.shape[:-1], classes.shape)
    known = classes < logits.shape[-1]
    classes = jnp.where(known, classes, 0)
    values = optax.softmax_cross_entropy_with_integer_labels(logits, classes)
    shares = known if weights is None else jnp.where(known, weights[classes], 0.0)
    total = jnp.sum(shares)
    return jnp.sum(shares * values) / jnp.where(total > 0, total, 1)


RECONSTRUCTION_LOSSES = {"l1": l1, "l2": l2, "gradient": gradient}
