"""A picture through a network of 8-bit RGB that keeps its transparency, its depth and its grey."""

from collections.abc import Callable

import cv2
import numpy as np

from cartoon_tfds.images import Picture


def translate_pixels(
    predict: Callable[[np.ndarray], np.ndarray], picture: Picture, *, keep_grey: bool = True
) -> np.ndarray:
    """Returns a picture translated, with what it had beside its colours.

    Transparency stays what it was (cubic where the network enlarges), and no colour from under it
    shows: see `fill_hidden`. Of 16 bits the network sees the nearest 8, and since it answers in 8,
    the result's 16 are these times 257, which is white for white.

    Args:
      predict: uint8 RGB [1, H, W, 3] -> uint8 RGB [1, sH, sW, 3] with a whole scale s.
      picture: what to translate.
      keep_grey: whether grey stays grey, the luma (ITU-R BT.601) of what the network returns;
        False for a network that colours.

    Returns:
      uint8 or, as in `picture`, uint16: [sH, sW] for grey, [sH, sW, 3] for RGB, and [sH, sW, 4] for
      RGB or grey with transparency.
    """
    rgb = _eight_bits(picture.rgb)
    if picture.alpha is not None:
        rgb = fill_hidden(rgb, _eight_bits(picture.alpha))
    output = np.asarray(predict(rgb[np.newaxis]))[0]
    if keep_grey and picture.is_grey:
        output = cv2.cvtColor(output, cv2.COLOR_RGB2GRAY)
    if picture.rgb.dtype == np.uint16:
        output = np.multiply(output, 257, dtype=np.uint16)  # not twice in memory
    return output if picture.alpha is None else _with_alpha(output, picture.alpha)


def fill_hidden(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Returns colours whose invisible ones are continued from the visible ones around them.

    What lies under full transparency is whatever a program left there, often white or black. A
    network would take its border for an edge, and draw it on both sides: a halo. So the result
    depends on nothing that cannot be seen. It is filled by push and pull: averages on coarser and
    coarser grids, weighted by how visible each colour is, fill the gaps of the finer ones (Gortler
    et al., The Lumigraph, 1996, section 3.4). Half-visible colours are left alone.

    Args:
      rgb: uint8 [H, W, 3], not multiplied by `alpha`.
      alpha: uint8 [H, W].

    Returns:
      uint8 [H, W, 3]; black where nothing is visible at all.
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
      weighted: float32 [H, W, 4], colours times their weights, and the weights in 0..1.
    """
    height, width = weighted.shape[:2]
    colour, weight = weighted[..., :3], weighted[..., 3:]
    if height == width == 1:
        return colour / np.maximum(weight, np.finfo(np.float32).tiny)
    coarse = _push_pull(_halved(weighted))
    return colour + (1 - weight) * cv2.pyrUp(coarse, dstsize=(width, height))


def _halved(weighted: np.ndarray) -> np.ndarray:
    """Returns the next coarser grid; a cell whose quarter is visible counts as whole."""
    coarse = cv2.pyrDown(weighted)
    return coarse / np.maximum(coarse[..., 3:], 0.25)


def _with_alpha(output: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Returns RGB with transparency, [H, W, 4], of a result [H, W] or [H, W, 3]."""
    if output.ndim == 2:
        output = np.repeat(output[..., np.newaxis], 3, axis=-1)
    height, width = output.shape[:2]
    if alpha.shape != (height, width):
        alpha = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_CUBIC)  # clips
    return np.dstack([output, alpha])


def _eight_bits(levels: np.ndarray) -> np.ndarray:
    """Returns the nearest of 0..255 for levels of 8 or 16 bits."""
    if levels.dtype == np.uint8:
        return levels
    return ((levels + np.uint32(128)) // 257).astype(np.uint8)


def resize(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns uint8 [B, height, width, 3] for uint8 [B, H, W, 3], itself where nothing changes.

    Larger pictures are interpolated (Lanczos, 8x8 pixels); smaller ones are means over areas, which
    leaves no moire.
    """
    if images.shape[1:3] == (height, width):
        return images
    is_smaller = height * width < images.shape[1] * images.shape[2]
    method = cv2.INTER_AREA if is_smaller else cv2.INTER_LANCZOS4
    return np.stack([cv2.resize(image, (width, height), interpolation=method) for image in images])
