"""What the tasks share that learn an image from an image."""

import abc
import dataclasses
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from pix2pix_flax import losses, metrics
from pix2pix_flax.image.augment import jitter
from pix2pix_flax.image.normalize import denormalize, normalize
from pix2pix_flax.losses.consistency import Consistency
from pix2pix_flax.losses.perceptual import Perceptual
from pix2pix_flax.models.frozen.lpips import lpips
from pix2pix_flax.models.frozen.weights import load_lpips_weights
from pix2pix_flax.steps.generator import Generator, Terms
from pix2pix_flax.steps.network import Nets
from pix2pix_flax.steps.state import TrainState
from pix2pix_flax.typing import Batch, Metrics, PyTree

STATISTICS = ("running", "batch")
_LUMA = np.array([[0.299], [0.587], [0.114]], np.float32)


def in_channels(images: jax.Array, channels: int, key: str) -> jax.Array:
    """Returns RGB images [B, H, W, 3] as they are, or their luma (ITU-R BT.601) [B, H, W, 1].

    Raises:
      ValueError: naming the `key` in config, for other numbers of channels.
    """
    if channels not in (1, 3):
        raise ValueError(f"config.{key} must be 3 (RGB) or 1 (grey) for this task, not {channels}.")
    return images if channels == 3 else images @ _LUMA


