"""Colour and tone in CIELAB: local contrast, soft quantisation, palettes, lines and pigment.

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


def scale_chroma(lab: np.ndarray, factor: float) -> np.ndarray:
    """Returns the Lab picture `[H, W, 3]` with its chroma multiplied: over 1 is livelier."""
    return lab * np.array([1, factor, factor], np.float32)


def take_from_palette(
    lab: np.ndarray, palette: np.ndarray, softness: float, sigma: float
) -> np.ndarray:
    """Returns the picture in the colours of a palette, with smooth borders between them.

    Where two colours are about as near they share a pixel, by a softmax over the squared distances:
    it does for a palette what the tanh step does for the luminance, and hard borders would jump
    about in a video. Blurring the shares, not the colours, rounds the shapes and drops small ones
    without rims of a third colour.

    Args:
      lab: Lab float32 `[H, W, 3]`.
      palette: Lab float32 `[N, 3]`.
      softness: difference of squared distances, in squared Lab units, at which the farther of two
        colours has 1/e of the nearer one's share.
      sigma: standard deviation, in pixels, of the Gaussian that blurs the shares.

    Returns:
      Lab float32 `[H, W, 3]`.
    """
    nearest = np.full(lab.shape[:2], np.inf, np.float32)
    for colour in palette:
        nearest = np.minimum(nearest, _distance(lab, colour))
    total, sum_of_shares = np.zeros_like(lab), np.zeros_like(nearest)
    for colour in palette:  # the distances again: all at once would be N pictures in memory
        share = np.exp((nearest - _distance(lab, colour)) / np.float32(softness))
        share = np.square(cv2.GaussianBlur(share, (0, 0), sigma))
        share *= share * share  # the sixth power: nearly the largest alone, antialiased
        for channel, value in enumerate(colour):
            total[..., channel] += share * value
        sum_of_shares += share
    return total / sum_of_shares[..., None]


def lay_pigment(lab: np.ndarray, thickness: np.ndarray) -> np.ndarray:
    """Returns the picture painted in transparent pigment on white paper.

    Light passes the pigment, so that twice the thickness squares what comes back (Beer and
    Lambert): thick paint is darker and deeper in colour, thin paint lets the paper through. The
    colour modification of Bousseau, Kaplan, Thollot and Sillion, "Interactive Watercolor Rendering
    with Temporal Coherence and Abstraction", 2006, is this with C - 1 for the logarithm of C.

    Args:
      lab: Lab float32 `[H, W, 3]`.
      thickness: of the pigment, float32 `[H, W]`; 1 gives the colours of `lab`, 0 bare paper.

    Returns:
      Lab float32 `[H, W, 3]`.
    """
    rgb = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    # No pigment is black: without a floor, thin paint would leave black as it is.
    reflected = np.power(np.clip(rgb, 0.06, 1), thickness[..., None])
    return cv2.cvtColor(reflected, cv2.COLOR_RGB2LAB)


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


def _distance(lab: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Returns the squared distance of each pixel from a colour, but for what all colours share.

    Left out is the squared norm of the pixel: |p - c|^2 = |p|^2 - 2 pc + |c|^2.
    """
    return cv2.transform(lab, np.array([[*(-2 * colour), np.dot(colour, colour)]]))
