"""Keeps a translated video steady where its source is: frames are blended along the motion.

A network that sees one frame at a time draws the same thing a little differently in each. Here the
last result is moved to where its content is now, and mixed with the new frame as far as the source
says that it still shows the same. So an error is carried on for some frames and no longer, and a
cut starts anew.
"""

import dataclasses

import cv2
import numpy as np

from pix2pix_flax.inference.video.motion import Motion, shrink, warp

_SOURCE_CHANGE = 6.0  # grey levels of change in the source at which trust falls to 1/e
_RESULT_CHANGE = 40.0  # grey levels outside of what is drawn nearby, likewise
_CUT = 0.35  # mean trust: under it nothing is carried on


@dataclasses.dataclass(frozen=True)
class _Last:
    """What is carried to the next frame: the shrunken source and the result."""

    source: np.ndarray
    result: np.ndarray


class TemporalBlend:
    """Blends translated frames, given in order, with what became of the frames before them.

    Attributes:
      strength: Share of the last result where the source did not change, 0 <= strength < 1.
    """

    def __init__(self, strength: float = 0.7):
        """Starts a video.

        Raises:
          ValueError: The strength is outside of its range.
        """
        if not 0 <= strength < 1:
            raise ValueError(f"strength is {strength}, it has to be 0 or more and under 1")
        self.strength = strength
        self._motion = Motion()
        self._last: _Last | None = None

    def __call__(self, source_frames: np.ndarray, translated: np.ndarray) -> np.ndarray:
        """Returns the next frames of the video, blended: uint8 RGB [n, H', W', 3].

        Args:
          source_frames: uint8 RGB [n, H, W, 3], those that follow on the last call's.
          translated: uint8 RGB [n, H', W', 3], what the network made of them, of any size.

        Raises:
          ValueError: Their numbers differ.
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
        history = cv2.LUT(warp(last.result, flow), exposure)
        weight = self.strength * cv2.resize(trust, translated.shape[1::-1])
        weight *= _result_trust(history, translated)
        return cv2.blendLinear(history, translated, weight, 1 - weight)


def _exposure(before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Returns a table, uint8 [1, 256, 3], from the brightness of one frame to that of another.

    Fades and a camera's exposure change each channel by a factor. It is that of the means over
    what can be the same in both.
    """
    same = cv2.compare(_greatest(cv2.absdiff(before, now)), 2 * _SOURCE_CHANGE, cv2.CMP_LE)
    means = [np.array(cv2.mean(frame, same)[:3]) + 1 for frame in (before, now)]
    levels = np.arange(256)[None, :, None] * (means[1] / means[0])
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def _source_trust(before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Returns how far two frames show the same, float32 [H, W] in 0..1."""
    return cv2.LUT(_greatest(cv2.absdiff(before, now)), _falloff(_SOURCE_CHANGE))


def _result_trust(history: np.ndarray, translated: np.ndarray) -> np.ndarray:
    """Returns how far a result can be of the frame's surroundings, float32 [H, W] in 0..1.

    What is brighter or darker than all of the 3x3 pixels around is a ghost, or a line that went.
    """
    kernel = np.ones((3, 3), np.uint8)
    above = cv2.subtract(history, cv2.dilate(translated, kernel))
    below = cv2.subtract(cv2.erode(translated, kernel), history)
    return cv2.LUT(_greatest(cv2.max(above, below)), _falloff(_RESULT_CHANGE))


def _greatest(image: np.ndarray) -> np.ndarray:
    """Returns the greatest of each pixel's three channels, [H, W]."""
    first, second, third = cv2.split(image)
    return cv2.max(cv2.max(first, second), third)


def _falloff(width: float) -> np.ndarray:
    """Returns exp(-(x / width)^2) for x = 0..255, float32 [256]."""
    return np.exp(-((np.arange(256, dtype=np.float32) / width) ** 2))
