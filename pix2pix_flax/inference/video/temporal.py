"""Blends the frames of a translated video along the motion, so that they flicker less.

A network that sees one frame at a time draws the same object a little differently in each frame.
Here the last result is warped along the motion to the new frame, and blended with the new result
wherever the source still shows the same content. So an error lasts for a few frames only, and each
cut starts anew.
"""

import dataclasses

import cv2
import numpy as np

from pix2pix_flax.inference.video.motion import Motion, shrink, warp

_SOURCE_CHANGE = 9.0  # grey levels of change in the source at which trust falls to 1/e
_AROUND = (5, 5)  # pixels of the shrunken source over which a change is averaged
_SHIFT = 10  # grey levels by which the last result may leave the range of the new pixels nearby
_RESULT_CHANGE = 40.0  # further grey levels at which trust falls to 1/e
_FADE = 0.8  # share of the change between two results that following a fade leaves at most
_CUT = 0.35  # mean trust under which the last result is not used


@dataclasses.dataclass(frozen=True)
class _Last:
    """The last frame: its shrunken source and its blended result, both uint8 RGB."""

    source: np.ndarray
    result: np.ndarray


class TemporalBlend:
    """Blends each translated frame with the result of the frame before it.

    One object blends one video; it takes the frames in order.

    Attributes:
      strength: share of the last result where the source did not change, 0 <= strength < 1.
    """

    def __init__(self, strength: float = 0.7):
        """Starts a video.

        Raises:
          ValueError: `strength` is out of its range.
        """
        if not 0 <= strength < 1:
            raise ValueError(f"strength is {strength}, it has to be 0 or more and under 1")
        self.strength = strength
        self._motion = Motion()
        self._last: _Last | None = None

    def __call__(self, source_frames: np.ndarray, translated: np.ndarray) -> np.ndarray:
        """Returns the next frames of the video, blended: uint8 RGB [n, H', W', 3].

        Args:
          source_frames: uint8 RGB [n, H, W, 3], the source frames after those of the last call.
          translated: uint8 RGB [n, H', W', 3], the network's output for them, of any size.

        Raises:
          ValueError: the numbers of frames differ.
        """
        blended = np.empty_like(translated)
        for index, frames in enumerate(zip(source_frames, translated, strict=True)):
            blended[index] = self._next(*frames)
        return blended

    def _next(self, frame: np.ndarray, translated: np.ndarray) -> np.ndarray:
        source, last = shrink(frame), self._last
        result = translated.copy() if last is None else self._carry_on(last, source, translated)
        self._last = _Last(source, result)
        return result

    def _carry_on(self, last: _Last, source: np.ndarray, translated: np.ndarray) -> np.ndarray:
        flow = self._motion(source, last.source)
        before = warp(last.source, flow)
        exposure = _exposure(before, source)
        trust = _source_trust(cv2.LUT(before, exposure), source)
        if cv2.mean(trust)[0] < _CUT:
            return translated.copy()
        history = warp(last.result, flow, cv2.INTER_CUBIC)
        history = _faded(history, translated, exposure)
        history, result_trust = _near(history, translated)
        weight = self.strength * cv2.resize(trust, translated.shape[1::-1]) * result_trust
        return cv2.blendLinear(history, translated, weight, 1 - weight)


def _exposure(before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Returns a lookup table, uint8 [1, 256, 3], that gives one frame the brightness of another.

    Fades and the camera's exposure multiply each channel by a factor. The factor is the ratio of
    the channel's means over the pixels that may show the same content in both frames.
    """
    same = cv2.compare(_greatest(cv2.absdiff(before, now)), 2 * _SOURCE_CHANGE, cv2.CMP_LE)
    means = [np.array(cv2.mean(frame, same)[:3]) + 1 for frame in (before, now)]
    levels = np.arange(256)[None, :, None] * (means[1] / means[0])
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def _faded(history: np.ndarray, translated: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """Returns a warped result, as bright as the new one if it fades as the source does.

    The flat colours of a cartoon stay as they are when the exposure of the camera drifts a little;
    in a fade they become darker or brighter.
    """
    exposed = cv2.LUT(history, exposure)
    left = cv2.norm(exposed, translated, cv2.NORM_L1)
    return exposed if left < _FADE * cv2.norm(history, translated, cv2.NORM_L1) else history


def _source_trust(before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Returns the similarity of two frames around each pixel, float32 [H, W] in 0..1."""
    change = cv2.blur(_greatest(cv2.absdiff(before, now)), _AROUND)
    return cv2.LUT(change, _falloff(_SOURCE_CHANGE))


def _near(history: np.ndarray, translated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns a warped result, clamped to the new pixels around it, and the trust in it.

    A pixel that is brighter or darker than all 3x3 new pixels around it is a ghost, or a line that
    has moved away. It takes the nearest of their values, up to a small distance: the neighbourhood
    clamping of temporal anti-aliasing (Karis 2014, "High-quality temporal supersampling").

    Returns:
      uint8 [H, W, 3], and float32 [H, W] in 0..1, the smaller the farther a pixel was moved.
    """
    kernel, shift = np.ones((3, 3), np.uint8), (_SHIFT,) * 3
    highest = cv2.add(cv2.dilate(translated, kernel), shift)
    lowest = cv2.subtract(cv2.erode(translated, kernel), shift)
    near = cv2.max(lowest, cv2.min(history, highest))
    return near, cv2.LUT(_greatest(cv2.absdiff(history, near)), _falloff(_RESULT_CHANGE))


def _greatest(image: np.ndarray) -> np.ndarray:
    """Returns the maximum of the three channels of each pixel, [H, W]."""
    first, second, third = cv2.split(image)
    return cv2.max(cv2.max(first, second), third)


def _falloff(width: float) -> np.ndarray:
    """Returns exp(-(x / width)^2) for x = 0..255, float32 [256]."""
    return np.exp(-((np.arange(256, dtype=np.float32) / width) ** 2))
