"""Loads a checkpoint as a function from images to images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from pix2pix_flax.image.normalize import denormalize
from pix2pix_flax.image.padding import pad_to_multiple
from pix2pix_flax.inference.translator import check_images
from pix2pix_flax.pretrained.generator import TrainedGenerator, load_generator
from pix2pix_flax.tasks.paired import PairedTask
from pix2pix_flax.typing import PyTree


class Predictor:
    """Runs a trained generator on images of any size, without tiles.

    Attributes:
      forward: (variables, images [B, H, W, 3] in 0..255) -> float32 [B, sH, sW, 3] in [-1, 1] with
        an integer scale s. A pure function; H and W must be multiples of `stride`.
      variables: the generator's variables, the first argument of `forward`.
      stride: images are padded to multiples of it; each padded size is compiled once.
      checkpoint: the step directory or file of the weights; None if unknown.
      config: the configuration of the training run; None if unknown.
      colours: whether the network returns colours for a grey image (colourisation, label maps).
      takes_hints: whether images may have four more channels, the RGBA of colour hints.
      summary: empty, because no image is tiled; see `translator.Network`.

    With a `task`, large images are drawn at the part of their size that its resolution chooses.
    """

    summary = ""

    def __init__(
        self,
        forward: Callable[[PyTree, jax.Array], jax.Array],
        variables: PyTree,
        stride: int,
        *,
        checkpoint: Path | None = None,
        config: Any = None,
        colours: bool = False,
        takes_hints: bool = False,
        task: PairedTask | None = None,
    ):
        self.forward = forward
        self.variables = variables
        self.stride = stride
        self.checkpoint = checkpoint
        self.config = config
        self.colours = colours
        self.takes_hints = takes_hints
        self._task = task
        self._sized: dict[int, Predictor] = {}
        # The weights are an argument, because a closure would fold them into the program.
        self._predict = jax.jit(lambda variables, images: denormalize(forward(variables, images)))
        self._programs: dict[tuple[int, ...], jax.stages.Compiled] = {}

    def of_size(self, height: int, width: int) -> "Predictor":
        """Returns the predictor for images of one size, and for tiles of these images.

        It is this predictor, unless the network draws large images at a part of their size
        (`tasks.resolution.Redrawn`).
        """
        if self._task is None:
            return self
        task = self._task.of_size(height, width)
        factor = task.resolution.factor
        if factor == 1:
            return self
        if factor not in self._sized:
            self._sized[factor] = Predictor(
                task.predict,
                self.variables,
                factor * self.stride,
                checkpoint=self.checkpoint,
                config=self.config,
                colours=self.colours,
                takes_hints=self.takes_hints,
            )
        return self._sized[factor]

    def program(self, shape: tuple[int, ...]) -> jax.stages.Compiled:
        """Returns the compiled program for one shape; compiles it on the first call.

        Args:
          shape: (B, H, W, 3); H and W must be multiples of `stride`.

        Returns:
          (variables, images uint8 [B, H, W, 3]) -> uint8 [B, sH, sW, 3].
        """
        if shape not in self._programs:
            images = jax.ShapeDtypeStruct(shape, np.uint8)
            self._programs[shape] = self._predict.lower(self.variables, images).compile()
        return self._programs[shape]

    def run(self, images: np.ndarray) -> np.ndarray:
        """Translates uint8 [B, H, W, 3] to uint8 [B, sH, sW, 3]; H, W are multiples of `stride`."""
        return np.asarray(self.program(images.shape)(self.variables, images))

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Translates images.

        Args:
          images: uint8 RGB [B, H, W, 3], or with colour hints [B, H, W, 7]; H and W at least 1.

        Returns:
          uint8 RGB [B, sH, sW, 3]; the scale s is 1 except for super-resolution.

        Raises:
          ValueError: `images` has another dtype or shape.
        """
        images = check_images(images, takes_hints=self.takes_hints)
        sized = self.of_size(*images.shape[1:3])
        padded = pad_to_multiple(images, sized.stride)
        return cut_back(sized.run(padded), padded.shape, images.shape)


def cut_back(output: np.ndarray, padded: tuple[int, ...], wanted: tuple[int, ...]) -> np.ndarray:
    """Cuts the padding off a network's output.

    Args:
      output: [B, sH', sW', C], computed from padded images.
      padded: (B, H', W', ...), the shape of the padded images.
      wanted: (B, H, W, ...), the shape of the images before padding.

    Returns:
      [B, sH, sW, C].
    """
    scale = output.shape[1] // padded[1]
    return output[:, : scale * wanted[1], : scale * wanted[2]]


def load_predictor(
    checkpoint: str | Path, *, style: str | None = None, working_size: int | None = None
) -> Predictor:
    """Loads the predictor of a checkpoint.

    Args:
      checkpoint: a training run, a safetensors file, or the name of a generator that is shipped
        with this package, e.g. `lite`; see `load_generator`.
      style: name of a style of the checkpoint; None for its default or only style.
      working_size: short side in pixels to which larger images are shrunk for the network; 0:
        never; None: the `config.sizes.inference` of the checkpoint.

    Raises:
      StyleError: the checkpoint has no style of that name.
      UserError: the network of the checkpoint has no working size.
      CheckpointError: the path is not a checkpoint, or the checkpoint is damaged.
      GeneratorFileError: the file is damaged or is not a generator's file, or the generator makes
        images from noise.
    """
    generator = load_generator(checkpoint).of_images().in_style(style)
    if working_size is not None:
        generator = generator.in_size(working_size)
    return predictor_of(generator)


def predictor_of(generator: TrainedGenerator) -> Predictor:
    """Returns the predictor of a generator of images."""
    task = generator.task
    return Predictor(
        task.of_size(1, 1).predict,
        generator.variables,
        generator.stride,
        checkpoint=generator.origin,
        config=generator.config,
        colours=task.representation.colours,
        takes_hints=task.representation.takes_hints,
        task=task,
    )
