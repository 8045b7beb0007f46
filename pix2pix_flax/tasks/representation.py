"""How images are represented for the networks: as RGB, as Lab colours, as label maps, with a style.

A representation is a set of pure functions between uint8 RGB and the arrays of the networks. It
knows neither losses' weights nor networks.
"""

import abc
import dataclasses
from collections.abc import Collection
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from cartoon_tfds.errors import UserError
from pix2pix_flax import losses
from pix2pix_flax.image.colour import LUMA
from pix2pix_flax.image.normalize import denormalize, normalize
from pix2pix_flax.typing import Batch

_RGB = 3


@dataclasses.dataclass(frozen=True)
class Representation(abc.ABC):
    """From uint8 RGB to the generator's input and target, and from its output to RGB.

    Attributes:
      input_channels: image channels of the generator's input: 3 (RGB), or 1 (luma).

    Raises:
      UserError: for other numbers of channels.
    """

    input_channels: int

    colours: ClassVar[bool] = False
    """Whether the output for a grey input has colours."""

    legend: ClassVar[dict[str, tuple[int, int, int]]] = {}
    """Colours of the classes by name, if outputs are label maps; empty for photographs."""

    planes: ClassVar[tuple[float, ...]] = ()
    """Values of the constant planes after the image channels of the generator's input."""

    enlarged_by: ClassVar[str] = "linear"
    """The method of `jax.image.resize` that enlarges outputs of shrunk inputs."""

    takes_hints: ClassVar[bool] = False
    """Whether `to_input` also takes colour hints, as four more channels of an image."""

    def __post_init__(self):
        _check_channels("input_channels", self.input_channels)

    def to_input(self, images: jax.Array) -> jax.Array:
        """Returns the generator's input, float32 [B, H, W, C], for uint8 RGB [B, H, W, 3]."""
        return _in_channels(normalize(images), self.input_channels)

    def training_input(self, rng: jax.Array, batch: Batch) -> jax.Array:
        """Returns the generator's input in training; `rng` is for inputs that are drawn."""
        del rng
        return self.to_input(batch["input"])

    def shrink(self, inputs: jax.Array, height: int, width: int) -> jax.Array:
        """Returns the generator's inputs in a smaller size, antialiased, [B, height, width, C]."""
        return jax.image.resize(inputs, (len(inputs), height, width, inputs.shape[-1]), "linear")

    @abc.abstractmethod
    def to_target(self, images: jax.Array) -> jax.Array:
        """Returns the generator's target, [B, H, W, C], for uint8 RGB [B, H, W, 3]."""

    def to_real(self, target: jax.Array) -> jax.Array:
        """Returns the real images for the discriminator, float32 [B, H, W, C], for targets."""
        return target

    def to_fake(self, outputs: jax.Array) -> jax.Array:
        """Returns the generated images for the discriminator, in the space of `to_real`."""
        return outputs

    def to_image(self, inputs: jax.Array, outputs: jax.Array) -> jax.Array:
        """Returns RGB float32 [B, H, W, 3] in [-1, 1], differentiable, for losses on images.

        Args:
          inputs: the generator's inputs, [B, H, W, C].
          outputs: the generator's outputs or targets, [B, H, W, C].
        """
        del inputs
        return jnp.broadcast_to(outputs, (*outputs.shape[:-1], _RGB))

    def decode(self, inputs: jax.Array, outputs: jax.Array) -> jax.Array:
        """Returns the result for a user, RGB float32 [B, H, W, 3] in [-1, 1].

        A value that is not a number stays so: tiles measure the network's reach by it.
        """
        return self.to_image(inputs, outputs)

    def reconstruction(
        self,
        names: Collection[str],
        inputs: jax.Array,
        outputs: jax.Array,
        target: jax.Array,
        weights: jax.Array | None = None,
    ) -> dict[str, jax.Array]:
        """Returns the reconstruction losses among `names`, scalars before their own weights.

        Args:
          names: names of the loss terms that have a weight.
          inputs: the generator's inputs, [B, H, W, C].
          outputs: the generator's outputs, [B, H, W, C].
          target: the generator's targets.
          weights: weights of the classes of label maps, [K]; None: all classes count alike.
        """
        del inputs, weights
        known = losses.RECONSTRUCTION_LOSSES
        return {name: known[name](outputs, target) for name in names if name in known}

    def controls(self, batch: Batch, enlarged: dict[str, jax.Array]) -> dict[str, jax.Array]:
        """Returns outputs in [-1, 1] that need no network, to compare the network's with.

        Args:
          batch: uint8 `input` and `target`.
          enlarged: the inputs in the size of the targets, by name, uint8 [B, H, W, 3].
        """
        del batch
        return {name: normalize(images[..., :_RGB]) for name, images in enlarged.items()}

    def columns(self, controls: dict[str, jax.Array], batch: Batch, output: jax.Array) -> list:
        """Returns the columns of a panel: controls, target and output, uint8 [B, H, W, 3] each."""
        return [*map(denormalize, controls.values()), batch["target"], denormalize(output)]

    def captions(self, enlarged_names: tuple[str, ...]) -> tuple[str, ...]:
        """Returns the names of `columns`.

        Args:
          enlarged_names: names of the inputs in the size of the targets, which are the controls.
        """
        return (*enlarged_names, "target", "output")


@dataclasses.dataclass(frozen=True)
class Images(Representation):
    """Targets are RGB images in [-1, 1], or their luma.

    Attributes:
      output_channels: channels of the generator's output: 3 (RGB), or 1 (luma).

    Raises:
      UserError: for other numbers of channels.
    """

    output_channels: int

    def __post_init__(self):
        super().__post_init__()
        _check_channels("generator.out_channels", self.output_channels)

    def to_target(self, images: jax.Array) -> jax.Array:
        """Returns the generator's target, float32 [B, H, W, C], for uint8 RGB [B, H, W, 3]."""
        return _in_channels(normalize(images), self.output_channels)

    def reconstruction(
        self,
        names: Collection[str],
        inputs: jax.Array,
        outputs: jax.Array,
        target: jax.Array,
        weights: jax.Array | None = None,
    ) -> dict[str, jax.Array]:
        """Returns the reconstruction losses among `names`, also `ink` and `white`."""
        values = super().reconstruction(names, inputs, outputs, target, weights)
        if "ink" in names:
            images = inputs[..., : self.input_channels]  # without the planes of styles
            values["ink"] = losses.ink(outputs, target, images)
        if "white" in names:
            values["white"] = losses.white(outputs, target)
        return values


def _check_channels(key: str, channels: int) -> None:
    if channels not in (1, _RGB):
        raise UserError(f"config.{key} must be 3 (RGB) or 1 (grey) for this task, not {channels}.")


def _in_channels(images: jax.Array, channels: int) -> jax.Array:
    """Returns RGB images [B, H, W, 3], or their luma (ITU-R BT.601) [B, H, W, 1]."""
    return images if channels == _RGB else images @ LUMA[:, np.newaxis]
