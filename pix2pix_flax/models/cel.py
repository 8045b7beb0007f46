"""A drawing in layers, like the cels of an animated film: flat paint in few tones, and ink above.

A network that predicts RGB by regression keeps the photo's shading: between two tones it is unsure,
and the mean or the median of the tones is a smooth ramp. Here the network predicts where the light
turns, and `stairs` makes the steps; so its areas are flat from the first training step on.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from pix2pix_flax.image.colour import lab_to_clipped_rgb, rgb_to_lab
from pix2pix_flax.models.enlargement import enlarged, redrawn
from pix2pix_flax.models.smoothing import smoothed

LAYERS = 2  # at full resolution: tone and ink
SHARES = 9  # of a cell's colour and the colours of the 8 cells around it
HALF_LAYERS = 1 + SHARES  # at half resolution: hardness of the steps, and the shares
HALF_LEVEL, COLOURS_LEVEL = 1, 2  # of the decoder, whose features give these layers and the colours
# Steps of the tone at most: a drawing in so few treats faint shades as grain, and its steps make
# sharp edges when it is enlarged.
FEW_STEPS = 6
_CELL = 2**COLOURS_LEVEL  # side in pixels of the cells that have one colour each
REACH = 4  # cells whose colours are averaged, each way, ...
CONTRAST = 6.0  # ... if they differ by not much more than this, in units of Lab

# Lab colours of the style `poster`: the ink of its shadows and its paper; the luminances between
# which they fade out and in, and their largest shares.
SHADOW_INK, PAPER = (np.array(lab, np.float32) for lab in ([20, 14, -30], [96, 1, 10]))
SHADOWS, LIGHTS = (8.0, 32.0), (72.0, 98.0)
SHADOW_SHARE, LIGHT_SHARE = 0.9, 0.8

UNDER_INK = np.array([0.05, 0.3, 0.3], np.float32)  # share of L, a, b that solid ink leaves
INK_BIAS = -2.0  # an untrained network draws nearly no ink
# Interpolation lowers the peaks of thin lines, which would break in enlarged drawings: at twice the
# size half of this is added to the ink before the sigmoid. With 1.0, fine texture is cluttered. A
# drawing in many tones, like a watercolour, has faint ink all over, which would become black.
INK_SPREAD = 0.7
# Sharpness of the steps of the tone. With the 3 to 6 of the styles, regression prefers soft steps
# and draws a quarter more tones than its teacher.
SOFT, HARD = 4.5, 6.0
HARDNESS_BIAS = 2.0  # an untrained network makes nearly hard steps
INK_SHARPNESS = 4.0
_LEAK = 0.3  # share of the gradient of the identity in the gradient of `stairs`


def is_smoothed(steps: int) -> bool:
    """Returns whether a network sees images without grain: for a drawing in so few tones.

    A drawing in many tones, like a watercolour, shows faint shades and would lose contours.

    Args:
      steps: number of steps of the tone; 0: no drawing in layers.
    """
    return 0 < steps <= FEW_STEPS


def seen(images: jax.Array, steps: int) -> jax.Array:
    """Returns images as the network sees them: without grain, if they are smoothed.

    Args:
      images: float32 [B, H, W, C] in [-1, 1], with even H and W; RGB first.
      steps: see `is_smoothed`.

    Returns:
      float32 of the same shape and range.
    """
    return smoothed(images) if is_smoothed(steps) else images


def draw(
    layers: jax.Array,
    half_layers: jax.Array,
    colours: jax.Array,
    photos: jax.Array,
    steps: int,
    scale: int = 1,
    *,
    is_print: bool = False,
) -> jax.Array:
    """Returns the drawing that a network's layers describe.

    Chroma has half the resolution of the luminance, as in videos: eyes see no difference. Steps of
    the tone are hard where light turns and soft in skies and cheeks, as in the styles.

    A larger drawing is as sharp as a small one: the layers are smooth, so they are enlarged first,
    and their edges are made afterwards, at the size of the drawing. Letters on screens are drawn by
    this method (Green 2007, "Improved Alpha-Tested Magnification for Vector Textures"). Many steps
    are too small for it, so such a tone is enlarged by `enlargement.redrawn`.

    Args:
      layers: float32 [B, H, W, LAYERS]: the tone before a tanh, which has black at -1 and white at
        1, and the coverage by ink before a sigmoid.
      half_layers: float32 [B, H / 2, W / 2, HALF_LAYERS]: the hardness of the steps before a
        sigmoid, and the shares for `upsample` before a softmax.
      colours: float32 [B, H / 4, W / 4, 2]: gain of the photo's chroma, and tangent by which its
        hue turns; 0 and 0 leave the colour unchanged. So white and grey stay as they are.
      photos: RGB in [-1, 1], [B, H, W, 3].
      steps: number of steps of the tone between black and white.
      scale: size of the drawing divided by the size of the layers.
      is_print: whether shadows are navy and lights are cream paper, as in the style `poster`.

    Returns:
      RGB float32 [B, scale * H, scale * W, 3] in [-1, 1].
    """
    small = nn.avg_pool(photos, (_CELL, _CELL), (_CELL, _CELL))
    hardness, shares = jnp.split(half_layers, (1,), axis=-1)
    hardness = jax.nn.sigmoid(hardness + HARDNESS_BIAS)
    chroma = upsample(evened(_turned(rgb_to_lab(small)[..., 1:], colours)), shares)
    smooth = enlarged(jnp.concatenate([hardness, chroma], axis=-1), scale * 2**HALF_LEVEL)
    hardness, chroma = jnp.split(smooth, (1,), axis=-1)
    tone, ink = jnp.split(layers, 2, axis=-1)
    tone, cover = jnp.tanh(tone), jax.nn.sigmoid(ink + ink_bias(scale, steps))
    tone = (redrawn if steps > FEW_STEPS else enlarged)(tone, scale)
    tone, cover = (tone + 1) * (steps / 2), enlarged(cover, scale)
    sharpness = SOFT + (scale * HARD - SOFT) * hardness
    luminance = stairs(tone, steps, sharpness) * (100 / steps)
    cover = stairs(cover, 1, scale * INK_SHARPNESS)
    paint = jnp.concatenate([luminance, chroma], axis=-1)
    paint = _printed(paint) if is_print else paint
    return lab_to_clipped_rgb(paint * (1 - cover * (1 - UNDER_INK)))


def ink_bias(scale: int, steps: int) -> float:
    """Returns the number that is added to the ink of a drawing, by the arguments of `draw`."""
    return INK_BIAS + ink_spread(steps) * (1 - 1 / scale)


def ink_spread(steps: int) -> float:
    """Returns the limit of the ink that enlargement adds, for a drawing in so many steps."""
    return INK_SPREAD if steps <= FEW_STEPS else 0.0


def _printed(paint: jax.Array) -> jax.Array:
    """Returns Lab colours with the ink of a print in shadows, and its paper in lights."""
    luminance = paint[..., :1]
    for colour, share in (
        (SHADOW_INK, SHADOW_SHARE * (1 - _smooth_step(luminance, *SHADOWS))),
        (PAPER, LIGHT_SHARE * _smooth_step(luminance, *LIGHTS)),
    ):
        paint += share * (colour - paint)
    return paint


def _smooth_step(values: jax.Array, low: float, high: float) -> jax.Array:
    """Returns 0 below `low`, 1 above `high` and the cubic 3t^2 - 2t^3 between."""
    t = jnp.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _turned(chroma: jax.Array, change: jax.Array) -> jax.Array:
    """Returns the product of two complex numbers, a + bi and 1 + gain + turn i, [..., 2]."""
    a, b = jnp.split(chroma, 2, axis=-1)
    gain, turn = jnp.split(change, 2, axis=-1)
    return chroma + jnp.concatenate([gain * a - turn * b, gain * b + turn * a], axis=-1)


def evened(cells: jax.Array) -> jax.Array:
    """Averages each cell with those near it that have nearly its colour.

    A bilateral filter (Tomasi and Manduchi 1998), along columns and then along rows (Pham and van
    Vliet 2005). The noise of a film's colours is softer than a cell; on even areas it would stay
    and flicker.

    Args:
      cells: chroma in units of Lab, float32 [B, h, w, 2].

    Returns:
      float32 of the same shape.
    """
    for axis in (1, 2):
        padding = [(0, 0)] * 4
        padding[axis] = (REACH, REACH)
        padded = jnp.pad(cells, padding, mode="edge")
        total, weights = jnp.zeros_like(cells), jnp.zeros_like(cells[..., :1])
        for start in range(2 * REACH + 1):
            other = jax.lax.slice_in_dim(padded, start, start + cells.shape[axis], axis=axis)
            difference = (other - cells) / CONTRAST
            weight = jnp.exp(-0.5 * jnp.sum(difference**2, axis=-1, keepdims=True))
            total += weight * other
            weights += weight
        cells = total / weights
    return cells


def stairs(tone: jax.Array, steps: int, sharpness: jax.Array | float) -> jax.Array:
    """Pulls values in 0..steps towards whole numbers, as `cartoon_tfds.styles.tone` does.

    The stairs of Winnemoeller, Olsen and Gooch 2006, section 3.3, in their continuous form. On a
    step the slope is nearly 0, so a pixel on a wrong step would stay there for ever. Therefore the
    gradient has a share of the gradient of the identity, like the negative half of a leaky ReLU.

    Args:
      tone: float32 of any shape.
      steps: number of steps.
      sharpness: steepness of the steps: 2 is soft, 5 is nearly hard; a number, or float32 of the
        shape of the tone.

    Returns:
      float32 of the same shape, in 0..steps for values in 0..steps.
    """
    below = jax.lax.stop_gradient(jnp.clip(jnp.floor(tone), 0, steps - 1))
    rise = jnp.tanh(2 * sharpness * (tone - below - 0.5)) / jnp.tanh(sharpness)
    leak = _LEAK * (tone - jax.lax.stop_gradient(tone))
    return below + 0.5 + 0.5 * rise + leak


def upsample(cells: jax.Array, shares: jax.Array) -> jax.Array:
    """Returns cells in the size of pixels: each is a mixture of its cell and 8 neighbours.

    The convex upsampling of Teed and Deng 2020 (arXiv:2003.12039, section 3.3). Where neighbouring
    cells have one colour, so have all their pixels, whatever the shares are: no grain comes back.
    At a border, the shares choose a side, so it stays sharp.

    Args:
      cells: float32 [B, h, w, C].
      shares: float32 [B, k * h, k * w, SHARES], before the softmax.

    Returns:
      float32 [B, k * h, k * w, C].
    """
    batch, height, width, channels = cells.shape
    factor = shares.shape[1] // height
    padded = jnp.pad(cells, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    shares = jax.nn.softmax(shares).reshape(batch, height, factor, width, factor, SHARES)
    total = jnp.zeros((), cells.dtype)
    for index in range(SHARES):
        row, column = divmod(index, 3)
        cell = padded[:, row : row + height, np.newaxis, column : column + width, np.newaxis]
        total += cell * shares[..., index : index + 1]
    return total.reshape(batch, factor * height, factor * width, channels)
