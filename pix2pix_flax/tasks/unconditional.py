"""Images from noise: a GAN without a condition (Goodfellow et al. 2014; Radford et al. 2016)."""

import dataclasses
import functools
import math
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from pix2pix_flax.augment import denormalize, jitter, normalize
from pix2pix_flax.diff_augment import diff_augment
from pix2pix_flax.distribution_metrics import NEAREST, vgg16_distances
from pix2pix_flax.models.pooled_features import pooled_features
from pix2pix_flax.tasks.adversarial import AdversarialStep
from pix2pix_flax.tasks.base import Batch, Metrics
from pix2pix_flax.tasks.discriminator import Discriminator
from pix2pix_flax.tasks.generator import Generator
from pix2pix_flax.train_state import PyTree, TrainState
from pix2pix_flax.weights import load_lpips_weights

_GRID = 8  # images in a row and in a column of the picture to look at
_FEATURES = "features"


@dataclasses.dataclass(frozen=True, eq=False)
class Unconditional:
    """G makes images of latents from N(0, 1), and D tells them from the pictures of a dataset.

    Of an example the target alone is looked at.

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

    colours: ClassVar[bool] = True

    @property
    def _gan(self) -> AdversarialStep:
        return AdversarialStep(self.gen, self.disc)

    def load_frozen(self) -> PyTree:
        """Returns the weights of VGG16, where sets are compared."""
        return {"vgg16": load_lpips_weights("vgg16")} if self.distances else {}

    def network_input(self) -> jax.Array:
        """Returns one latent, float32 [1, Z]."""
        return jnp.zeros((1, self.latent_size))

    def latents(self, key: jax.Array, count: int) -> jax.Array:
        """Returns `count` latents, float32 [count, Z]."""
        return jax.random.normal(key, (count, self.latent_size))

    def init(self, rng: jax.Array, batch: Batch, frozen: PyTree = ()) -> TrainState:
        """Returns the state at step 0 for batches shaped like this one."""
        del frozen
        net_rng, rng = jax.random.split(rng)
        real = self._real(rng, batch)
        nets = self._gan.init(net_rng, self.latents(rng, len(real)), real)
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
            inputs=self.latents(latent_rng, len(real)),
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

    def eval_step(self, state: TrainState, batch: Batch, frozen: PyTree = ()) -> Metrics:
        """Returns how D fares, and features of generated images and of as many real ones.

        [B] each: `accuracy_real` on pictures that it has not been trained on, and `accuracy_fake`;
        the higher the first is in training than here, the more D knows by heart. `features`, [B, 2,
        512], where sets are compared: of generated and of real pictures.
        """
        real = normalize(batch["target"])
        # Noise that follows from the pictures: each batch has its own, and always the same.
        key = jax.random.key(batch["target"].astype(jnp.uint32).sum())
        made = self.generate(state.generator.variables, self.latents(key, len(real)))
        made = normalize(denormalize(made))
        found = self.disc.accuracies(state.nets["disc"], real, made)
        if frozen:
            pooled = [pooled_features(frozen["vgg16"], images) for images in (made, real)]
            found[_FEATURES] = jnp.stack(pooled, axis=1)
        return found

    def summarize(self, outputs: dict[str, np.ndarray]) -> dict[str, float]:
        """Returns the means of D's accuracies, and `distribution_metrics.vgg16_distances`.

        Those are not-a-number for too few examples.
        """
        outputs = dict(outputs)
        features = outputs.pop(_FEATURES, None)
        means = {name: float(np.mean(values)) for name, values in outputs.items()}
        if features is None:
            return means
        generated, real = np.moveaxis(features, 1, 0)
        if len(features) > NEAREST:
            return means | vgg16_distances(real, generated)
        nothing = vgg16_distances(*np.zeros((2, NEAREST + 1, 1)))
        return means | dict.fromkeys(nothing, math.nan)

    def visualize(self, state: TrainState, batch: Batch) -> dict[str, jax.Array]:
        """Returns `grid`, uint8 [1, 8H, 8W, C]: images of always the same latents."""
        del batch
        latents = self.latents(jax.random.key(0), _GRID**2)
        images = denormalize(self.generate(state.generator.variables, latents))
        height, width, channels = images.shape[1:]
        rows = images.reshape(_GRID, _GRID, height, width, channels).swapaxes(1, 2)
        return {"grid": rows.reshape(1, _GRID * height, _GRID * width, channels)}
