"""The GAN step, for every task that has a discriminator."""

import dataclasses

import jax

from pix2pix_flax.steps.discriminator import Discriminator, Judge
from pix2pix_flax.steps.generator import Generator, Terms
from pix2pix_flax.steps.network import Nets
from pix2pix_flax.typing import Metrics


@dataclasses.dataclass(frozen=True, eq=False)
class AdversarialStep:
    """One step of discriminator and generator (Isola et al. 2017, section 3.3).

    The generator runs once: its forward pass is kept, the discriminator learns on the result, and
    then the gradient of the generator's loss by the images is pulled back through the kept pass.
    The discriminator's running statistics move in its own step only.
    """

    gen: Generator
    disc: Discriminator

    def init(self, rng: jax.Array, inputs: jax.Array, seen: jax.Array) -> Nets:
        """Returns fresh networks: `gen` for `inputs`, `disc` for `seen`, and the average."""
        gen_rng, disc_rng = jax.random.split(rng)
        return {**self.gen.init(gen_rng, inputs), "disc": self.disc.init(disc_rng, seen)}

    def __call__(
        self,
        nets: Nets,
        *,
        inputs: jax.Array,
        real: jax.Array,
        judge: Judge,
        terms: Terms,
        rngs: dict[str, jax.Array],
        disc_rng: jax.Array,
        step: jax.Array,
    ) -> tuple[Nets, Metrics]:
        """Returns the networks after the step, and its scalars `gen/...` and `disc/...`.

        Args:
          nets: as made by `init`.
          inputs: what the generator takes; of what it makes of them the first B are judged.
          real: [B, H, W, C] in [-1, 1].
          judge: from B images to what the discriminator sees of them (with their condition).
          terms: from generated images to the loss terms beside the discriminator's, before weights.
          rngs: the generator's random streams.
          disc_rng: of the discriminator's update.
          step: finished steps.
        """
        forward = self.gen.forward(nets, inputs, rngs)
        fake = forward.output[: len(real)]
        disc, disc_metrics = self.disc.update(nets["disc"], real, fake, judge, disc_rng)

        def all_terms(images):
            seen = judge(images[: len(real)])
            return self.disc.terms(disc, judge(real), seen, self.gen.weights) | terms(images)

        gen_nets, gen_metrics = self.gen.update(nets, forward, all_terms, step)
        return {**gen_nets, "disc": disc}, gen_metrics | disc_metrics
