"""From a checkpoint to a function from pictures to pictures."""

from pathlib import Path

import jax
import numpy as np

from pix2pix_flax.augment import denormalize
from pix2pix_flax.checkpoints import find_checkpoint, read_config, restore_generator
from pix2pix_flax.models.padding import pad_to_multiple
from pix2pix_flax.tasks import make_task


class Predictor:
    """Runs a trained generator on pictures of any size.

    Attributes:
      checkpoint: the step directory that it came from.
      config: the configuration that it was trained with.
      stride: sizes are padded to multiples of this; there is one compilation a padded size.
    """

    def __init__(self, checkpoint: Path):
        self.checkpoint = checkpoint
        self.config = read_config(checkpoint)
        task = make_task(self.config, total_steps=1)
        self.stride: int = task.gen.net.module.stride
        self._variables = restore_generator(checkpoint).variables
        # The weights are an argument: closed over, they would be folded into the program.
        self._predict = jax.jit(lambda variables, x: denormalize(task.predict(variables, x)))

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Returns the translated pictures.

        Args:
          images: uint8 RGB [B, H, W, 3], any height and width from 1.

        Returns:
          uint8 RGB [B, H, W, 3].

        Raises:
          ValueError: for anything else.
        """
        images = np.asarray(images)
        shape = images.shape
        if images.dtype != np.uint8 or len(shape) != 4 or 0 in shape or shape[3] != 3:
            raise ValueError(
                f"images must be uint8 [B, H, W, 3], not {images.dtype} {list(shape)}."
            )
        height, width = images.shape[1:3]
        padded = pad_to_multiple(images, self.stride)
        return np.asarray(self._predict(self._variables, padded))[:, :height, :width]


def load_predictor(checkpoint: str | Path) -> Predictor:
    """Returns the predictor of a checkpoint.

    Args:
      checkpoint: a work directory (its best step, else its latest) or a step directory.

    Raises:
      CheckpointError: where it is none, or is damaged.
    """
    return Predictor(find_checkpoint(checkpoint))
