"""Several styles in one network, which is told in which of them to draw."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.tasks.pix2pix import Pix2Pix
from pix2pix_flax.typing import Batch, Metrics, PyTree

_RGB = 3


@dataclasses.dataclass(frozen=True, eq=False)
class Styled(Pix2Pix):
    """Pix2Pix that is told the style of each picture, by one plane of zeros or ones a style.

    Labels are given so in StarGAN (Choi et al. 2018, section 3.1). A plane of one value is the same
    in each tile and each frame, so what holds of tiles and videos without styles holds with them.
    D sees the planes too. The strength of a style is nothing to learn: a cartoon at strength s is
    by definition s of the full one and 1 - s of its photograph, and `Translator` mixes them so.

    Attributes:
      names: of the styles; the number of a style is its place among them.
      style: in which `predict` draws pictures that do not tell.

    Raises:
      ValueError: where `style` is none of the names.
    """

    names: tuple[str, ...]
    style: str

    def __post_init__(self):
        if self.style not in self.names:
            raise ValueError(
                "config.styled.style must be one of config.data.styles "
                f"({', '.join(self.names)}), not {self.style!r}."
            )

    def to_input(self, pictures: jax.Array) -> jax.Array:
        """Returns RGB in [-1, 1] and the planes, float32 [B, H, W, 3 + styles].

        Args:
          pictures: uint8 RGB [B, H, W, 3], to be drawn in `style`; or [B, H, W, 4], behind RGB the
            number of the style, which may differ from pixel to pixel.
        """
        rgb = pictures[..., :_RGB]
        chosen = jnp.full_like(rgb[..., 0], self.names.index(self.style), dtype=jnp.int32)
        numbers = pictures[..., _RGB] if pictures.shape[-1] > _RGB else chosen
        return jnp.concatenate([normalize(rgb), jax.nn.one_hot(numbers, len(self.names))], axis=-1)

    def views(self, rng: jax.Array, inputs: jax.Array) -> jax.Array:
        """Returns what G is given in training; only RGB is moved and gets noise."""
        rgb = super().views(rng, inputs[..., :_RGB])
        planes = jnp.tile(inputs[..., _RGB:], (len(rgb) // len(inputs), 1, 1, 1))
        return jnp.concatenate([rgb, planes], axis=-1)

    def score(self, output: jax.Array, batch: Batch, frozen: PyTree = ()) -> Metrics:
        """Returns what pairs are scored by, and the number of each example's `style`, all [B]."""
        return super().score(output, batch, frozen) | {"style": batch["input"][:, 0, 0, _RGB]}

    def summarize(self, outputs: dict[str, np.ndarray]) -> dict[str, float]:
        """Returns the mean of each score, and that of `l1` for each style, as `l1_ink`."""
        numbers = outputs["style"]
        by_style = {
            f"l1_{self.names[number]}": outputs["l1"][numbers == number]
            for number in np.unique(numbers)
        }
        scores = {name: values for name, values in outputs.items() if name != "style"}
        return super().summarize(scores | by_style)

    def controls(self, batch: Batch) -> dict[str, jax.Array]:
        """Returns `input`, the photograph taken for its cartoon, in [-1, 1]."""
        return {"input": normalize(batch["input"][..., :_RGB])}
