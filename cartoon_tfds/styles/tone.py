"""Tone: local contrast, steps of shading and lifted shadows of a luminance in 0..100."""

import cv2
import numpy as np

_SHADOW = 15.0  # luminance that `lift_shadows` lifts most


def raise_local_contrast(
    luminance: np.ndarray, sigma: float, amount: float, limit: float = 8.0
) -> np.ndarray:
    """Makes faint differences between the luminance and its surround larger.

    Args:
      luminance: float32 `[H, W]`, 0..100.
      sigma: size of the surround in pixels.
      amount: 0 keeps the luminance; 0.25 makes faint differences 1.25 times as large.
      limit: differences far above this many L units gain at most `amount * limit`. So strong edges
        get no halos, while eyes in a shaded face become visible.

    Returns:
      float32 `[H, W]` in 0..100.
    """
    difference = luminance - cv2.GaussianBlur(luminance, (0, 0), sigma)
    return np.clip(luminance + amount * limit * np.tanh(difference / limit), 0, 100)


def quantise_softly(luminance: np.ndarray, steps: int, sharpness: float | np.ndarray) -> np.ndarray:
    """Pulls the luminance towards `steps + 1` evenly spaced levels, from black to white.

    After Winnemoeller, Olsen and Gooch, "Real-Time Video Abstraction", 2006, section 3.3. The tanh
    step between two levels keeps the bands of a video still; hard bins would make them jump. The
    function of the paper jumps between bins. This function is continuous, so black, white and the
    picture's mean do not change.

    Args:
      luminance: float32 `[H, W]`, 0..100.
      steps: number of steps between black and white.
      sharpness: steepness of the steps, over 0: near 0 the tone is unchanged, 2 is soft, 5 is
        nearly hard. A float32 `[H, W]` gives each pixel its own, as the paper has it.

    Returns:
      float32 `[H, W]`, 0..100.
    """
    scaled = luminance * (steps / 100)
    below = np.floor(scaled)
    rise = np.tanh(2 * sharpness * (scaled - below - 0.5)) / np.float32(np.tanh(sharpness))
    return (below + 0.5 + 0.5 * rise) * (100 / steps)


def lift_shadows(luminance: np.ndarray, reach: float, gamma: float, amount: float) -> np.ndarray:
    """Makes large shadows lighter, so that ink shows on them; small dark details stay dark.

    Args:
      luminance: float32 `[H, W]`, 0..100.
      reach: pixels; dark details less than twice as wide, such as eyes, are no shadows.
      gamma: exponent of the tone curve, at most 1; 1 leaves the midtones unchanged.
      amount: L units by which a luminance of 15 rises after the curve; darker and lighter tones
        rise less, and black and white do not change.

    Returns:
      float32 `[H, W]`, 0..100.
    """
    side = 2 * round(reach) + 1
    shadows = cv2.morphologyEx(luminance, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    lifted = 100 * (shadows / 100) ** gamma
    share = lifted / _SHADOW
    lifted += amount * share * np.exp(1 - share)
    return np.clip(luminance + lifted - shadows, 0, 100)


def smooth_step(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Returns 0 below `low`, 1 above `high` and the cubic 3t^2 - 2t^3 between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
