"""Images from seeds by a trained unconditional generator, and the way from one to the next."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import jax
import numpy as np

from pix2pix_flax.image.normalize import denormalize
from pix2pix_flax.inference.video.codecs import CODECS
from pix2pix_flax.inference.video.info import Batch, VideoInfo
from pix2pix_flax.inference.video.writer import VideoWriter
from pix2pix_flax.pretrained.generator import TrainedGenerator, load_generator

_BATCH_SIZE = 16
_SRGB_AS_VIDEO = (1, 1, 1, 1)  # H.273: BT.709, limited range
_MOST = 2**32 - 1  # as a seed


class SamplerError(ValueError):
    """What cannot be sampled; its message is one line."""


class Sampler:
    """Makes images of latents: the same bytes for the same latents, however many there are."""

    def __init__(self, generator: TrainedGenerator):
        """Takes a generator of the task `unconditional`.

        Raises:
          SamplerError: it is another one.
        """
        self.config, self.task = generator.config, generator.task
        if self.task.input_kind != "latent":
            raise SamplerError(f"{generator.origin} makes images of pictures, not of seeds")
        self._variables = generator.variables
        self._generate = jax.jit(
            lambda variables, latents: denormalize(self.task.generate(variables, latents))
        )

    def latents(self, seeds: Sequence[int], truncation: float | None = None) -> np.ndarray:
        """Returns a latent for each seed, float32 [N, Z].

        Args:
          seeds: from 0 to 2**32 - 1 each.
          truncation: see `Unconditional.latents`.
        """
        return np.asarray(self.task.latents(np.asarray(seeds, np.uint32), truncation))

    def __call__(self, latents: np.ndarray) -> np.ndarray:
        """Returns images uint8 [N, H, W, 3] of latents [N, Z]."""
        parts = []
        for start in range(0, len(latents), _BATCH_SIZE):
            part = latents[start : start + _BATCH_SIZE]
            # Of one shape always: how sums are ordered depends on it.
            full = np.pad(part, ((0, _BATCH_SIZE - len(part)), (0, 0)))
            parts.append(np.asarray(self._generate(self._variables, full))[: len(part)])
        return np.concatenate(parts)


def load_sampler(checkpoint: str | Path) -> Sampler:
    """Returns the sampler of a checkpoint; see `generators.load_generator` for what it raises."""
    return Sampler(load_generator(checkpoint))


def parse_seeds(text: str) -> list[int]:
    """Returns the seeds of a list such as '0-63,100'.

    Raises:
      SamplerError: it is no such list.
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
        raise SamplerError(f"no seed in {text!r}")
    return seeds


def interpolate(latents: np.ndarray, steps: int) -> np.ndarray:
    """Returns the way through all latents and back to the first, float32 [N * steps, Z].

    Along great circles and with the lengths between (White 2016, arXiv:1609.04468): in the middle
    of a straight line a latent would be shorter than any that G has seen.

    Args:
      latents: [N, Z], N at least 2.
      steps: from each to the next.
    """
    way = []
    for start, end in zip(latents, np.roll(latents, -1, axis=0), strict=True):
        lengths = np.linalg.norm(start), np.linalg.norm(end)
        angle = np.arccos(np.clip(start @ end / (lengths[0] * lengths[1]), -1.0, 1.0))
        for share in np.arange(steps) / steps:
            weights = np.sin((1 - share) * angle), np.sin(share * angle)
            way.append((weights[0] * start + weights[1] * end) / np.sin(angle))
    return np.asarray(way, np.float32)


def write_video(images: np.ndarray, file: Path, frames_per_second: int) -> None:
    """Writes images uint8 [N, H, W, 3] as a clip in H.264.

    Raises:
      VideoError: it cannot be written.
    """
    rate = Fraction(frames_per_second)
    info = VideoInfo(*images.shape[1:3], 1 / rate, rate, _SRGB_AS_VIDEO, Fraction(1))
    codec = CODECS["h264"]
    writer = VideoWriter(file, info, [], codec, codec.settings(None, "medium"))
    try:
        places = list(range(len(images)))
        writer.write(images, Batch(images, places, [1] * len(images)))
        writer.commit()
    except BaseException:
        writer.discard()
        raise
