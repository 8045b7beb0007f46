"""The GAN step, for every task that has a discriminator."""

import dataclasses
from collections.abc import Callable

import jax
import optax

from pix2pix_flax.losses import gan_loss
from pix2pix_flax.tasks.base import Metrics, Net, Nets, prefixed
from pix2pix_flax.tasks.generator import Generator, Terms
from pix2pix_flax.train_state import NetState


@dataclasses.dataclass(frozen=True, eq=False)
class AdversarialStep:
    """One step of discriminator and generator (Isola et al. 2017, section 3.3).

    The generator runs once: its forward pass is kept, the discriminator learns on the result, and
    then the gradient of the generator's loss by the images is pulled back through the kept pass.
    The discriminator's running statistics move in its own step only.
    """

    gen: Generator
    disc: Net

    def init(self, rng: jax.Array, inputs: jax.Array, judged: jax.Array) -> Nets:
        """Returns fresh networks: `gen` for `inputs`, `disc` for `judged`, and the average."""
        gen_rng, disc_rng = jax.random.split(rng)
        return {**self.gen.init(gen_rng, inputs), "disc": self.disc.init(disc_rng, judged)}

    def __call__(
        self,
        nets: Nets,
        *,
        inputs: jax.Array,
        real: jax.Array,
        judge: Callable[[jax.Array], jax.Array],
        terms: Terms,
        rngs: dict[str, jax.Array],
        step: jax.Array,
    ) -> tuple[Nets, Metrics]:
        """Returns the networks after the step, and its scalars `gen/...` and `disc/...`.

        Args:
          nets: as made by `init`.
          inputs: what the generator takes.
          real: [B, H, W, C] in [-1, 1].
          judge: from images to what the discriminator sees of them (with their condition).
          terms: from generated images to the loss terms beside `gan`, before weights.
          rngs: the generator's random streams.
          step: finished steps.
        """
        forward = self.gen.forward(nets, inputs, rngs)
        disc, disc_metrics = self._train_disc(nets["disc"], judge(real), judge(forward.output))

        def all_terms(images):
            logits, _ = self.disc.apply(disc.params, disc.model_state, judge(images))
            return {"gan": gan_loss(logits, True), **terms(images)}

        gen_nets, gen_metrics = self.gen.update(nets, forward, all_terms, step)
        return {**gen_nets, "disc": disc}, gen_metrics | disc_metrics

    def _train_disc(
        self, state: NetState, real: jax.Array, fake: jax.Array
    ) -> tuple[NetState, Metrics]:
        """Returns the discriminator after its own step; nothing flows back into `fake`."""

        def loss_of(params):
            real_logits, model_state = self.disc.apply(params, state.model_state, real)
            fake_logits, model_state = self.disc.apply(params, model_state, fake)
            values = {
                "real": gan_loss(real_logits, True),
                "fake": gan_loss(fake_logits, False),
                "accuracy_real": (real_logits > 0).mean(),
                "accuracy_fake": (fake_logits < 0).mean(),
            }
            # Halved, to slow the discriminator down (Isola et al. 2017, section 3.3).
            return 0.5 * (values["real"] + values["fake"]), (values, model_state)

        gradient = jax.value_and_grad(loss_of, has_aux=True)
        (loss, (values, model_state)), gradients = gradient(state.params)
        metrics = {"loss": loss, **values, "grad_norm": optax.tree.norm(gradients)}
        return self.disc.update(state, gradients, model_state), prefixed("disc", metrics)
