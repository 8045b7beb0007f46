"""The facts of a run, read from its folder."""

import dataclasses
import functools
import importlib.metadata
import json
import platform
import pprint
from pathlib import Path
from typing import Any

import jax
import ml_collections

import pix2pix_flax
from pix2pix_flax.checkpoint.integrity import read_json, read_metrics
from pix2pix_flax.checkpoint.manager import find_checkpoint, read_config
from pix2pix_flax.data.fingerprint import as_tuples
from pix2pix_flax.data.records import DatasetError
from pix2pix_flax.data.source import open_builder
from pix2pix_flax.pretrained.generator import describe
from pix2pix_flax.report.description import leaves
from pix2pix_flax.report.previews import Preview, find_previews
from pix2pix_flax.report.scalars import Series, read_scalars
from pix2pix_flax.tasks.factory import make_task

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "numpy")
_CONFIG_FILE = '''"""The complete configuration of a training, by pix2pix-flax {version}."""

import ml_collections
from ml_collections import config_dict


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict(
{values}
    )
    # Values that are not set, which flags can set.
{placeholders}
    return config
'''
# The values that can be None, with their types, as in configs/base.py. Flags refuse a bare None.
_PLACEHOLDERS = {"data.data_dir": "str", "init_from": "str", "train.epochs": "float"}


@dataclasses.dataclass(frozen=True)
class Run:
    """A run.

    Attributes:
      workdir: its folder.
      config: its configuration.
      step: the name of its best step.
      metrics: the scores of this step; {} if it was not evaluated.
      fingerprint: identifies the examples of the training and their order.
      scalars: everything that it has logged.
      previews: its pictures, by step.
      evaluations: reports of `pix2pix-flax evaluate` in its folder, by file name.
    """

    workdir: Path
    config: ml_collections.ConfigDict
    step: int
    metrics: dict[str, float]
    fingerprint: str
    scalars: list[Series]
    previews: list[Preview]
    evaluations: dict[str, dict[str, Any]]

    @functools.cached_property
    def input_kind(self) -> str:
        """The kind of input of its task, `image` or `latent`."""
        return make_task(self.config, total_steps=1).input_kind

    @property
    def use(self) -> str:
        """The command that uses its network, without the flag `--checkpoint`."""
        return use_of(self.config.task, self.input_kind)

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.workdir.resolve().name


def use_of(task: str, input_kind: str) -> str:
    """Returns the command that uses a trained network, without the flag `--checkpoint`.

    Args:
      task: `config.task`.
      input_kind: the task's kind of input, `image` or `latent`.
    """
    if input_kind == "latent":
        return "pix2pix-flax generate --seeds=0-63 --grid=grid.png"
    if task == "translation":
        return "pix2pix-flax cartoonize photo.jpg"
    return "pix2pix-flax images --input=photos/ --output=results/"


def read_run(workdir: Path) -> Run:
    """Returns the facts of a run.

    Raises:
      CheckpointError: the folder holds no run, or its files are damaged.
    """
    step = find_checkpoint(workdir)
    return Run(
        workdir=workdir,
        config=read_config(step),
        step=int(step.name),
        metrics=read_metrics(step),
        fingerprint=read_json(step / "run" / "metadata").get("data", {}).get("fingerprint", ""),
        scalars=read_scalars(workdir),
        previews=find_previews(workdir),
        evaluations=_find_evaluations(workdir),
    )


def _find_evaluations(workdir: Path) -> dict[str, dict[str, Any]]:
    """Returns the JSON files in a folder that `pix2pix-flax evaluate` wrote, by name."""
    found = {}
    for path in sorted(workdir.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(content, dict) and {"summary", "split", "count"} <= content.keys():
            found[path.name] = content
    return found


def splits(config: ml_collections.ConfigDict) -> dict[str, int]:
    """Returns the number of examples by split; {} if the dataset is not on this machine."""
    try:
        info = open_builder(config.data.name, config.data.data_dir).info
    except DatasetError:
        return {}
    return {name: split.num_examples for name, split in info.splits.items()}


def config_file(config: ml_collections.ConfigDict) -> str:
    """Returns a configuration as a Python file that `--config` takes; without its paths."""
    values = as_tuples(json.loads(describe(config)))  # flags refuse lists
    text = pprint.pformat(values, indent=1, width=88, sort_dicts=True)
    unset = {name for name, value in leaves(ml_collections.ConfigDict(values)) if value is None}
    return _CONFIG_FILE.format(
        version=pix2pix_flax.__version__,
        values="\n".join(f"        {line}" for line in text.splitlines()),
        placeholders="\n".join(
            f"    config.{name} = config_dict.placeholder({kind})"
            for name, kind in _PLACEHOLDERS.items()
            if name in unset
        ),
    )


def environment() -> dict[str, str]:
    """Returns the versions, the devices and the platform of this process; no name of a host."""
    devices = jax.devices()
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {
        "pix2pix-flax": pix2pix_flax.__version__,
        "devices": f"{len(devices)} x {devices[0].device_kind}",
        "platform": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        **versions,
    }
