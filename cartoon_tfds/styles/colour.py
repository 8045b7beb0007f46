"""Colour and tone in CIELAB: conversions, local contrast, soft quantisation, chroma.

Lab pictures are float32 `[H, W, 3]`: L in 0..100, a and b about -128..127. Eight-bit Lab would
round dark colours so coarsely that still regions of a video flicker.
"""

import math

import cv2
import numpy as np


def rgb_to_lab(image: np.ndarray) -> np.ndarray:
    """Returns an RGB uint8 picture `[H, W, 3]` as Lab float32 of the same shape."""
    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def lab_to_rgb(lab: np.ndarray) -> np.ndarray:
    """Returns a Lab float32 picture `[H, W, 3]` as RGB uint8, clipped to what RGB can show."""
    rgb = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    return np.clip(rgb * 255 + 0.5, 0, 255).astype(np.uint8)


def raise_local_contrast(
    luminance: np.ndarray, sigma: float, amount: float, limit: float = 8.0
) -> np.ndarray:
    """Returns the luminance with faint differences from its surround made larger.

    Args:
      luminance: float32 `[H, W]`, 0..100.
      sigma: size of the surround in pixels.
      amount: 0 changes nothing; 0.25 makes faint differences 1.25 times as large.
      limit: differences far above this many L units gain no more than `amount * limit`, which
        keeps strong edges free of halos while eyes in a shaded face come out.

    Returns:
      float32 `[H, W]` in 0..100.
    """
    difference = luminance - cv2.GaussianBlur(luminance, (0, 0), sigma)
    return np.clip(luminance + amount * limit * np.tanh(difference / limit), 0, 100)


def quantise_softly(luminance: np.ndarray, steps: int, sharpness: float) -> np.ndarray:
    """Returns the luminance drawn towards `steps + 1` even levels, from black to white.

    Winnemoeller, Olsen and Gooch, "Real-Time Video Abstraction", 2006, section 3.3: the tanh step
    between two levels is what keeps the bands of a video still, where hard bins jump. Theirs jumps
    between bins and is scaled by the local gradient; this one is continuous and the same
    everywhere, so black, white and the picture's mean stay where they are.

    Args:
      luminance: float32 `[H, W]`, 0..100.
      steps: how many steps there are between black and white.
      sharpness: 0 would leave the tone as it is, 2 is soft, 5 is nearly hard.

    Returns:
      float32 `[H, W]`, 0..100.
    """
    scaled = luminance * (steps / 100)
    below = np.floor(scaled)
    rise = np.tanh(2 * sharpness * (scaled - below - 0.5)) / math.tanh(sharpness)
    return (below + 0.5 + 0.5 * rise) * (100 / steps)


def draw_lines(
    lab: np.ndarray, lines: np.ndarray, ink_luminance: float, ink_chroma: float
) -> np.ndarray:
    """Returns the picture with lines laid over it in a dark shade of the colour beneath.

    Args:
      lab: Lab float32 `[H, W, 3]`.
      lines: coverage by ink, float32 `[H, W]`, 0 (none) to 1.
      ink_luminance: share of the luminance, 0..1, that is left under a full line.
      ink_chroma: share of the chroma that is left; without it dark lines look too colourful.

    Returns:
      Lab float32 `[H, W, 3]`.
    """
    under_ink = np.array([ink_luminance, ink_chroma, ink_chroma], np.float32)
    return lab * (1 - lines[..., None] * (1 - under_ink))
