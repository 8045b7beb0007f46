"""Generates images from seeds with an unconditional generator, and interpolates between them."""

import itertools
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import jax
import numpy as np

from cartoon_tfds.errors import UserError
from pix2pix_flax.image.normalize import denormalize
from pix2pix_flax.inference.video.codecs import CODECS
from pix2pix_flax.inference.video.info import Batch, VideoInfo
from pix2pix_flax.inference.video.writer import VideoWriter
from pix2pix_flax.pretrained.generator import TrainedGenerator, load_generator

_BATCH_SIZE = 16
_SRGB_AS_VIDEO = (1, 1, 1, 1)  # H.273: BT.709, limited range
_MOST = 2**32 - 1  # the largest seed
_NO_ANGLE = 1e-3  # sine of an angle at which a straight line and a circle are the same


class SamplerError(UserError):
    """The generator takes no seeds, or a list of seeds is invalid; the message is one line."""


class Sampler:
    """Generates images from latents; the bytes of an image depend on its own latent only."""

    def __init__(self, generator: TrainedGenerator):
        """Takes a generator of the task `unconditional`.

        Raises:
          SamplerError: the generator translates images.
        """
        self.config, self.task = generator.config, generator.task
        if self.task.input_kind != "latent":
            raise SamplerError(
                f"{generator.origin} takes images, not seeds: use scripts/translate_images.py "
                "or pix2pix-flax images"
            )
        self._variables = generator.variables
        self._generate = jax.jit(
            lambda variables, latents: denormalize(self.task.generate(variables, latents))
        )

    def latents(self, seeds: Sequence[int], truncation: float | None = None) -> np.ndarray:
        """Returns the latent of each seed, float32 [N, Z].

        Args:
          seeds: N integers in 0..2**32 - 1.
          truncation: see `Unconditional.latents`.
        """
        return np.asarray(self.task.latents(np.asarray(seeds, np.uint32), truncation))

    def __call__(self, latents: np.ndarray) -> np.ndarray:
        """Generates images uint8 [N, H, W, 3] from latents float32 [N, Z]."""
        parts = []
        for start in range(0, len(latents), _BATCH_SIZE):
            part = latents[start : start + _BATCH_SIZE]
            # Always the same batch shape, because XLA's order of summation depends on it.
            full = np.pad(part, ((0, _BATCH_SIZE - len(part)), (0, 0)))
            parts.append(np.asarray(self._generate(self._variables, full))[: len(part)])
        return np.concatenate(parts)


def load_sampler(checkpoint: str | Path) -> Sampler:
    """Loads the sampler of a checkpoint; raises the errors of `load_generator` and `Sampler`."""
    return Sampler(load_generator(checkpoint))


def parse_seeds(text: str) -> list[int]:
    """Parses a list of seeds and ranges of seeds, e.g. '0-63,100'.

    Raises:
      SamplerError: `text` is not a list of seeds, or a seed is over 2**32 - 1.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise SamplerError(f"seeds are numbers and ranges such as 0-63,100, not {text!r}")
        if int(last or first) > _MOST:
            raise SamplerError(f"seeds are at most {_MOST}, not {last or first}")
        seeds += range(int(first), int(last or first) + 1)
    if not seeds:
        raise SamplerError(f"no seed in {text!r}: seeds are numbers and ranges such as 0-63,100")
    return seeds


def interpolate(latents: np.ndarray, steps: int) -> np.ndarray:
    """Returns a closed path through all latents, float32 [N * steps, Z].

    The path is spherical (White 2016, arXiv:1609.04468): it follows great circles, and its lengths
    lie between the lengths of the latents. In the middle of a straight line a latent would be
    shorter than any latent that G has seen.

    Args:
      latents: float32 [N, Z], N at least 2.
      steps: number of points from one latent to the next.
    """
    way = []
    for start, end in zip(latents, np.roll(latents, -1, axis=0), strict=True):
        lengths = np.linalg.norm(start), np.linalg.norm(end)
        angle = np.arccos(np.clip(start @ end / (lengths[0] * lengths[1]), -1.0, 1.0))
        for share in np.arange(steps) / steps:
            weights = _weights(float(angle), share)
            way.append(weights[0] * start + weights[1] * end)
    return np.asarray(way, np.float32)


def _weights(angle: float, share: float) -> tuple[float, float]:
    """Returns the weights of both ends of a great circle; the same latent twice has no circle."""
    if np.sin(angle) < _NO_ANGLE:
        return 1 - share, share
    return np.sin((1 - share) * angle) / np.sin(angle), np.sin(share * angle) / np.sin(angle)


def write_video(images: Iterable[np.ndarray], file: Path, frames_per_second: int) -> None:
    """Writes one or more images, uint8 [H, W, 3] of one size, as an H.264 video.

    Raises:
      VideoError: the file cannot be written.
    """
    images = iter(images)
    first, rate = next(images), Fraction(frames_per_second)
    info = VideoInfo(*first.shape[:2], 1 / rate, rate, _SRGB_AS_VIDEO, Fraction(1))
    codec = CODECS["h264"]
    writer = VideoWriter(file, info, [], codec, codec.settings(None, "medium"))
    try:
        for place, image in enumerate(itertools.chain([first], images)):
            frames = image[None]
            writer.write(frames, Batch(frames, [place], [1]))
        writer.commit()
    except BaseException:
        writer.discard()
        raise
