"""Images from noise: a GAN without a condition (Goodfellow et al. 2014; Radford et al. 2016)."""

import dataclasses
import functools
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from cartoon_tfds.errors import UserError
from pix2pix_flax.image.augment import jitter
from pix2pix_flax.image.diff_augment import diff_augment
from pix2pix_flax.image.normalize import denormalize, normalize
from pix2pix_flax.metrics.feature_sets import FEATURES, features_of_both, set_distances
from pix2pix_flax.models.frozen.weights import load_lpips_weights
from pix2pix_flax.steps.adversarial import DISC, AdversarialStep
from pix2pix_flax.steps.network import StepBatch
from pix2pix_flax.steps.state import TrainState
from pix2pix_flax.tasks.scores import Scores
from pix2pix_flax.typing import Batch, Metrics, PyTree

_GRID = 8  # images in a row and in a column of the grid


@dataclasses.dataclass(frozen=True)
class SetScores(Scores):
    """Generated and real images as two sets, compared by features of VGG16.

    Attributes:
      distances: whether the sets are compared at all (extra `lpips`).
    """

    distances: bool

    def load_frozen(self) -> PyTree:
        """Returns the weights of VGG16 if sets are compared."""
        return {"vgg16": load_lpips_weights("vgg16")} if self.distances else {}

    def score(self, output: jax.Array, batch: Batch, frozen: PyTree = ()) -> Metrics:
        """Returns `feature_sets.features_of_both`, [B, 2, 512], if sets are compared."""
        if not self.distances:
            return {}
        return {FEATURES: features_of_both(frozen["vgg16"], output, batch["target"])}

    def summarize(self, outputs: dict[str, np.ndarray]) -> dict[str, float]:
        """Returns the means of the scores [B], and `feature_sets.set_distances` of the features."""
        outputs = dict(outputs)
        features = outputs.pop(FEATURES, None)
        means = super().summarize(outputs)
        return means if features is None else means | set_distances(features)


