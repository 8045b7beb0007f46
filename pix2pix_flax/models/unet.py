"""The U-Net generator of Isola et al. 2017 (arXiv:1611.07004, sections 3.2.1 and 6.1.1)."""

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from cartoon_tfds.errors import UserError
from pix2pix_flax.image.padding import pad_to_multiple
from pix2pix_flax.models import cel
from pix2pix_flax.models.enlargement import redrawn
from pix2pix_flax.models.layers import Dtype, Norm, down_conv, initializer, stage, up_conv
from pix2pix_flax.models.upscaling import pixel_shuffle

_LEAKY_SLOPE = 0.2
_DROPOUT_LEVELS = 3  # the innermost decoder levels, CD512-CD1024-CD1024 in the paper


class Unet(nn.Module):
    """An encoder and a decoder of `depth` levels with a skip connection at each.

    The output has the height and width of the input, which may be any: the input is padded by
    reflection to multiples of `2**depth`, and the output is cut back. Each new size is compiled, so
    pad images before the call to have fewer sizes.

    Attributes:
      depth: number of times that the image is halved; 8 brings 256x256 down to one pixel.
      width: channels of the first level; deeper levels double them, up to 8 times `width`.
      out_channels: channels of the output.
      norm: `batch`, `instance`, `group` or `none`; the first and the innermost encoder level and
        the output are never normalised, as in the paper's code.
      upsample: `transpose` (the paper's) or `resize` (nearest, then a 3x3 convolution).
      dropout: dropout rate at the three innermost decoder levels. Dropout is on in calls with an
        rng named `dropout`, so it may also be on at test, as in the paper.
      dtype: the compute dtype; parameters are float32.
      kernel_init: initializer of the kernels, a key of `layers.INITS`.
      fine_width: channels of two 3x3 convolutions at full resolution, which see the input beside
        the decoder's output; 0, as in the paper: no such convolutions. Without them, each detail
        passes a convolution with stride 2. The decoder then ends in a sub-pixel convolution (Shi et
        al. 2016, arXiv:1609.05158) of one pixel, since the convolutions behind it mix the pixels:
        its cost is a twelfth of the cost of `resize`.
      residual: whether the network adds its output, times 2, to the first `out_channels` channels
        of the input and limits the sum to [-1, 1]. So an unchanged pixel costs no learning.
      cel_steps: steps of the tone of a drawing in layers (`models/cel.py`), which the network then
        describes instead of RGB; 0: no layers. If they are few, the network sees photographs
        without their grain (`models/smoothing.py`).
      cel_print: whether this drawing is a print: shadows are navy and lights are cream paper.
      remat: whether the backward pass computes each level again, which saves memory.
      logits: whether to leave out the last bound, tanh, or the limit of `residual`.
      enlarge: size of the output divided by the size of the input; edges are as sharp as without
        (`models/enlargement.py`).

    Raises:
      UserError: in a call, if `residual` or `cel_steps` does not fit the other settings.
    """

    depth: int
    width: int
    out_channels: int
    norm: str
    upsample: str
    dropout: float
    fine_width: int = 0
    residual: bool = False
    cel_steps: int = 0
    cel_print: bool = False
    dtype: Dtype = jnp.float32
    kernel_init: str = "normal"
    remat: bool = False
    logits: bool = False
    enlarge: int = 1

    input_kind: ClassVar[str] = "image"
    scale: ClassVar[int] = 1

    @property
    def stride(self) -> int:
        """The multiple that heights and widths are padded to."""
        return 2**self.depth

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> jax.Array:
        """Returns the translated images.

        Args:
          images: [B, H, W, C] in [-1, 1].
          train: whether norms use the statistics of this batch, and `batch_stats` is updated.
            Dropout depends only on the `dropout` rng.

        Returns:
          float32 [B, enlarge * H, enlarge * W, out_channels], in [-1, 1] unless `logits` is set.
        """
        height, width = images.shape[1:3]
        padded = cel.seen(pad_to_multiple(images, self.stride), self.cel_steps)
        x = padded.astype(self.dtype)
        decoded = self._decode(self._encode(x, train), train)
        x = self._refine(x, decoded[0], train) if self.fine_width else decoded[0]
        x = x.astype(jnp.float32)
        if self.cel_steps:
            x = self._draw(padded, x, decoded)
        else:
            x = self._output(images, x[:, :height, :width])
            x = redrawn(x, self.enlarge)
        return x[:, : self.enlarge * height, : self.enlarge * width]

    def _output(self, images: jax.Array, x: jax.Array) -> jax.Array:
        """Returns the output without layers, in the size of the images."""
        if self.residual:
            x = _added(images[..., : self.out_channels], x)
            return x if self.logits else _limited(x)
        return x if self.logits else jnp.tanh(x)

    def _channels(self, level: int) -> int:
        return self.width * min(2**level, 8)

    def _encode(self, x: jax.Array, train: bool) -> list[jax.Array]:
        """Returns the encoder features of each level, finest first."""
        down, levels = stage(Unet._down, self.remat), []
        for level in range(self.depth):
            x = down(self, level, train, x)
            levels.append(x)
        return levels

    def _decode(self, levels: list[jax.Array], train: bool) -> list[jax.Array]:
        """Returns the features of each decoder level, finest first, from those of the encoder."""
        up, decoded = stage(Unet._up, self.remat), [levels[-1]]
        for level in reversed(range(1, self.depth)):
            decoded.insert(0, up(self, level, train, decoded[0], levels[level - 1]))
        return [self._last_up(nn.relu(decoded[0])), *decoded]

    def _last_up(self, x: jax.Array) -> jax.Array:
        """Returns the decoder's output at full resolution."""
        if not self.fine_width:
            return self._up_conv(0, self._outputs, use_bias=True)(x)
        return pixel_shuffle(self._conv("up0", 4 * self.fine_width, size=1, use_bias=True)(x), 2)

    def _draw(self, images: jax.Array, layers: jax.Array, decoded: list[jax.Array]) -> jax.Array:
        """Returns the drawing that the layers and the decoder's features describe."""
        if self.residual or self.logits or self.out_channels != 3 or images.shape[-1] < 3:
            raise UserError(
                "config.generator.cel_steps draws RGB from RGB without a residual: set "
                "config.generator.residual to False, or cel_steps to 0 for this task."
            )
        if self.depth <= cel.COLOURS_LEVEL:
            raise UserError(
                f"config.generator.depth is {self.depth}: with config.generator.cel_steps it must "
                f"be {cel.COLOURS_LEVEL + 1} or more."
            )
        half = self._conv("half", cel.HALF_LAYERS, size=1, use_bias=True)
        half_layers = half(nn.relu(decoded[cel.HALF_LEVEL]))
        colours = self._conv("colours", 2, use_bias=True)(nn.relu(decoded[cel.COLOURS_LEVEL]))
        parts = (x.astype(jnp.float32) for x in (layers, half_layers, colours, images[..., :3]))
        return cel.draw(*parts, self.cel_steps, self.enlarge, is_print=self.cel_print)

    @property
    def _outputs(self) -> int:
        return cel.LAYERS if self.cel_steps else self.out_channels

    def _refine(self, images: jax.Array, x: jax.Array, train: bool) -> jax.Array:
        """Returns the output at full resolution, from the images and the decoder's output."""
        y = self._fine(1, x + self._fine(0, images, train), train)
        return self._conv("fine2", self._outputs, use_bias=True)(y)

    def _fine(self, index: int, x: jax.Array, train: bool) -> jax.Array:
        """Returns the features of a normalised convolution at full resolution."""
        name = f"fine{index}"
        x = self._conv(name, self.fine_width, use_bias=self.norm != "batch")(x)
        x = Norm(self.norm, self.dtype, name=f"{name}_norm")(x, train=train)
        return nn.leaky_relu(x, _LEAKY_SLOPE)

    def _conv(self, name: str, features: int, *, use_bias: bool, size: int = 3) -> nn.Conv:
        settings = {"kernel_init": initializer(self.kernel_init), "dtype": self.dtype}
        return nn.Conv(features, (size, size), use_bias=use_bias, name=name, **settings)

    def _down(self, level: int, train: bool, x: jax.Array) -> jax.Array:
        """Returns the features of an encoder level from the features of the level above."""
        normalised = 0 < level < self.depth - 1
        if level:
            x = nn.leaky_relu(x, _LEAKY_SLOPE)
        use_bias = not (normalised and self.norm == "batch")
        settings = {"kernel_init": self.kernel_init, "dtype": self.dtype, "name": f"down{level}"}
        x = down_conv(self._channels(level), use_bias=use_bias, **settings)(x)
        if normalised:
            x = Norm(self.norm, self.dtype, name=f"down{level}_norm")(x, train=train)
        return x

    def _up(self, level: int, train: bool, x: jax.Array, skip: jax.Array) -> jax.Array:
        """Upsamples `x` and concatenates it to `skip`, the encoder features of the level above."""
        features = self._channels(level - 1)
        x = self._up_conv(level, features, use_bias=self.norm != "batch")(nn.relu(x))
        x = Norm(self.norm, self.dtype, name=f"up{level}_norm")(x, train=train)
        if level >= self.depth - _DROPOUT_LEVELS:
            x = nn.Dropout(self.dropout, deterministic=not self.has_rng("dropout"))(x)
        return jnp.concatenate([skip, x], axis=-1)

    def _up_conv(self, level: int, features: int, use_bias: bool) -> nn.Module:
        settings = {"kernel_init": self.kernel_init, "dtype": self.dtype, "name": f"up{level}"}
        return up_conv(self.upsample, 4, features, use_bias=use_bias, **settings)


def _added(images: jax.Array, x: jax.Array) -> jax.Array:
    """Returns the sum; raises a UserError if the images have fewer channels than the output."""
    if images.shape[-1] != x.shape[-1]:
        raise UserError(
            f"config.generator.residual adds an output of {x.shape[-1]} channels to an input of "
            f"{images.shape[-1]}: set it to False for this task."
        )
    # No correction from [-1, 1] to [-1, 1] is larger than 2.
    return images + 2 * jnp.tanh(x)


def _limited(x: jax.Array) -> jax.Array:
    """Limits the output to [-1, 1]; gradients pass, or a pixel beyond would stay there for ever."""
    return x + jax.lax.stop_gradient(jnp.clip(x, -1.0, 1.0) - x)
