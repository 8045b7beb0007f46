"""Image-to-image translation with a conditional GAN and L1 (Isola et al. 2017)."""

import dataclasses

import jax
import jax.numpy as jnp

from pix2pix_flax.tasks.adversarial import AdversarialStep
from pix2pix_flax.tasks.base import Batch, Metrics, Net, Nets
from pix2pix_flax.tasks.generator import Terms
from pix2pix_flax.tasks.paired import PairedTask


@dataclasses.dataclass(frozen=True, eq=False)
class Pix2Pix(PairedTask):
    """G minimises cGAN + lambda L1, D judges pairs of input and output (equations 1 to 4).

    Attributes:
      disc: the conditional discriminator.
    """

    disc: Net

    @property
    def _gan(self) -> AdversarialStep:
        return AdversarialStep(self.gen, self.disc)

    def init_nets(self, rng: jax.Array, pair: Batch) -> Nets:
        """Returns fresh `gen`, `disc` and, where G is averaged, `gen_ema`."""
        return self._gan.init(rng, pair["input"], _condition(pair["input"], pair["target"]))

    def train_nets(
        self, nets: Nets, pair: Batch, terms: Terms, rng: jax.Array, step: jax.Array
    ) -> tuple[Nets, Metrics]:
        """Returns the networks after one step of both, and their scalars."""
        return self._gan(
            nets,
            inputs=self.views(rng, pair["input"]),
            real=pair["target"],
            judge=lambda images: _condition(pair["input"], images[: len(pair["input"])]),
            terms=terms,
            rngs={"dropout": rng},
            step=step,
        )


def _condition(inputs: jax.Array, images: jax.Array) -> jax.Array:
    """Returns what D sees: images [B, H, W, C] beside their inputs, along the channels."""
    return jnp.concatenate([inputs, images], axis=-1)
