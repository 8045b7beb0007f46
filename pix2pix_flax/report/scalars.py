"""The scalars of a run, from its log."""

import json
import math
from pathlib import Path
from typing import NamedTuple

_NO_SCALARS = ("step", "epoch")


class Series(NamedTuple):
    """The values of one scalar.

    Attributes:
      name: such as `gen/l1` or `validation/psnr`.
      steps: the steps, ascending.
      values: one finite value for each step.
    """

    name: str
    steps: list[int]
    values: list[float]


def read_scalars(workdir: Path) -> list[Series]:
    """Returns the scalars of `WORKDIR/log.jsonl` by name; [] if there is no log.

    A training that went back to a checkpoint has logged some steps twice; the later lines count. A
    line that was cut off and values that are not finite are left out.
    """
    try:
        text = (workdir / "log.jsonl").read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    found: dict[str, dict[int, float]] = {}
    last = -1
    for line in text.splitlines():
        try:
            values = json.loads(line)
            step = values["step"]
        except (ValueError, KeyError, TypeError):
            continue
        if step < last:
            _forget_from(found, step)
        last = step
        for name, value in values.items():
            if name not in _NO_SCALARS and math.isfinite(value):
                found.setdefault(name, {})[step] = value
    return [Series(name, list(at), list(at.values())) for name, at in sorted(found.items()) if at]


def _forget_from(found: dict[str, dict[int, float]], step: int) -> None:
    """Removes the values of a step and all later steps."""
    for at in found.values():
        for later in [known for known in at if known >= step]:
            del at[later]
