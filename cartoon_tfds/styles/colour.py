"""Colour in CIELAB: vibrance, lines and pigment.

Lab pictures are float32 `[H, W, 3]`: L in 0..100, a and b in about -128..127. Eight-bit Lab would
round dark colours so coarsely that still regions of a video flicker.
"""

import cv2
import numpy as np

from cartoon_tfds.styles.tone import smooth_step

_SKIN_HUE, _SKIN_SPREAD = 52.0, 22.0  # degrees of the Lab hue of skin of any shade


def rgb_to_lab(image: np.ndarray) -> np.ndarray:
    """Returns an RGB uint8 picture `[H, W, 3]` as Lab float32 of the same shape."""
    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def lab_to_rgb(lab: np.ndarray) -> np.ndarray:
    """Returns a Lab float32 picture `[H, W, 3]` as RGB uint8, clipped to the RGB range."""
    rgb = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    return np.clip(rgb * 255 + 0.5, 0, 255).astype(np.uint8)


def scale_chroma(lab: np.ndarray, factor: float | np.ndarray) -> np.ndarray:
    """Multiplies the chroma of a Lab picture `[H, W, 3]`; a factor over 1 makes it livelier.

    A float32 `[H, W]` gives each pixel its own factor.
    """
    luminance, a, b = cv2.split(lab)
    factor = np.float32(factor)
    return cv2.merge([luminance, a * factor, b * factor])


def raise_vibrance(lab: np.ndarray, gain: float) -> np.ndarray:
    """Makes dull colours livelier; greys, whites and skin keep their colour.

    A plain factor on the chroma would burn lively colours out, turn white walls lilac and faces
    orange.

    Args:
      lab: Lab float32 `[H, W, 3]`.
      gain: share by which the chroma of a dull colour grows.

    Returns:
      Lab float32 `[H, W, 3]`.
    """
    luminance, a, b = cv2.split(lab)
    chroma = cv2.magnitude(a, b)
    dull = np.exp(-chroma / 40) * np.clip(chroma / 6, 0, 1)
    white = smooth_step(luminance, 78, 90)
    hue = np.degrees(np.arctan2(b, a))
    skin = np.exp(-np.square((hue - _SKIN_HUE) / _SKIN_SPREAD)) * smooth_step(chroma, 8, 16)
    skin *= (1 - smooth_step(chroma, 45, 60)) * smooth_step(luminance, 35, 55)
    growth = 1 + gain * dull * (1 - white) * (1 - 0.8 * skin)
    return cv2.merge([luminance, a * growth, b * growth])


def lay_pigment(lab: np.ndarray, thickness: np.ndarray) -> np.ndarray:
    """Paints the picture in transparent pigment on white paper.

    Light passes through the pigment, so twice the thickness squares the reflected share (Beer and
    Lambert): thick paint is darker and deeper in colour, and thin paint lets the paper show. The
    colour modification of Bousseau, Kaplan, Thollot and Sillion, "Interactive Watercolor Rendering
    with Temporal Coherence and Abstraction", 2006, is the same with C - 1 for the logarithm of C.

    Args:
      lab: Lab float32 `[H, W, 3]`.
      thickness: thickness of the pigment, float32 `[H, W]`; 1 gives the colours of `lab`, 0 bare
        paper.

    Returns:
      Lab float32 `[H, W, 3]`.
    """
    rgb = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    # No pigment is fully black: without a floor, black would stay black even in thin paint.
    reflected = np.power(np.clip(rgb, 0.06, 1), thickness[..., None])
    return cv2.cvtColor(reflected, cv2.COLOR_RGB2LAB)


def draw_lines(
    lab: np.ndarray, lines: np.ndarray, ink_luminance: float, ink_chroma: float
) -> np.ndarray:
    """Draws lines over the picture in a dark shade of the colour beneath them.

    Args:
      lab: Lab float32 `[H, W, 3]`.
      lines: coverage by ink, float32 `[H, W]`, 0 (none) to 1.
      ink_luminance: share of the luminance, 0..1, that is left under a solid line.
      ink_chroma: share of the chroma that is left; at 1, dark lines look too colourful.

    Returns:
      Lab float32 `[H, W, 3]`.
    """
    under_ink = np.array([ink_luminance, ink_chroma, ink_chroma], np.float32)
    return lab * (1 - lines[..., None] * (1 - under_ink))
