"""Image-to-image regression: a generator and reconstruction losses, no discriminator."""

import dataclasses

import jax

from pix2pix_flax.steps.generator import Terms
from pix2pix_flax.steps.network import Nets
from pix2pix_flax.tasks.paired import PairedTask
from pix2pix_flax.typing import Batch, Metrics


@dataclasses.dataclass(frozen=True, eq=False)
class Supervised(PairedTask):
    """G minimises its reconstruction terms: the control of every GAN on the same pairs."""

    def init_nets(self, rng: jax.Array, pair: Batch) -> Nets:
        """Returns fresh `gen` and, where it is averaged, `gen_ema`."""
        return self.gen.init(rng, pair["input"])

    def train_nets(
        self, nets: Nets, pair: Batch, terms: Terms, rng: jax.Array, step: jax.Array
    ) -> tuple[Nets, Metrics]:
        """Returns the networks after one step of the generator, and its scalars."""
        forward = self.gen.forward(nets, self.views(rng, pair["input"]), {"dropout": rng})
        return self.gen.update(nets, forward, terms, step)
