"""A configuration as text, and its main values for TensorBoard's page HPARAMS."""

from collections.abc import Iterator
from typing import Any

import ml_collections

_MAIN = (
    *("data.name", "gan.loss", "generator.name", "generator.depth", "generator.width"),
    *("optimizer.learning_rate", "optimizer.schedule", "train.batch_size", "sizes.crop", "seed"),
)


def as_table(config: ml_collections.ConfigDict) -> str:
    """Returns a configuration as a Markdown table of flags and values."""
    lines = (f"| `--config.{name}` | `{value!r}` |" for name, value in leaves(config))
    return "\n".join(["| flag | value |", "|---|---|", *lines])


def main_values(config: ml_collections.ConfigDict) -> dict[str, Any]:
    """Returns the values by which trainings are compared, by name, with all weights of losses."""
    values = dict(leaves(config))
    weights = [name for name, value in values.items() if name.startswith("loss_weights.") and value]
    return {name: values[name] for name in (*_MAIN, *weights) if name in values}


def leaves(config: ml_collections.ConfigDict, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the dotted names of a configuration and their values, sorted by name."""
    for name in sorted(config):
        value = config[name]
        if isinstance(value, ml_collections.ConfigDict):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