@dataclasses.dataclass(frozen=True, eq=False)
class Unconditional:
    """From latents, drawn from N(0, 1), to images like those of a dataset.

    Of an example only the target is used, and in evaluation its place in the split, which is the
    seed of the generated image.

    Attributes:
      step: how generator and discriminator learn.
      scores: the scores of validation and evaluation.
      augment: keyword arguments of `augment.jitter`, which changes the real images.
      diff_augment: keyword arguments of `diff_augment`, which changes only the discriminator's
        inputs.
      latent_size: size of a latent, Z.
    """

    step: AdversarialStep
    scores: SetScores
    augment: dict[str, Any]
    diff_augment: dict[str, Any]
    latent_size: int

    input_kind: ClassVar[str] = "latent"
    captions: ClassVar[tuple[str, ...]] = (f"seeds 0 to {_GRID**2 - 1}",)

    @property
    def module(self) -> nn.Module:
        """The generator."""
        return self.step.gen.net.module

    def load_frozen(self) -> PyTree:
        """Returns the weights of frozen networks, by name."""
        return self.scores.load_frozen()

    def network_input(self) -> jax.Array:
        """Returns one latent, float32 [1, Z]."""
        return jnp.zeros((1, self.latent_size))

    def latents(self, seeds: jax.Array, truncation: float | None = None) -> jax.Array:
        """Returns the latents of seeds uint32 [B], float32 [B, Z].

        Args:
          seeds: each seed has one latent, whatever the other seeds are.
          truncation: numbers of a larger magnitude are drawn again (Brock et al. 2019, section
            3.1): a smaller value gives more usual and more similar images; None: no limit.
        """

        def draw(seed):
            key, shape = jax.random.key(seed), (self.latent_size,)
            if truncation is None:
                return jax.random.normal(key, shape)
            return jax.random.truncated_normal(key, -truncation, truncation, shape)

        return jax.vmap(draw)(seeds)

    def _noise(self, key: jax.Array, count: int) -> jax.Array:
        return jax.random.normal(key, (count, self.latent_size))

    def _made_size(self) -> tuple[int, int]:
        """Returns height and width of the generator's images."""

        def draw():
            return self.module.init_with_output(jax.random.key(0), self.network_input(), train=True)

        return jax.eval_shape(draw)[0].shape[1:3]

    def init(self, rng: jax.Array, batch: Batch, frozen: PyTree = ()) -> TrainState:
        """Returns the state at step 0 for batches of this shape.

        Raises:
          UserError: generated and real images have different sizes.
        """
        del frozen
        net_rng, rng = jax.random.split(rng)
        real = self._real(rng, batch)
        made, size = self._made_size(), real.shape[1:3]
        if made != size:
            raise UserError(
                f"The generator makes images of {made[1]}x{made[0]}, and the training images have "
                f"{size[1]}x{size[0]}: set config.sizes.canvas, crop and evaluation to {made[0]}, "
                "or change config.generator.depth."
            )
        step_batch = StepBatch(self._noise(rng, len(real)), real, terms=lambda _: {})
        nets = self.step.init(net_rng, step_batch)
        return TrainState(jnp.zeros((), jnp.int32), rng, nets)

    def train_step(
        self, state: TrainState, batch: Batch, frozen: PyTree = ()
    ) -> tuple[TrainState, Metrics]:
        """Returns the state after one step of both networks, and its scalars."""
        del frozen
        rng = jax.random.fold_in(state.rng, state.step)
        augment_rng, latent_rng, seen_rng, disc_rng = jax.random.split(rng, 4)
        real = self._real(augment_rng, batch)
        step_batch = StepBatch(
            inputs=self._noise(latent_rng, len(real)),
            real=real,
            terms=lambda _: {},
            augment=functools.partial(diff_augment, seen_rng, **self.diff_augment),
        )
        nets, metrics = self.step(state.nets, step_batch, {DISC: disc_rng}, state.step)
        return state.replace(step=state.step + 1, nets=nets), metrics

    def _real(self, rng: jax.Array, batch: Batch) -> jax.Array:
        return normalize(jitter(rng, {"target": batch["target"]}, **self.augment)["target"])

    def generate(self, variables: PyTree, latents: jax.Array) -> jax.Array:
        """Returns images float32 [B, H, W, C] in [-1, 1] of latents [B, Z]."""
        return self.module.apply(variables, latents, train=False)

    def prepare(self, batch: Batch) -> Batch:
        """Returns `input`, seeds uint32 [B], and `target`, real images uint8 [B, H, W, C]."""
        return {"input": batch["index"], "target": batch["target"]}

    def predict(self, variables: PyTree, inputs: jax.Array) -> jax.Array:
        """Returns images float32 [B, H, W, C] in [-1, 1] of seeds uint32 [B]."""
        return self.generate(variables, self.latents(inputs))

    def eval_step(self, state: TrainState, batch: Batch, frozen: PyTree = ()) -> Metrics:
        """Returns the discriminator's accuracies and the scores of the sets.

        `accuracy_real` on images that the discriminator was not trained on, and `accuracy_fake`,
        [B] each: if the first is much higher in training, the discriminator has memorised images.
        """
        batch = self.prepare(batch)
        output = self.predict(state.generator.variables, batch["input"])
        fake, real = normalize(denormalize(output)), normalize(batch["target"])
        found = self.step.disc.accuracies(state.nets[DISC], real, fake)
        return found | self.scores.score(output, batch, frozen)

    def visualize(self, state: TrainState, batch: Batch) -> dict[str, jax.Array]:
        """Returns `grid`, uint8 [1, 8H, 8W, C]: the images of the seeds 0 to 63."""
        del batch
        seeds = jnp.arange(_GRID**2, dtype=jnp.uint32)
        images = denormalize(self.predict(state.generator.variables, seeds))
        height, width, channels = images.shape[1:]
        rows = images.reshape(_GRID, _GRID, height, width, channels).swapaxes(1, 2)
        return {"grid": rows.reshape(1, _GRID * height, _GRID * width, channels)}
