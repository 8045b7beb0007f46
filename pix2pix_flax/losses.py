"""Losses: small pure functions of arrays that return float32 scalars."""

import jax
import jax.numpy as jnp
import optax


def l1(output: jax.Array, target: jax.Array) -> jax.Array:
    """Returns the mean absolute difference (Isola et al. 2017, equation 3, before lambda)."""
    return jnp.mean(jnp.abs(output - target))


def l2(output: jax.Array, target: jax.Array) -> jax.Array:
    """Returns the mean squared difference."""
    return jnp.mean(jnp.square(output - target))


def gan_loss(logits: jax.Array, is_real: bool) -> jax.Array:
    """Returns the cross-entropy of patch logits against one label for all of them.

    With `is_real` for generated images this is the generator's non-saturating loss
    (Goodfellow et al. 2014, section 3; Isola et al. 2017, section 3.3).

    Args:
      logits: [B, h, w, 1].
      is_real: the label.
    """
    labels = jnp.full_like(logits, float(is_real))
    return jnp.mean(optax.sigmoid_binary_cross_entropy(logits, labels))


RECONSTRUCTION_LOSSES = {"l1": l1, "l2": l2}
