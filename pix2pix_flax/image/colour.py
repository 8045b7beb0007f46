"""Differentiable conversion between sRGB and CIELAB (CIE 15:2004, D65, 2 degrees).

Images are [..., 3]: RGB in [-1, 1], Lab with L in 0..100 and a, b in about -110..110. Colours
outside the gamut of sRGB are brought into it without a change of luminance.
"""

import jax
import jax.numpy as jnp
import numpy as np

# IEC 61966-2-1, with the same number of digits as in scikit-image.
XYZ_OF_RGB = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
_RGB_OF_XYZ = np.linalg.inv(XYZ_OF_RGB)
_LUMINANCE = XYZ_OF_RGB[1]
# The white of RGB, not the rounded white of the standard: grey has exactly a = b = 0, and converts
# back to grey.
WHITE = XYZ_OF_RGB.sum(1)
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # of R, G, B in a grey pixel, ITU-R BT.601
KNEE = 6 / 29  # value of CIELAB's f below which f is a straight line


def rgb_to_lab(rgb: jax.Array) -> jax.Array:
    """Converts RGB in [-1, 1] to Lab; gradients are finite, also at black."""
    f = _cube_root(_matmul(_to_linear((rgb + 1.0) / 2.0), XYZ_OF_RGB) / WHITE)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return jnp.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], -1)


def lab_to_rgb(lab: jax.Array) -> jax.Array:
    """Converts Lab to RGB in [-1, 1] with exactly the same L, for 0 <= L <= 100.

    A colour outside the gamut of RGB is mixed, in linear light, with just enough grey of the same
    luminance. So the luminance, and with it L, is unchanged; clipping would change it.
    """
    return _from_linear(_into_gamut(_lab_to_linear(lab))) * 2.0 - 1.0


def lab_to_clipped_rgb(lab: jax.Array) -> jax.Array:
    """Converts Lab to RGB in [-1, 1] as OpenCV does; each channel outside the gamut is clipped."""
    return _from_linear(jnp.clip(_lab_to_linear(lab), 0.0, 1.0)) * 2.0 - 1.0


def _lab_to_linear(lab: jax.Array) -> jax.Array:
    y = (lab[..., 0] + 16.0) / 116.0
    f = jnp.stack([y + lab[..., 1] / 500.0, y, y - lab[..., 2] / 200.0], -1)
    return _matmul(_cube(f) * WHITE, _RGB_OF_XYZ)


def _into_gamut(linear: jax.Array) -> jax.Array:
    """Returns linear RGB in 0..1 of the same luminance; colours already in 0..1 stay unchanged."""
    grey = jnp.clip(_matmul(linear, _LUMINANCE[np.newaxis]), 0.0, 1.0)
    room = jnp.where(linear > grey, 1.0 - grey, grey)
    distance = jnp.abs(linear - grey)
    outside = distance > room
    share = jnp.where(outside, room / jnp.where(outside, distance, 1.0), 1.0)
    return grey + share.min(-1, keepdims=True) * (linear - grey)


def _matmul(colours: jax.Array, matrix: np.ndarray) -> jax.Array:
    # The default precision of GPUs is too low for 8 bits per channel.
    return jnp.matmul(colours, matrix.T.astype(np.float32), precision=jax.lax.Precision.HIGHEST)


def _to_linear(rgb: jax.Array) -> jax.Array:
    return jnp.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)


def _from_linear(linear: jax.Array) -> jax.Array:
    """Converts linear RGB to sRGB in 0..1, without the infinite gradient of the power at 0."""
    power = jnp.maximum(linear, 0.0031308) ** (1 / 2.4)
    return jnp.where(linear > 0.0031308, 1.055 * power - 0.055, 12.92 * linear)


def _cube_root(t: jax.Array) -> jax.Array:
    """Returns f of CIELAB, without the infinite gradient of the cube root at 0."""
    line = t / (3.0 * KNEE**2) + 4.0 / 29.0
    return jnp.where(t > KNEE**3, jnp.cbrt(jnp.maximum(t, KNEE**3)), line)


def _cube(f: jax.Array) -> jax.Array:
    """Inverse of `_cube_root`."""
    return jnp.where(f > KNEE, f**3, 3.0 * KNEE**2 * (f - 4.0 / 29.0))
