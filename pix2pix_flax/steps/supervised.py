"""The step of a generator that has no adversary."""

import dataclasses

import jax

from pix2pix_flax.steps.generator import GeneratorStep
from pix2pix_flax.steps.network import Nets, StepBatch
from pix2pix_flax.typing import Metrics


@dataclasses.dataclass(frozen=True, eq=False)
class SupervisedStep:
    """One optimizer step of the generator on its reconstruction terms.

    Attributes:
      gen: the generator and its losses.
    """

    gen: GeneratorStep

    def init(self, rng: jax.Array, batch: StepBatch) -> Nets:
        """Returns fresh `gen` and, if an average is kept, `gen_ema`."""
        return self.gen.init(rng, batch.inputs)

    def __call__(
        self, nets: Nets, batch: StepBatch, rngs: dict[str, jax.Array], step: jax.Array
    ) -> tuple[Nets, Metrics]:
        """Returns the networks after the step, and the scalars `gen/...`.

        Args:
          nets: the networks, as `init` made them.
          batch: inputs and loss terms; its `real` images are unused.
          rngs: the random streams of the generator, such as `dropout`.
          step: number of finished steps, int32.
        """
        forward = self.gen.forward(nets, batch.inputs, rngs)
        return self.gen.update(nets, forward, batch.terms, step)
