"""Images from noise: a GAN without a condition (Goodfellow et al. 2014; Radford et al. 2016)."""

import dataclasses
import functools
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from pix2pix_flax.image.augment import jitter
from pix2pix_flax.image.diff_augment import diff_augment
from pix2pix_flax.image.normalize import denormalize, normalize
from pix2pix_flax.metrics.feature_sets import FEATURES, features_of_both, set_distances
from pix2pix_flax.models.frozen.weights import load_lpips_weights
from pix2pix_flax.steps.adversarial import AdversarialStep
from pix2pix_flax.steps.discriminator import Discriminator
from pix2pix_flax.steps.generator import Generator
from pix2pix_flax.steps.state import TrainState
from pix2pix_flax.typing import Batch, Metrics, PyTree

_GRID = 8  # images in a row and in a column of the picture to look at


@dataclasses.dataclass(frozen=True, eq=False)
class Unconditional:
    """G makes images of latents from N(0, 1), and D tells them from the pictures of a dataset.

    Of an example the target alone is looked at, and in evaluation its place in the split, which is
    the seed of the image that stands beside it.

    Attributes:
      gen: the generator; its one loss is that by the discriminator.
      disc: the discriminator.
      augment: keyword arguments of `augment.jitter`, which changes what is to be learned.
      diff_augment: those of `diff_augment`, which changes only what D sees.
      latent_size: numbers in a latent, Z.
      distances: whether sets of images are compared by VGG16 in validation (extra `lpips`).
    """

    gen: Generator
    disc: Discriminator
    augment: dict[str, Any]
    diff_augment: dict[str, Any]
    latent_size: int
    distances: bool

    paired: ClassVar[bool] = False
    colours: ClassVar[bool] = True
    ranked_by: ClassVar[tuple[str, ...]] = ()
    legend: ClassVar[dict[str, tuple[int, int, int]]] = {}

    @property
    def _gan(self) -> AdversarialStep:
        return AdversarialStep(self.gen, self.disc)

    def load_frozen(self) -> PyTree:
        """Returns the weights of VGG16, where sets are compared."""
        return {"vgg16": load_lpips_weights("vgg16")} if self.distances else {}

    def network_input(self) -> jax.Array:
        """Returns one latent, float32 [1, Z]."""
        return jnp.zeros((1, self.latent_size))

    def latents(self, seeds: jax.Array, truncation: float | None = None) -> jax.Array:
        """Returns the latents of seeds uint32 [B], float32 [B, Z].

        Args:
          seeds: each has one latent, whatever the others are.
          truncation: numbers beyond it are drawn again (Brock et al. 2019, section 3.1): the
            smaller, the more alike and the more usual the images; None: none are.
        """

        def draw(seed):
            key, shape = jax.random.key(seed), (self.latent_size,)
            if truncation is None:
                return jax.random.normal(key, shape)
            return jax.random.truncated_normal(key, -truncation, truncation, shape)

        return jax.vmap(draw)(seeds)

    def _noise(self, key: jax.Array, count: int) -> jax.Array:
        return jax.random.normal(key, (count, self.latent_size))

    def init(self, rng: jax.Array, batch: Batch, frozen: PyTree = ()) -> TrainState:
        """Returns the state at step 0 for batches shaped like this one."""
        del frozen
        net_rng, rng = jax.random.split(rng)
        real = self._real(rng, batch)
        nets = self._gan.init(net_rng, self._noise(rng, len(real)), real)
        return TrainState(jnp.zeros((), jnp.int32), rng, nets)

    def train_step(
        self, state: TrainState, batch: Batch, frozen: PyTree = ()
    ) -> tuple[TrainState, Metrics]:
        """Returns the state after one step of both networks, and its scalars."""
        del frozen
        rng = jax.random.fold_in(state.rng, state.step)
        augment_rng, latent_rng, seen_rng, disc_rng = jax.random.split(rng, 4)
        real = self._real(augment_rng, batch)
        nets, metrics = self._gan(
            state.nets,
            inputs=self._noise(latent_rng, len(real)),
            real=real,
            judge=functools.partial(diff_augment, seen_rng, **self.diff_augment),
            terms=lambda images: {},
            rngs={},
            disc_rng=disc_rng,
            step=state.step,
        )
        return state.replace(step=state.step + 1, nets=nets), metrics

    def _real(self, rng: jax.Array, batch: Batch) -> jax.Array:
        return normalize(jitter(rng, {"target": batch["target"]}, **self.augment)["target"])

    def generate(self, variables: PyTree, latents: jax.Array) -> jax.Array:
        """Returns images float32 [B, H, W, C] in [-1, 1] of latents [B, Z]."""
        return self.gen.net.module.apply(variables, latents, train=False)

    def prepare(self, batch: Batch) -> Batch:
        """Returns `input`, seeds uint32 [B], and `target`, real pictures uint8 [B, H, W, C]."""
        return {"input": batch["index"], "target": batch["target"]}

    def predict(self, variables: PyTree, inputs: jax.Array) -> jax.Array:
        """Returns images float32 [B, H, W, C] in [-1, 1] of seeds uint32 [B]."""
        return self.generate(variables, self.latents(inputs))

    def eval_step(self, state: TrainState, batch: Batch, frozen: PyTree = ()) -> Metrics:
        """Returns how D fares, and features of generated images and of as many real ones.

        [B] each: `accuracy_real` on pictures that it has not been trained on, and `accuracy_fake`;
        the higher the first is in training than here, the more D knows by heart. Where sets are
        compared, `sets.features_of_both`.
        """
        batch = self.prepare(batch)
        output = self.predict(state.generator.variables, batch["input"])
        made, real = normalize(denormalize(output)), normalize(batch["target"])
        found = self.disc.accuracies(state.nets["disc"], real, made)
        if frozen:
            found[FEATURES] = features_of_both(frozen["vgg16"], output, batch["target"])
        return found

    def score(self, output: jax.Array, batch: Batch, frozen: PyTree = ()) -> Metrics:
        """Returns no scores: an image says nothing of the one that it stands beside."""
        del output, batch, frozen
        return {}

    def controls(self, batch: Batch) -> dict[str, jax.Array]:
        """Returns no outputs: there is nothing to take for one."""
        del batch
        return {}

    def summarize(self, outputs: dict[str, np.ndarray]) -> dict[str, float]:
        """Returns the means of D's accuracies, and `sets.set_distances`."""
        means = {name: float(values.mean()) for name, values in outputs.items() if name != FEATURES}
        return means | (set_distances(outputs[FEATURES]) if FEATURES in outputs else {})

    def tables(self, outputs: dict[str, np.ndarray]) -> dict[str, list[dict[str, Any]]]:
        """Returns no tables: the summary says all."""
        del outputs
        return {}

    def visualize(self, state: TrainState, batch: Batch) -> dict[str, jax.Array]:
        """Returns `grid`, uint8 [1, 8H, 8W, C]: images of always the same seeds, 0 to 63."""
        del batch
        seeds = jnp.arange(_GRID**2, dtype=jnp.uint32)
        images = denormalize(self.predict(state.generator.variables, seeds))
        height, width, channels = images.shape[1:]
        rows = images.reshape(_GRID, _GRID, height, width, channels).swapaxes(1, 2)
        return {"grid": rows.reshape(1, _GRID * height, _GRID * width, channels)}
