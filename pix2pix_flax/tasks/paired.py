"""The task of learning an image from an image."""

import dataclasses
import functools
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from pix2pix_flax.image.augment import jitter
from pix2pix_flax.losses.consistency import Consistency
from pix2pix_flax.losses.perceptual import Perceptual
from pix2pix_flax.steps.adversarial import DISC, AdversarialStep
from pix2pix_flax.steps.network import StepBatch
from pix2pix_flax.steps.state import TrainState
from pix2pix_flax.steps.supervised import SupervisedStep
from pix2pix_flax.tasks.class_weights import ClassWeights
from pix2pix_flax.tasks.representation import Images
from pix2pix_flax.tasks.resolution import SameSize
from pix2pix_flax.tasks.scores import Scores
from pix2pix_flax.typing import Batch, Metrics, PyTree

STATISTICS = ("running", "batch")
_DISC_STREAM, _INPUT_STREAM = 4, 5  # `Consistency` uses the streams 0 to 3
_DEGRADATION_STREAM = 2**31  # `jitter` uses the streams 0 to B - 1


@dataclasses.dataclass(frozen=True, eq=False)
class PairedTask:
    """From `input` to `target`, two images uint8 [B, H, W, 3].

    Attributes:
      step: how the networks learn: with or without a discriminator.
      representation: how images become the arrays of the networks, and back.
      resolution: the sizes of input, network and target.
      scores: the scores of validation and evaluation.
      augment: keyword arguments of `augment.jitter`.
      consistency: the loss term `consistency`; None if it has no weight.
      perceptual: the loss terms on features of a frozen network; None if none has a weight.
      class_weights: the weights of the classes of label maps; None if all classes count alike.
      statistics: the statistics of BatchNorm at inference: `running`, or `batch`, those of each
        image by itself (Isola et al. 2017, section 3.4, at batch size 1).
      dropout: whether dropout stays on at inference, as in the paper; its mask is always the same.
    """

    step: SupervisedStep | AdversarialStep
    representation: Images
    resolution: SameSize
    scores: Scores
    augment: dict[str, Any]
    consistency: Consistency | None
    perceptual: Perceptual | None
    class_weights: ClassWeights | None
    statistics: str
    dropout: bool

    input_kind: ClassVar[str] = "image"

    @property
    def module(self) -> nn.Module:
        """The generator."""
        return self.step.gen.net.module

    def load_frozen(self) -> PyTree:
        """Returns the weights of frozen networks and of classes, by name.

        Raises:
          WeightsMissingError: one is needed, and the extra `lpips` is not installed.
        """
        found = {"perceptual": self.perceptual.load()} if self.perceptual else {}
        if self.class_weights:
            found["class_weights"] = self.class_weights.load()
        return found | self.scores.load_frozen()

    def network_input(self) -> jax.Array:
        """Returns the generator's input for an image of its stride, float32 [1, H, W, C]."""
        stride = self.module.stride
        return self.representation.to_input(jnp.zeros((1, stride, stride, 3), jnp.uint8))

    def init(self, rng: jax.Array, batch: Batch, frozen: PyTree = ()) -> TrainState:
        """Returns the state at step 0 for batches of this shape."""
        net_rng, rng = jax.random.split(rng)
        pair = self._training_pair(rng, net_rng, batch)
        extra = {}
        if self.perceptual:
            images = self.representation.to_image(pair["input"], pair["target"])
            extra["scales"] = self.perceptual.calibrate(frozen["perceptual"], images)
        real = self.representation.to_real(pair["target"])
        step_batch = StepBatch(pair["input"], real, terms=lambda _: {})
        nets = self.step.init(net_rng, step_batch)
        return TrainState(jnp.zeros((), jnp.int32), rng, nets, extra)

    def train_step(
        self, state: TrainState, batch: Batch, frozen: PyTree = ()
    ) -> tuple[TrainState, Metrics]:
        """Returns the state after one step, and its scalars."""
        augment_rng, net_rng = jax.random.split(jax.random.fold_in(state.rng, state.step))
        pair = self._training_pair(augment_rng, net_rng, batch)

        def terms(outputs):
            values = self._terms(net_rng, outputs, pair, frozen)
            if self.perceptual:
                to_image = self.representation.to_image
                values |= self.perceptual.losses(
                    frozen["perceptual"],
                    state.extra["scales"],
                    to_image(pair["input"], outputs[: len(pair["target"])]),
                    to_image(pair["input"], pair["target"]),
                )
            return values

        step_batch = StepBatch(
            inputs=self._views(net_rng, pair["input"]),
            real=self.representation.to_real(pair["target"]),
            terms=terms,
            to_images=self.representation.to_fake,
        )
        rngs = {"dropout": net_rng, DISC: jax.random.fold_in(net_rng, _DISC_STREAM)}
        nets, metrics = self.step(state.nets, step_batch, rngs, state.step)
        return state.replace(step=state.step + 1, nets=nets), metrics

    def _training_pair(self, augment_rng: jax.Array, net_rng: jax.Array, batch: Batch) -> Batch:
        batch = self.prepare(jitter(augment_rng, batch, **self.augment))
        input_rng = jax.random.fold_in(net_rng, _INPUT_STREAM)
        keys = jax.random.fold_in(augment_rng, _DEGRADATION_STREAM)
        batch = self.resolution.degraded(jax.random.split(keys, len(batch["target"])), batch)
        return {
            "input": self.representation.training_input(input_rng, batch),
            "target": self.representation.to_target(batch["target"]),
        }

    def _views(self, rng: jax.Array, inputs: jax.Array) -> jax.Array:
        """Returns the generator's inputs in training: [B, H, W, C], or twice as many views."""
        if not self.consistency:
            return inputs
        planes = len(self.representation.planes)
        if not planes:
            return self.consistency.views(rng, inputs)
        images, constant = inputs[..., :-planes], inputs[..., -planes:]
        views = self.consistency.views(rng, images)
        constant = jnp.tile(constant, (len(views) // len(inputs), 1, 1, 1))
        return jnp.concatenate([views, constant], axis=-1)

    def _terms(
        self, rng: jax.Array, outputs: jax.Array, pair: Batch, frozen: PyTree
    ) -> dict[str, jax.Array]:
        """Returns the loss terms on pixels that have a weight, before weights.

        Args:
          rng: the key that `_views` was given.
          outputs: the generator's outputs for these views.
          pair: `input` and `target`, [B, H, W, C] each.
          frozen: the weights of `load_frozen`.
        """
        names, first = self.step.gen.weights, outputs[: len(pair["target"])]
        weights = frozen["class_weights"] if self.class_weights else None
        values = self.representation.reconstruction(
            names, pair["input"], first, pair["target"], weights
        )
        if self.consistency:
            values["consistency"] = self.consistency.loss(rng, outputs, self.resolution.scale)
        return values

    def prepare(self, batch: Batch) -> Batch:
        """Returns `input` and `target`, uint8 [B, H, W, C], for the images of the dataset.

        Without the degradation of a training: reports score the reduction that papers have.
        """
        return self.resolution.prepare(batch)

    def predict(self, variables: PyTree, inputs: jax.Array) -> jax.Array:
        """Returns RGB float32 [B, sH, sW, 3] in [-1, 1] for uint8 inputs [B, H, W, 3].

        Inputs with a style have 4 channels, and inputs with hints 7: see the representation.
        """
        return self.predict_from(variables, self.representation.to_input(inputs))

    def predict_from(self, variables: PyTree, images: jax.Array) -> jax.Array:
        """Returns RGB float32 [B, sH, sW, 3] in [-1, 1] for inputs of the representation."""
        outputs = self.resolution.run(functools.partial(self._generate, variables), images)
        return self.representation.decode(images, outputs)

    def of_size(self, height: int, width: int) -> "PairedTask":
        """Returns the task whose `predict` takes images of one size, or parts of them."""
        return dataclasses.replace(self, resolution=self.resolution.of_size(height, width))

    def _generate(self, variables: PyTree, images: jax.Array, enlarge: int = 1) -> jax.Array:
        """Returns the generator's outputs at inference, float32 [B, enlarge * H, ..., C]."""
        module = self.module if enlarge == 1 else self.module.clone(enlarge=enlarge)
        forward = functools.partial(self._forward, module, variables)
        if self.statistics == "running" and not self.dropout:
            return forward(images)
        # One image at a time: a result must not depend on the other images of the batch.
        return jax.lax.map(lambda image: forward(image[None])[0], images)

    def _forward(self, module: nn.Module, variables: PyTree, images: jax.Array) -> jax.Array:
        rngs = {"dropout": jax.random.key(0)} if self.dropout else None
        batch_statistics = self.statistics == "batch"
        mutable = [name for name in variables if name != "params"] if batch_statistics else []
        output, _ = module.apply(
            variables, images, train=batch_statistics, rngs=rngs, mutable=mutable
        )
        return output

    def _validation_pair(self, batch: Batch) -> Batch:
        """Returns `input` and `target` with the degradation of the training, always the same."""
        places = batch.get("index", jnp.arange(len(batch["target"])))
        keys = jax.vmap(functools.partial(jax.random.fold_in, jax.random.key(0)))(places)
        return self.resolution.degraded(keys, batch)

    def eval_step(self, state: TrainState, batch: Batch, frozen: PyTree = ()) -> Metrics:
        """Returns the scores [B] of the network's outputs."""
        batch = self._validation_pair(batch)
        output = self.predict(state.generator.variables, batch["input"])
        return self.scores.score(output, batch, frozen)

    def controls(self, batch: Batch) -> dict[str, jax.Array]:
        """Returns outputs in [-1, 1] that need no network, by name, for a prepared batch."""
        return self.representation.controls(batch, self.resolution.enlarged(batch))

    def columns(self, batch: Batch, output: jax.Array) -> list[jax.Array]:
        """Returns the columns of a panel, uint8 [B, H, W, 3] each.

        Args:
          batch: prepared examples.
          output: the outputs of `predict` for them.
        """
        return self.representation.columns(self.controls(batch), batch, output)

    @property
    def captions(self) -> tuple[str, ...]:
        """The names of `columns`."""
        return self.representation.captions(self.resolution.enlarged_names)

    def visualize(self, state: TrainState, batch: Batch) -> dict[str, jax.Array]:
        """Returns `panel`, uint8 [B, H, nW, 3]: the `columns` side by side."""
        batch = self._validation_pair(batch)
        output = self.predict(state.generator.variables, batch["input"])
        return {"panel": jnp.concatenate(self.columns(batch, output), axis=2)}
