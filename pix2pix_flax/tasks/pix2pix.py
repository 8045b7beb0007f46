"""Image-to-image translation with a GAN, conditional or not, and L1 (Isola et al. 2017)."""

import dataclasses
import functools

import jax
import jax.numpy as jnp

from pix2pix_flax.steps.adversarial import AdversarialStep
from pix2pix_flax.steps.discriminator import Discriminator
from pix2pix_flax.steps.generator import Terms
from pix2pix_flax.steps.network import Nets
from pix2pix_flax.tasks.paired import PairedTask
from pix2pix_flax.typing import Batch, Metrics

_DISC_STREAM = 2  # 0 and 1 are those of `Consistency`


@dataclasses.dataclass(frozen=True, eq=False)
class Pix2Pix(PairedTask):
    """G minimises cGAN + lambda L1, D judges the output beside its input (equations 1 to 4).

    Attributes:
      disc: the discriminator.
      conditional: whether it sees each image beside its input; else images by themselves.
    """

    disc: Discriminator
    conditional: bool

    @property
    def _gan(self) -> AdversarialStep:
        return AdversarialStep(self.gen, self.disc)

    def init_nets(self, rng: jax.Array, pair: Batch) -> Nets:
        """Returns fresh `gen`, `disc` and, where G is averaged, `gen_ema`."""
        return self._gan.init(rng, pair["input"], self._judge(pair["input"], pair["target"]))

    def train_nets(
        self, nets: Nets, pair: Batch, terms: Terms, rng: jax.Array, step: jax.Array
    ) -> tuple[Nets, Metrics]:
        """Returns the networks after one step of both, and their scalars."""
        return self._gan(
            nets,
            inputs=self.views(rng, pair["input"]),
            real=pair["target"],
            judge=functools.partial(self._judge, pair["input"]),
            terms=terms,
            rngs={"dropout": rng},
            disc_rng=jax.random.fold_in(rng, _DISC_STREAM),
            step=step,
        )

    def _judge(self, inputs: jax.Array, images: jax.Array) -> jax.Array:
        """Returns what D sees of images [B, H, W, C]: their inputs before them in the channels."""
        return jnp.concatenate([inputs, images], axis=-1) if self.conditional else images
