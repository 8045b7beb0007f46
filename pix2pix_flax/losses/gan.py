"""GAN losses, gradient penalties and feature matching: small pure functions of arrays."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from pix2pix_flax.losses.reconstruction import l1


class GanLoss(NamedTuple):
    """The losses of discriminator and generator as functions of each single logit.

    Attributes:
      real: loss of the discriminator for logits of real images.
      fake: loss of the discriminator for logits of generated images.
      gen: loss of the generator for logits of generated images.
      threshold: a logit above it counts as real. None if only differences of logits have a meaning:
        the threshold is then midway between the mean logits of real and of generated images.
      gradient_penalty: weight of the gradient penalty in the discriminator's loss.
      relativistic: whether real and generated images form pairs, and each logit is taken minus the
        logit of its partner.
    """

    real: Callable[[jax.Array], jax.Array]
    fake: Callable[[jax.Array], jax.Array]
    gen: Callable[[jax.Array], jax.Array]
    threshold: float | None = 0.0
    gradient_penalty: float = 0.0
    relativistic: bool = False


def _reality(logits: jax.Array) -> jax.Array:
    return jax.nn.softplus(-logits)


GAN_LOSSES = {
    # Cross-entropy, and the non-saturating loss of G (Goodfellow et al. 2014, section 3).
    "vanilla": GanLoss(real=_reality, fake=jax.nn.softplus, gen=_reality),
    # Real and generated images in pairs (Jolicoeur-Martineau 2018, arXiv:1807.00734, section 4.1),
    # as in R3GAN (Huang et al. 2024, arXiv:2501.05441, equation 2): both terms of D are equal.
    "relativistic": GanLoss(real=_reality, fake=jax.nn.softplus, gen=_reality, relativistic=True),
    # Least squares with the labels 0 and 1 (Mao et al. 2017, equation 9, but G's is not halved).
    "lsgan": GanLoss(
        real=lambda logits: jnp.square(logits - 1.0),
        fake=jnp.square,
        gen=lambda logits: jnp.square(logits - 1.0),
        threshold=0.5,
    ),
    # Lim and Ye 2017; Miyato et al. 2018, equations 16 and 17.
    "hinge": GanLoss(
        real=lambda logits: jax.nn.relu(1.0 - logits),
        fake=lambda logits: jax.nn.relu(1.0 + logits),
        gen=jnp.negative,
    ),
    # Gulrajani et al. 2017, equation 3.
    "wgan-gp": GanLoss(
        real=jnp.negative,
        fake=lambda logits: logits,
        gen=jnp.negative,
        threshold=None,
        gradient_penalty=10.0,
    ),
}


def mean_over_scales(values: list[jax.Array]) -> jax.Array:
    """Returns the mean over scales of the mean over the values [B, ...] of each scale."""
    return sum(jnp.mean(scale) for scale in values) / len(values)


def mean_loss(loss: Callable[[jax.Array], jax.Array], logits: list[jax.Array]) -> jax.Array:
    """Returns the mean over scales of the mean `loss` over the logits [B, ...] of each scale."""
    return mean_over_scales([loss(scale) for scale in logits])


def relative(loss: GanLoss, logits: list[jax.Array], others: list[jax.Array]) -> list[jax.Array]:
    """Returns the argument of a `GanLoss` for each scale: `logits`, or `logits - others`."""
    if not loss.relativistic:
        return logits
    return [a - b for a, b in zip(logits, others, strict=True)]


def thresholds(
    loss: GanLoss, real: list[jax.Array], fake: list[jax.Array]
) -> list[jax.Array | float]:
    """Returns the logit of each scale above which an image counts as real."""
    if loss.threshold is not None:
        return [loss.threshold] * len(real)
    return [0.5 * (jnp.mean(a) + jnp.mean(b)) for a, b in zip(real, fake, strict=True)]


def image_scores(logits: list[jax.Array]) -> jax.Array:
    """Returns the score of each image, [B]: the mean over scales of its mean logit.

    Gradient penalties differentiate this score.

    Args:
      logits: [B, ...] for each scale. For booleans, the result is the share that is true.
    """
    return sum(scale.reshape(len(scale), -1).mean(-1) for scale in logits) / len(logits)


def gradient_penalty(slopes: jax.Array) -> jax.Array:
    """Returns the mean of (|slope| - 1)^2 (Gulrajani et al. 2017, equation 3, before lambda).

    Args:
      slopes: gradients of the image scores with respect to the images, [B, ...].
    """
    # A plain norm has no gradient at a slope of zero.
    norms = optax.safe_norm(slopes.reshape(len(slopes), -1), 0.0, axis=-1)
    return jnp.mean(jnp.square(norms - 1.0))


def slope_penalty(slopes: jax.Array) -> jax.Array:
    """Returns half the mean of |slope|^2 (Mescheder et al. 2018, equation 9, before gamma).

    Args:
      slopes: gradients of the image scores with respect to the images, [B, ...]: real images for
        R1, generated images for R2.
    """
    return 0.5 * jnp.mean(jnp.sum(jnp.square(slopes.reshape(len(slopes), -1)), axis=-1))


def feature_matching(
    real: list[jax.Array], fake: list[jax.Array], num_scales: int = 1
) -> jax.Array:
    """Returns the sum over layers of the L1 between features, averaged over the scales.

    This is equation 3 of Wang et al. 2018 (pix2pixHD), with the mean over discriminators instead of
    the sum of equation 4, as in their code. No gradient flows into `real`.

    Args:
      real: features of real images, [B, ...] for each layer, one scale after another.
      fake: features of generated images, in the same order.
      num_scales: number of scales that these layers belong to.
    """
    distances = [l1(jax.lax.stop_gradient(a), b) for a, b in zip(real, fake, strict=True)]
    return sum(distances) / num_scales
