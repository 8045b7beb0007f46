"""The GAN step, for every task whose configuration has a discriminator."""

import dataclasses

import jax
import jax.numpy as jnp

from pix2pix_flax.steps.discriminator import DiscriminatorStep
from pix2pix_flax.steps.generator import GeneratorStep
from pix2pix_flax.steps.network import Nets, StepBatch
from pix2pix_flax.typing import Metrics

DISC = "disc"
"""Name of the discriminator among the networks, and of its random stream."""


@dataclasses.dataclass(frozen=True, eq=False)
class AdversarialStep:
    """One step of discriminator and generator (Isola et al. 2017, section 3.3).

    The generator runs once: its forward pass is kept, the discriminator learns on its output, and
    then the gradient of the generator's loss with respect to the output is pulled back through the
    kept pass. The discriminator's running statistics move in its own step only.

    Attributes:
      gen: the generator and its losses.
      disc: the discriminator and its losses.
      conditional: whether the discriminator sees the generator's input as further channels before
        each image (Isola et al. 2017, equation 1), or the image alone (equation 2).
    """

    gen: GeneratorStep
    disc: DiscriminatorStep
    conditional: bool

    def init(self, rng: jax.Array, batch: StepBatch) -> Nets:
        """Returns fresh `gen`, `disc` and, if an average of the generator is kept, `gen_ema`."""
        gen_rng, disc_rng = jax.random.split(rng)
        seen = self._disc_input(batch, batch.real)
        return {**self.gen.init(gen_rng, batch.inputs), DISC: self.disc.init(disc_rng, seen)}

    def __call__(
        self, nets: Nets, batch: StepBatch, rngs: dict[str, jax.Array], step: jax.Array
    ) -> tuple[Nets, Metrics]:
        """Returns the networks after the step, and the scalars `gen/...` and `disc/...`.

        Args:
          nets: the networks, as `init` made them.
          batch: B examples. If the generator has more than B outputs (further views of the inputs
            for the loss `consistency`), the discriminator sees the first B.
          rngs: the random streams of the generator, such as `dropout`, and `disc`, the stream of
            the discriminator.
          step: number of finished steps, int32.
        """
        rngs = dict(rngs)
        disc_rng, count = rngs.pop(DISC), len(batch.real)
        forward = self.gen.forward(nets, batch.inputs, rngs)
        fake = batch.to_images(forward.output[:count])

        def disc_input(images):
            return self._disc_input(batch, images)

        disc, disc_metrics = self.disc.update(nets[DISC], batch.real, fake, disc_input, disc_rng)

        def all_terms(outputs):
            fake_seen = disc_input(batch.to_images(outputs[:count]))
            real_seen = disc_input(batch.real)
            names = self.gen.weights
            return self.disc.terms(disc, real_seen, fake_seen, names) | batch.terms(outputs)

        gen_nets, gen_metrics = self.gen.update(nets, forward, all_terms, step)
        return {**gen_nets, DISC: disc}, gen_metrics | disc_metrics

    def _disc_input(self, batch: StepBatch, images: jax.Array) -> jax.Array:
        """Returns the discriminator's input for images [B, H, W, C]."""
        images = batch.augment(images)
        if not self.conditional:
            return images
        return jnp.concatenate([batch.inputs[: len(images)], images], axis=-1)
