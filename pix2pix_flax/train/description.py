"""A configuration as text, and its main values for TensorBoard's page HPARAMS."""

from collections.abc import Iterator
from typing import Any

import ml_collections

_MAIN = (
    *("task", "seed", "dtype", "ema_decay", "data.name", "sizes.crop", "train.batch_size"),
    *("generator.name", "generator.depth", "generator.width", "generator.blocks"),
    *("discriminator.name", "discriminator.width", "gan.loss"),
    *("optimizer.name", "optimizer.learning_rate", "optimizer.schedule"),
)


def as_table(config: ml_collections.ConfigDict) -> str:
    """Returns a configuration as a Markdown table of flags and values."""
    lines = (f"| `--config.{name}` | `{value}` |" for name, value in _leaves(config))
    return "\n".join(["| flag | value |", "|---|---|", *lines])


def main_values(config: ml_collections.ConfigDict) -> dict[str, Any]:
    """Returns the values by which trainings are compared, by name, with all weights of losses."""
    return {
        name: value
        for name, value in _leaves(config)
        if name in _MAIN or (name.startswith("loss_weights.") and value)
    }


def _leaves(config: ml_collections.ConfigDict, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the dotted names of a configuration and their values, sorted by name."""
    for name in sorted(config):
        value = config[name]
        if isinstance(value, ml_collections.ConfigDict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
