"""From a checkpoint to a function from pictures to pictures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from pix2pix_flax.image.normalize import denormalize
from pix2pix_flax.image.padding import pad_to_multiple
from pix2pix_flax.pretrained.generator import load_generator
from pix2pix_flax.typing import PyTree


class Predictor:
    """Runs a trained generator on pictures of any size, each as a whole.

    Attributes:
      forward: (variables, images [B, H, W, 3] in 0..255) -> float32 [B, sH, sW, 3] in [-1, 1] with
        a whole scale s; pure, for sizes that are multiples of `stride`.
      variables: what `forward` takes first.
      stride: sizes are padded to multiples of this; there is one compilation a padded size.
      checkpoint: the step directory or file that it came from, where that is known.
      config: the configuration that it was trained with, where that is known.
      colours: whether what becomes of grey pictures has colours of its own.
    """

    def __init__(
        self,
        forward: Callable[[PyTree, jax.Array], jax.Array],
        variables: PyTree,
        stride: int,
        *,
        checkpoint: Path | None = None,
        config: Any = None,
        colours: bool = False,
    ):
        self.forward = forward
        self.variables = variables
        self.stride = stride
        self.checkpoint = checkpoint
        self.config = config
        self.colours = colours
        # The weights are an argument: closed over, they would be folded into the program.
        self._predict = jax.jit(lambda variables, images: denormalize(forward(variables, images)))
        self._programs: dict[tuple[int, ...], jax.stages.Compiled] = {}

    def program(self, shape: tuple[int, ...]) -> jax.stages.Compiled:
        """Returns (variables, images) -> images for uint8 [B, H, W, 3] of this very shape.

        It is compiled the first time. Height and width have to be multiples of `stride`.
        """
        if shape not in self._programs:
            images = jax.ShapeDtypeStruct(shape, np.uint8)
            self._programs[shape] = self._predict.lower(self.variables, images).compile()
        return self._programs[shape]

    def run(self, images: np.ndarray) -> np.ndarray:
        """Returns uint8 [B, sH, sW, 3] for uint8 [B, H, W, 3] of sizes that fit the stride."""
        return np.asarray(self.program(images.shape)(self.variables, images))

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Returns the translated pictures.

        Args:
          images: uint8 RGB [B, H, W, 3], any height and width from 1.

        Returns:
          uint8 RGB [B, sH, sW, 3]; the scale s is 1 but for super-resolution.

        Raises:
          ValueError: for anything else.
        """
        images = check_images(images)
        padded = pad_to_multiple(images, self.stride)
        return cut_back(self.run(padded), padded.shape, images.shape)


def check_images(images: np.ndarray) -> np.ndarray:
    """Returns `images`; raises ValueError unless they are uint8 [B, H, W, 3], no size of them 0."""
    images = np.asarray(images)
    shape = images.shape
    if images.dtype != np.uint8 or len(shape) != 4 or 0 in shape or shape[3] != 3:
        raise ValueError(f"images must be uint8 [B, H, W, 3], not {images.dtype} {list(shape)}.")
    return images


def cut_back(output: np.ndarray, padded: tuple[int, ...], wanted: tuple[int, ...]) -> np.ndarray:
    """Returns `output` [B, sH', sW', C] of inputs [B, H', W', C] cut to inputs [B, H, W, C]."""
    scale = output.shape[1] // padded[1]
    return output[:, : scale * wanted[1], : scale * wanted[2]]


def load_predictor(checkpoint: str | Path, *, style: str | None = None) -> Predictor:
    """Returns the predictor of a checkpoint.

    Args:
      checkpoint: what `generators.load_generator` takes: a training run, a safetensors file, or
        the name of a generator that comes with this package, such as `lite`.
      style: of those of the checkpoint; None: that of its configuration, or its only one.

    Raises:
      StyleError: where the checkpoint has no such style.
      CheckpointError: where it is none, or is damaged.
      GeneratorFileError: likewise, of a file.
    """
    generator = load_generator(checkpoint).of_images().in_style(style)
    return Predictor(
        generator.task.predict,
        generator.variables,
        generator.stride,
        checkpoint=generator.origin,
        config=generator.config,
        colours=generator.task.representation.colours,
    )
