"""The values that a configuration can have: a range for each number in it.

`check` refuses a value that cannot be meant before anything is built. Values that are impossible
only together, such as a crop of a size that the network cannot take, are found where they meet.
"""

import dataclasses
import fnmatch
import math
from collections.abc import Iterator, Mapping
from typing import Any

from cartoon_tfds.errors import UserError


@dataclasses.dataclass(frozen=True)
class Range:
    """Finite numbers from `low` to `high`.

    Attributes:
      low: smallest value; excluded if `above`.
      high: largest value; excluded if `below`.
    """

    low: float = 0
    high: float = math.inf
    above: bool = False
    below: bool = False

    def __contains__(self, value: float) -> bool:
        if not math.isfinite(value):
            return False
        is_low = value > self.low if self.above else value >= self.low
        return is_low and (value < self.high if self.below else value <= self.high)

    def __str__(self) -> str:
        if self.low == -math.inf:  # of a number that the table does not have
            return "a finite number"
        text = f"{'more than' if self.above else 'at least'} {self.low:g}"
        if self.high < math.inf:
            text += f" and {'less than' if self.below else 'at most'} {self.high:g}"
        return text


_FINITE = Range(-math.inf)
_WEIGHT = Range()  # of a loss
_COUNT, _COUNT_OR_NONE = Range(1), Range(0)
_POSITIVE = Range(above=True)
_SHARE, _BELOW_ONE = Range(0, 1), Range(0, 1, below=True)
_SIDE = Range(0, 65_536)  # pixels; 0: a meaning of its own
_CHANNELS = Range(1, 4_096)
_DEPTH = Range(0, 16)

RANGES: dict[str, Range] = {
    "seed": Range(0, 2**63, below=True),
    "ema_decay": _BELOW_ONE,
    "input_channels": Range(1, 16),
    "optimizer.learning_rate": _WEIGHT,
    "optimizer.warmup": _SHARE,
    "optimizer.decay_start": _SHARE,
    "optimizer.step_every": _SHARE,
    "optimizer.step_factor": _WEIGHT,
    "optimizer.b1": _BELOW_ONE,
    "optimizer.b2": _BELOW_ONE,
    "optimizer.weight_decay": _WEIGHT,
    "optimizer.max_grad_norm": _WEIGHT,
    "optimizer.accumulate_steps": _COUNT,
    "augment.*_scale": _POSITIVE,
    "augment.light": _SHARE,
    "sizes.canvas": _SIDE,
    "sizes.crop": _SIDE,
    "sizes.evaluation": _SIDE,
    "sizes.validation_crop": _SIDE,
    "sizes.inference": _SIDE,
    "data.num_threads": Range(1, 1_024),
    "data.max_damaged": _COUNT_OR_NONE,
    "data.cache_gigabytes": _WEIGHT,
    "generator.width": _CHANNELS,
    "generator.depth": _DEPTH,
    "generator.blocks": Range(0, 1_024),
    "generator.group_width": _CHANNELS,
    "generator.scale": Range(1, 8),
    "generator.out_channels": _CHANNELS,
    "generator.dropout": _BELOW_ONE,
    "generator.fine_width": Range(0, 4_096),
    "generator.cel_steps": Range(0, 255),
    "discriminator.width": _CHANNELS,
    "discriminator.depth": _DEPTH,
    "discriminator.blocks": Range(0, 1_024),
    "discriminator.group_width": _CHANNELS,
    "discriminator.scales": Range(1, 8),
    "discriminator.deviation_group": Range(0, 4_096),
    "hints.max_points": Range(0, 1_024),
    "hints.max_patch": Range(1, 1_024),
    "gan.r1": _WEIGHT,
    "gan.r2": _WEIGHT,
    "loss_weights.*": _WEIGHT,
    "perceptual.layers": _WEIGHT,
    "perceptual.map_scale": _WEIGHT,
    "consistency.max_shift": _SIDE,
    "consistency.noise": _WEIGHT,
    "diff_augment.probability": _SHARE,
    "unconditional.latent_size": Range(1, 65_536),
    "train.batch_size": _POSITIVE,
    "train.steps": _POSITIVE,
    "train.epochs": _POSITIVE,
    "train.log_every_steps": _POSITIVE,
    "train.eval_examples": _COUNT_OR_NONE,
    "train.panel_examples": _COUNT_OR_NONE,
    "train.keep_checkpoints": _COUNT,
    "train.*_every_*": _WEIGHT,
    "train.max_hours": _WEIGHT,
    "train.max_rollbacks": _COUNT_OR_NONE,
}
"""Ranges by the dotted names of the values; `*` stands for any letters. The first match counts."""


def check(config: Mapping[str, Any]) -> None:
    """Raises a UserError that names the first number outside its range, and the range.

    Args:
      config: a configuration in the layout of today, whole or a part of one.
    """
    for name, value in numbers(config):
        if value not in (wanted := range_of(name) or _FINITE):
            raise UserError(f"config.{name} must be {wanted}, not {value}.")


def range_of(name: str) -> Range | None:
    """Returns the range of a dotted name, or None if it has none."""
    return next((RANGES[key] for key in RANGES if fnmatch.fnmatchcase(name, key)), None)


def numbers(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yields the dotted name and the value of each number, also of each number in a tuple."""
    for key, value in config.items():
        if hasattr(value, "items"):
            yield from numbers(value, f"{prefix}{key}.")
        for number in value if isinstance(value, tuple | list) else (value,):
            if isinstance(number, int | float) and not isinstance(number, bool):
                yield f"{prefix}{key}", number
