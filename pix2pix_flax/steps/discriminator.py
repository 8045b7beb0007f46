"""The discriminator's half of the GAN step."""

import dataclasses
import functools
from collections.abc import Callable, Collection
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from pix2pix_flax import losses
from pix2pix_flax.losses import GanLoss
from pix2pix_flax.steps.network import Net, prefixed
from pix2pix_flax.steps.state import NetState
from pix2pix_flax.typing import Metrics, PyTree

DiscInput = Callable[[jax.Array], jax.Array]
_FEATURES = "intermediates"  # the collection in which networks store their features


class DiscriminatorPass(NamedTuple):
    """A forward pass of the discriminator, kept so that gradients can be pulled back through it.

    Attributes:
      logits: the logits of each scale, [B, ...].
      model_state: the running statistics after the pass.
      slopes: returns the gradients of the image scores with respect to the images, [B, H, W, C].
    """

    logits: list[jax.Array]
    model_state: PyTree
    slopes: Callable[[], jax.Array]


@dataclasses.dataclass(frozen=True, eq=False)
class DiscriminatorStep:
    """A discriminator, the loss that it minimises, and its loss terms for the generator.

    Attributes:
      net: the network and its optimizer. It returns the logits [B, ...] of each scale and stores
        its features in the collection `intermediates`.
      loss: the GAN loss of both networks.
      r1: weight of the gradient penalty R1 at real images (Mescheder et al. 2018); 0: no penalty.
      r2: weight of the gradient penalty R2 at generated images; 0: no penalty.
    """

    net: Net
    loss: GanLoss
    r1: float
    r2: float

    def init(self, rng: jax.Array, seen: jax.Array) -> NetState:
        """Returns fresh arrays for inputs shaped like `seen`."""
        return self.net.init(rng, seen)

    def update(
        self,
        state: NetState,
        real: jax.Array,
        fake: jax.Array,
        disc_input: DiscInput,
        rng: jax.Array,
    ) -> tuple[NetState, Metrics]:
        """Returns the arrays after one optimizer step, and the scalars `disc/...`.

        Args:
          state: the arrays. Running statistics move with the real images, then with the generated.
          real: real images, [B, H, W, C].
          fake: generated images, [B, H, W, C]; no gradient flows back into them.
          disc_input: from B images to the network's input (with the condition, augmented).
          rng: draws the points at which the gradient penalty of WGAN-GP is taken.
        """

        def loss_of(params):
            run = functools.partial(self._pass, params, disc_input)
            at_real = run(state.model_state, real)
            at_fake = run(at_real.model_state, fake)
            values = self._gan_values(at_real.logits, at_fake.logits)
            penalties = {}
            if self.r1:
                penalties["r1"] = losses.slope_penalty(at_real.slopes())
            if self.r2:
                penalties["r2"] = losses.slope_penalty(at_fake.slopes())
            if self.loss.gradient_penalty:
                between = run(at_fake.model_state, _between(rng, real, fake))
                penalties["gradient_penalty"] = losses.gradient_penalty(between.slopes())
            total = values["real"] + values["fake"] + self._weighted(penalties)
            # The whole objective is halved, to slow the discriminator down (Isola et al. 2017,
            # section 3.3): the weights of penalties are to the losses as published. Not so for
            # `relativistic`, whose two terms are equal: its published weights are half of these.
            return 0.5 * total, (values | penalties, at_fake.model_state)

        gradient = jax.value_and_grad(loss_of, has_aux=True)
        (loss, (values, model_state)), gradients = gradient(state.params)
        metrics = {"loss": loss, **values, "grad_norm": optax.tree.norm(gradients)}
        return self.net.update(state, gradients, model_state), prefixed("disc", metrics)

    def terms(
        self, state: NetState, real: jax.Array, fake: jax.Array, names: Collection[str]
    ) -> dict[str, jax.Array]:
        """Returns the generator's loss `gan` and, where it is among `names`, `feature_matching`.

        Args:
          state: the arrays, unchanged.
          real: the network's input for real images.
          fake: the network's input for generated images; gradients flow into this input alone.
          names: names of the loss terms that have a weight.
        """
        logits, features = self._features(state, fake)
        real_logits, wanted = self._features(state, real)  # where unused, it is not computed
        relative = losses.relative(self.loss, logits, real_logits)
        values = {"gan": losses.mean_loss(self.loss.gen, relative)}
        if "feature_matching" in names:
            values["feature_matching"] = losses.feature_matching(wanted, features, len(logits))
        return values

    def accuracies(self, state: NetState, real: jax.Array, fake: jax.Array) -> Metrics:
        """Returns `accuracy_real` and `accuracy_fake`, [B]: the share of logits that are right.

        The network runs in training mode, as it does when it scores images for the generator.

        Args:
          state: the arrays, unchanged.
          real: the network's input for real images, [B, ...].
          fake: the network's input for generated images, [B, ...].
        """
        logits = [self._features(state, seen)[0] for seen in (real, fake)]
        found = self._right(*logits)
        return {name: losses.image_scores(values) for name, values in found.items()}

    def _pass(
        self, params: PyTree, disc_input: DiscInput, model_state: PyTree, images: jax.Array
    ) -> DiscriminatorPass:
        def score(images):
            logits, moved = self.net.apply(params, model_state, disc_input(images))
            return losses.image_scores(logits), (logits, moved)

        scores, pull_back, (logits, moved) = jax.vjp(score, images, has_aux=True)
        return DiscriminatorPass(logits, moved, lambda: pull_back(jnp.ones_like(scores))[0])

    def _features(
        self, state: NetState, seen: jax.Array
    ) -> tuple[list[jax.Array], list[jax.Array]]:
        """Returns the logits of each scale, and the features of each layer."""
        asked = {**state.model_state, _FEATURES: {}}  # the network fills the empty collection
        logits, moved = self.net.apply(state.params, asked, seen)
        return logits, jax.tree.leaves(moved[_FEATURES])

    def _gan_values(self, real: list[jax.Array], fake: list[jax.Array]) -> Metrics:
        """Returns both losses, and the share of logits that are right."""
        right = self._right(real, fake)
        real, fake = losses.relative(self.loss, real, fake), losses.relative(self.loss, fake, real)
        return {
            "real": losses.mean_loss(self.loss.real, real),
            "fake": losses.mean_loss(self.loss.fake, fake),
            **{name: losses.mean_over_scales(values) for name, values in right.items()},
        }

    def _right(self, real: list[jax.Array], fake: list[jax.Array]) -> dict[str, list[jax.Array]]:
        """Returns by scale which logits of real and of generated images are right, bool.

        A relativistic loss compares each real image with a generated one; then a logit is right if
        the pair is ranked right.
        """
        real, fake = losses.relative(self.loss, real, fake), losses.relative(self.loss, fake, real)
        thresholds = losses.thresholds(self.loss, real, fake)
        return {
            "accuracy_real": [a > at for a, at in zip(real, thresholds, strict=True)],
            "accuracy_fake": [a < at for a, at in zip(fake, thresholds, strict=True)],
        }

    def _weighted(self, penalties: dict[str, jax.Array]) -> jax.Array | float:
        weights = {"r1": self.r1, "r2": self.r2, "gradient_penalty": self.loss.gradient_penalty}
        return sum(weights[name] * value for name, value in penalties.items())


def _between(rng: jax.Array, real: jax.Array, fake: jax.Array) -> jax.Array:
    """Returns images at random points between each pair (Gulrajani et al. 2017, algorithm 1)."""
    share = jax.random.uniform(rng, (len(real), *[1] * (real.ndim - 1)))
    return share * real + (1.0 - share) * fake
