"""Identifies the order of a training's examples, so that no run goes on with other ones."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pix2pix_flax.data.fingerprint import (
    as_tuples,
    fingerprint,
    fingerprint_of_bytes,
    is_same,
)
from pix2pix_flax.data.records import DatasetError

_SETTINGS = (
    *(f"data.{name}" for name in ("name", "train_split", "features", "canvas_mode")),
    *("data.labels", "data.styles", "sizes.canvas", "train.batch_size", "seed"),
)
_UNSAVED = object()  # a setting that an older run did not know


def order_fingerprint(
    config,
    *,
    batch_size: int,
    seed: int,
    of_examples: Callable[[str, str, str | None], str] = fingerprint,
) -> str:
    """Returns a text that identifies the examples, their order and their preparation.

    Args:
      config: the whole configuration; `data` and `sizes.canvas` are used.
      batch_size: examples in the global batch.
      seed: seed of the order of examples and of the crops.
      of_examples: returns the fingerprint of a split. What follows its first dot stays unchanged,
        for `fingerprint.is_same`.

    Raises:
      DatasetError: if the dataset is missing or damaged.
    """
    data = config.data
    facts, dot, examples = of_examples(data.name, data.train_split, data.data_dir).partition(".")
    order = (
        facts,
        as_tuples(data.features),
        data.canvas_mode,
        config.sizes.canvas,
        batch_size,
        seed,
        1,  # once the number of hosts, on which the order no longer depends
    )
    if data.labels:  # only if set, so that older runs keep their fingerprint
        order += (data.labels, as_tuples(data.palette))
    if data.styles:
        order += (as_tuples(data.styles),)
    return hashlib.sha256(repr(order).encode()).hexdigest()[:16] + dot + examples


def check_order(run: Mapping[str, Any], config, **order: int) -> None:
    """Raises a DatasetError if a run was saved with other data.

    Args:
      run: the values for JSON in a checkpoint of any version.
      config: the whole configuration.
      **order: the other arguments of `order_fingerprint`.
    """
    saved = run["data"]["fingerprint"]
    if is_same(saved, order_fingerprint(config, **order)):
        return
    if saved != order_fingerprint(config, **order, of_examples=fingerprint_of_bytes):
        raise DatasetError(
            f"This run cannot be resumed, for its data are others now: {_changed(run, config)}. "
            "Set them as before, or take a new --workdir."
        )


def _changed(run: Mapping[str, Any], config) -> str:
    found = changed_settings(run.get("config", {}), config, _SETTINGS)
    return found or "the examples of the dataset have changed"


def changed_settings(saved: Mapping[str, Any], config, names: Iterable[str]) -> str:
    """Returns the settings that differ from those of a saved run, in words; '' if none differs.

    Args:
      saved: the configuration of the run, as JSON has it.
      config: the whole configuration.
      names: dotted names of the settings. One that the run did not know does not differ.
    """
    found = []
    for name in names:
        before, now = saved, config
        for key in name.split("."):
            before = before.get(key, _UNSAVED) if isinstance(before, Mapping) else _UNSAVED
            now = now[key]
        now = json.loads(json.dumps(now))  # tuples are lists in JSON
        if before is not _UNSAVED and before != now:
            found.append(f"config.{name} was {before!r} and is {now!r}")
    return "; ".join(found)
