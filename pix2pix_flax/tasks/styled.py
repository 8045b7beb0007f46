"""Several styles in one network: the input says which style to draw."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from cartoon_tfds.errors import UserError
from pix2pix_flax.tasks.representation import Images
from pix2pix_flax.tasks.scores import ImageScores
from pix2pix_flax.typing import Batch, Metrics, PyTree

_RGB = 3


@dataclasses.dataclass(frozen=True)
class Styled(Images):
    """Images with one plane of zeros or ones for each style, as labels in StarGAN.

    (Choi et al. 2018, section 3.1.) A constant plane is the same in each tile and each frame, so
    tiles stay exact and videos stay steady. A conditional discriminator sees the planes too. The
    strength of a style is not learned: a cartoon of strength s is by definition s of the full
    cartoon and 1 - s of its photograph, and `Translator` mixes them.

    Attributes:
      names: names of the styles, in the order of their planes.
      style: name of the style that `to_input` takes for images without a style channel.

    Raises:
      UserError: if `style` is none of the names.
    """

    names: tuple[str, ...]
    style: str

    def __post_init__(self):
        super().__post_init__()
        if self.style not in self.names:
            raise UserError(
                "config.styled.style must be one of config.data.styles "
                f"({', '.join(self.names)}), not {self.style!r}."
            )

    @property
    def planes(self) -> tuple[float, ...]:
        """Values of the constant planes for the style of this representation."""
        return tuple(float(name == self.style) for name in self.names)

    def to_input(self, images: jax.Array) -> jax.Array:
        """Returns RGB or luma in [-1, 1] and the planes, float32 [B, H, W, C + styles].

        Args:
          images: uint8 RGB [B, H, W, 3], to be drawn in `style`; or [B, H, W, 4], the fourth
            channel being the number of the style, which may differ from pixel to pixel.
        """
        rgb = images[..., :_RGB]
        chosen = jnp.full_like(rgb[..., 0], self.names.index(self.style), dtype=jnp.int32)
        numbers = images[..., _RGB] if images.shape[-1] > _RGB else chosen
        planes = jax.nn.one_hot(numbers, len(self.names))
        return jnp.concatenate([super().to_input(rgb), planes], axis=-1)


@dataclasses.dataclass(frozen=True)
class StyledScores(ImageScores):
    """Scores of images, and L1 by style.

    Attributes:
      names: names of the styles, in the order of their numbers.
    """

    names: tuple[str, ...]

    def score(self, output: jax.Array, batch: Batch, frozen: PyTree = ()) -> Metrics:
        """Returns `ImageScores.score` and the number of each example's `style`, [B] each."""
        return super().score(output, batch, frozen) | {"style": batch["input"][:, 0, 0, _RGB]}

    def summarize(self, outputs: dict[str, np.ndarray]) -> dict[str, float]:
        """Returns the mean of each score, and the mean of `l1` for each style, as `l1_ink`."""
        numbers = outputs["style"]
        by_style = {
            _score_of(self.names[number]): outputs["l1"][numbers == number]
            for number in np.unique(numbers)
        }
        scores = {name: values for name, values in outputs.items() if name != "style"}
        return super().summarize(scores | by_style)

    def summary_names(self, outputs: dict[str, np.ndarray]) -> set[str]:
        """Returns the names of all scalars, with the one of each style."""
        return super().summary_names(outputs) | set(map(_score_of, self.names))


def _score_of(style: str) -> str:
    """Returns the name of the L1 of a style."""
    return f"l1_{style}"