@dataclasses.dataclass(frozen=True, eq=False)
class PairedTask(abc.ABC):
    """From `input` to `target`, two pictures uint8 [B, H, W, 3].

    `prepare` makes them of an example: here they are its own. The networks see them through
    `to_input` and `to_target`, and `to_picture` leads back: here these are the pictures themselves,
    in [-1, 1], grey where a network has one channel.

    Attributes:
      paired: see `Task`.
      colours: whether what is made of a grey picture has colours of its own.
      ranked_by: see `Task`.
      legend: see `Task`.
      scale: size of the target over that of the input.
      border: pixels of reflection on all sides of what G is given at test, cut off its output.
      gen: the generator and its losses.
      augment: keyword arguments of `augment.jitter`.
      input_channels: of what G is given: 3, or 1 for grey.
      consistency: what the loss term `consistency` asks of G; None where it has no weight.
      perceptual: the loss terms that look through a frozen network; None where none has a weight.
      test_statistics: what BatchNorm takes at test: its `running` statistics, or those of each
        test image by itself (`batch`, Isola et al. 2017, section 3.4, at batch size 1).
      test_dropout: whether dropout stays on at test, as in the paper; the draw is a fixed one.
      test_lpips: whether LPIPS (AlexNet) is among the scores.
    """

    paired: ClassVar[bool] = True
    colours: ClassVar[bool] = False
    ranked_by: ClassVar[tuple[str, ...]] = ("lpips", "l1")
    legend: ClassVar[dict[str, tuple[int, int, int]]] = {}
    scale: ClassVar[int] = 1
    border: ClassVar[int] = 0

    gen: Generator
    augment: dict[str, Any]
    input_channels: int
    consistency: Consistency | None
    perceptual: Perceptual | None
    test_statistics: str
    test_dropout: bool
    test_lpips: bool

    def load_frozen(self) -> PyTree:
        """Returns the weights of frozen networks, by name.

        Raises:
          WeightsMissingError: one is needed, and the extra `lpips` is not installed.
        """
        found = {"perceptual": self.perceptual.load()} if self.perceptual else {}
        return found | ({"alexnet": load_lpips_weights("alexnet")} if self.test_lpips else {})

    def network_input(self) -> jax.Array:
        """Returns what G is given for a picture of its stride, float32 [1, H, W, C]."""
        stride = self.gen.net.module.stride
        return self.to_input(jnp.zeros((1, stride, stride, 3), jnp.uint8))

    def init(self, rng: jax.Array, batch: Batch, frozen: PyTree = ()) -> TrainState:
        """Returns the state at step 0 for batches shaped like this one."""
        net_rng, rng = jax.random.split(rng)
        pair = self._training_pair(rng, batch)
        extra = {}
        if self.perceptual:
            pictures = self.to_picture(pair["input"], pair["target"])
            extra["scales"] = self.perceptual.calibrate(frozen["perceptual"], pictures)
        return TrainState(jnp.zeros((), jnp.int32), rng, self.init_nets(net_rng, pair), extra)

    def train_step(
        self, state: TrainState, batch: Batch, frozen: PyTree = ()
    ) -> tuple[TrainState, Metrics]:
        """Returns the state after one step, and its scalars."""
        augment_rng, net_rng = jax.random.split(jax.random.fold_in(state.rng, state.step))
        pair = self._training_pair(augment_rng, batch)

        def terms(outputs):
            values = self.terms(net_rng, outputs, pair["target"])
            if self.perceptual:
                values |= self.perceptual.losses(
                    frozen["perceptual"],
                    state.extra["scales"],
                    self.to_picture(pair["input"], outputs[: len(pair["target"])]),
                    self.to_picture(pair["input"], pair["target"]),
                )
            return values

        nets, metrics = self.train_nets(state.nets, pair, terms, net_rng, state.step)
        return state.replace(step=state.step + 1, nets=nets), metrics

    @abc.abstractmethod
    def init_nets(self, rng: jax.Array, pair: Batch) -> Nets:
        """Returns fresh networks for `input` and `target`, float32 [B, H, W, C]."""

    @abc.abstractmethod
    def train_nets(
        self, nets: Nets, pair: Batch, terms: Terms, rng: jax.Array, step: jax.Array
    ) -> tuple[Nets, Metrics]:
        """Returns the networks after one step on a pair in [-1, 1], and its scalars.

        Args:
          nets: as made by `init_nets`.
          pair: `input` and `target`, float32 [B, H, W, C].
          terms: from G's images of `views` to the loss terms beside `gan`, before weights.
          rng: what `views` is given.
          step: finished steps.
        """

    def _training_pair(self, rng: jax.Array, batch: Batch) -> Batch:
        batch = self.prepare(jitter(rng, batch, **self.augment))
        return {
            "input": self.to_input(batch["input"]),
            "target": self.to_target(batch["target"]),
        }

    def prepare(self, batch: Batch) -> Batch:
        """Returns `input` and `target`, uint8 [B, H, W, 3], of the pictures in the dataset."""
        return batch

    def to_input(self, pictures: jax.Array) -> jax.Array:
        """Returns what G is given for uint8 [B, H, W, 3]: float32 [B, H, W, C] in [-1, 1]."""
        return in_channels(normalize(pictures), self.input_channels, "input_channels")

    def to_target(self, pictures: jax.Array) -> jax.Array:
        """Returns what G shall return for uint8 [B, H, W, 3]: float32 [B, H, W, C] in [-1, 1]."""
        channels = self.gen.net.module.out_channels
        return in_channels(normalize(pictures), channels, "generator.out_channels")

    def to_picture(self, inputs: jax.Array, outputs: jax.Array) -> jax.Array:
        """Returns RGB in [-1, 1], float32 [B, H, W, 3], for what G was given and returned."""
        del inputs
        return jnp.broadcast_to(outputs, (*outputs.shape[:-1], 3))

    def views(self, rng: jax.Array, inputs: jax.Array) -> jax.Array:
        """Returns what G is given in training: the inputs [B, H, W, C], and perhaps more views."""
        return self.consistency.views(rng, inputs) if self.consistency else inputs

    def terms(self, rng: jax.Array, outputs: jax.Array, target: jax.Array) -> dict[str, jax.Array]:
        """Returns the terms of pixels that have a weight, unweighted.

        Args:
          rng: that `views` was given.
          outputs: G's of these views.
          target: [B, H, W, C].
        """
        values = self.reconstruction(outputs[: len(target)], target)
        if self.consistency:
            values["consistency"] = self.consistency.loss(rng, outputs, self.scale)
        return values

    def reconstruction(self, output: jax.Array, target: jax.Array) -> dict[str, jax.Array]:
        """Returns the terms with a weight that compare outputs with targets, [B, H, W, C]."""
        known = losses.RECONSTRUCTION_LOSSES
        return {name: known[name](output, target) for name in self.gen.weights if name in known}

    def predict(self, variables: PyTree, inputs: jax.Array) -> jax.Array:
        """Returns float32 RGB [B, sH, sW, 3] in [-1, 1] for uint8 inputs [B, H, W, 3]."""
        images = self.to_input(inputs)
        return self.to_picture(images, self.generate(variables, images))

    def generate(self, variables: PyTree, images: jax.Array) -> jax.Array:
        """Returns what G makes at test, float32 [B, H, W, C], of what `to_input` returned."""
        if self.test_statistics == "running" and not self.test_dropout:
            return self._forward(variables, images)
        # One image at a time: what an image becomes must not depend on its neighbours.
        return jax.lax.map(lambda image: self._forward(variables, image[None])[0], images)

    def _forward(self, variables: PyTree, images: jax.Array) -> jax.Array:
        rngs = {"dropout": jax.random.key(0)} if self.test_dropout else None
        batch_statistics = self.test_statistics == "batch"
        mutable = [name for name in variables if name != "params"] if batch_statistics else []
        output, _ = self.gen.net.module.apply(
            variables, images, train=batch_statistics, rngs=rngs, mutable=mutable
        )
        return output

    def eval_step(self, state: TrainState, batch: Batch, frozen: PyTree = ()) -> Metrics:
        """Returns the scores [B] of the network's outputs."""
        batch = self.prepare(batch)
        output = self.predict(state.generator.variables, batch["input"])
        return self.score(output, batch, frozen)

    def score(self, output: jax.Array, batch: Batch, frozen: PyTree = ()) -> Metrics:
        """Returns `l1`, `psnr`, `ssim` and perhaps `lpips`, [B], of [B, H, W, C] in [-1, 1]."""
        # What a user gets is rounded to 8 bits, so that is what is measured.
        output, target = normalize(denormalize(output)), normalize(batch["target"])
        found = {
            "l1": metrics.l1(output, target),
            "psnr": metrics.psnr(output, target),
            "ssim": metrics.ssim(output, target),
        }
        if self.test_lpips:
            found["lpips"] = lpips(frozen["alexnet"], output, target, net="alexnet")
        return found

    def controls(self, batch: Batch) -> dict[str, jax.Array]:
        """Returns outputs in [-1, 1] that need no network, to hold the network's against."""
        return {"input": normalize(batch["input"])}

    def summarize(self, outputs: dict[str, np.ndarray]) -> dict[str, float]:
        """Returns the mean of each score over the examples."""
        return {name: float(np.mean(values)) for name, values in outputs.items()}

    def tables(self, outputs: dict[str, np.ndarray]) -> dict[str, list[dict[str, Any]]]:
        """Returns no tables: the summary says all."""
        del outputs
        return {}

    def columns(self, batch: Batch, output: jax.Array) -> list[jax.Array]:
        """Returns the controls, the target and the output, uint8 [B, H, W, 3] each."""
        controls = map(denormalize, self.controls(batch).values())
        return [*controls, batch["target"], denormalize(output)]

    def visualize(self, state: TrainState, batch: Batch) -> dict[str, jax.Array]:
        """Returns `panel`, uint8 [B, H, nW, 3]: the `columns` beside one another."""
        batch = self.prepare(batch)
        output = self.predict(state.generator.variables, batch["input"])
        return {"panel": jnp.concatenate(self.columns(batch, output), axis=2)}
