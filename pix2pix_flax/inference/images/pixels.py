"""Translates one image with an 8-bit RGB network; keeps its transparency, bit depth and grey."""

from collections.abc import Callable

import cv2
import numpy as np

from cartoon_tfds.images import Picture, eight_bits
from cartoon_tfds.images import resize as resize_one


def translate_pixels(
    predict: Callable[[np.ndarray], np.ndarray], picture: Picture, *, keep_grey: bool = True
) -> np.ndarray:
    """Translates an image; keeps its transparency, bit depth and grey.

    The alpha channel is kept (with cubic interpolation if the network enlarges), and colours under
    full transparency do not change the result: see `fill_hidden`. The network takes the nearest 8
    bits of a 16-bit image. Its 8-bit output is multiplied by 257, so that white stays white.

    Args:
      predict: uint8 RGB [1, H, W, 3] -> uint8 RGB [1, sH, sW, 3] with an integer scale s.
      picture: the image to translate.
      keep_grey: whether a grey image stays grey, as the luma (ITU-R BT.601) of the network's
        output; False for colourisation.

    Returns:
      uint8, or uint16 if `picture` is: [sH, sW] for grey, [sH, sW, 3] for RGB, and [sH, sW, 4] for
      RGB or grey with transparency.
    """
    rgb = eight_bits(picture.rgb)
    if picture.alpha is not None:
        rgb = fill_hidden(rgb, eight_bits(picture.alpha))
    output = np.asarray(predict(rgb[np.newaxis]))[0]
    if keep_grey and picture.is_grey:
        output = cv2.cvtColor(output, cv2.COLOR_RGB2GRAY)
    if picture.rgb.dtype == np.uint16:
        output = np.multiply(output, 257, dtype=np.uint16)  # without a copy in between
    return output if picture.alpha is None else _with_alpha(output, picture.alpha)


def fill_hidden(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Fills fully transparent pixels with the visible colours around them.

    Programs leave arbitrary colours under full transparency, often white or black. A network would
    take the border of this area for an edge and draw it on the visible side too, as a halo. With
    the filled pixels the result depends on visible colours only. They are filled by push and pull:
    averages on coarser and coarser grids, weighted by alpha, fill the gaps of the finer grids
    (Gortler et al., The Lumigraph, 1996, section 3.4). Half-transparent pixels do not change.

    Args:
      rgb: uint8 [H, W, 3], not multiplied by `alpha`.
      alpha: uint8 [H, W].

    Returns:
      uint8 [H, W, 3]; black if all pixels are fully transparent.
    """
    hidden = alpha == 0
    if not hidden.any():
        return rgb
    weight = alpha[..., np.newaxis].astype(np.float32) / 255
    filled = _push_pull(np.concatenate([rgb * weight, weight], axis=-1))
    return np.where(hidden[..., np.newaxis], np.rint(filled).astype(np.uint8), rgb)


def _push_pull(weighted: np.ndarray) -> np.ndarray:
    """Returns colours without gaps, float32 [H, W, 3].

    Args:
      weighted: float32 [H, W, 4]: three channels of colour times weight, then the weight in 0..1.
    """
    height, width = weighted.shape[:2]
    colour, weight = weighted[..., :3], weighted[..., 3:]
    if height == width == 1:
        return colour / np.maximum(weight, np.finfo(np.float32).tiny)
    coarse = _push_pull(_halved(weighted))
    return colour + (1 - weight) * cv2.pyrUp(coarse, dstsize=(width, height))


def _halved(weighted: np.ndarray) -> np.ndarray:
    """Returns the grid at half the resolution; cells with weights over 1/4 count as opaque."""
    coarse = cv2.pyrDown(weighted)
    return coarse / np.maximum(coarse[..., 3:], 0.25)


def _with_alpha(output: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Adds the alpha channel to a result [H, W] or [H, W, 3]; returns RGBA [H, W, 4]."""
    if output.ndim == 2:
        output = np.repeat(output[..., np.newaxis], 3, axis=-1)
    height, width = output.shape[:2]
    if alpha.shape != (height, width):
        alpha = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_CUBIC)  # saturates
    return np.dstack([output, alpha])


def resize(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes uint8 [B, H, W, 3] to uint8 [B, height, width, 3]; no copy if the size is the same.

    Enlarging interpolates (Lanczos, 8x8 pixels); reducing averages over areas, which avoids moire.
    """
    if images.shape[1:3] == (height, width):
        return images
    sharp = cv2.INTER_LANCZOS4
    return np.stack([resize_one(image, height, width, enlarging=sharp) for image in images])
