"""Trained generators, wherever they lie: in a training run, in one file, or in this package.

A safetensors file holds the weights, and as metadata the whole configuration. It is no pickle:
nothing in it is run.
"""

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import safetensors
import safetensors.numpy
from flax.traverse_util import flatten_dict, unflatten_dict

from pix2pix_flax import older_configs
from pix2pix_flax.checkpoint_files import differences
from pix2pix_flax.checkpoints import find_checkpoint, read_config, restore_generator
from pix2pix_flax.tasks import Task, make_task
from pix2pix_flax.train_state import PyTree

METADATA = "pix2pix_flax.config"
"""Where an exported file keeps the configuration, as JSON."""

_SHIPPED = Path(__file__).with_name("shipped")
SHIPPED = tuple(sorted(file.stem for file in _SHIPPED.glob("*.safetensors")))
"""Names of the generators that come with this package; docs/weights.md has their scores."""


class GeneratorFileError(ValueError):
    """A file that no generator can be made from; its message is one line that names it."""


@dataclasses.dataclass(frozen=True)
class TrainedGenerator:
    """A generator and what it was trained with.

    Attributes:
      config: the whole configuration.
      variables: `params`, and the other collections of the network.
      origin: the step directory or the file that it comes from.
    """

    config: ml_collections.ConfigDict
    variables: PyTree
    origin: Path

    @functools.cached_property
    def task(self) -> Task:
        """What it was trained for: `task.predict(variables, images)` runs it."""
        return make_task(self.config, total_steps=1)

    @property
    def stride(self) -> int:
        """The multiple that heights and widths are padded to."""
        return self.task.gen.net.module.stride


def load_generator(checkpoint: str | Path) -> TrainedGenerator:
    """Returns a trained generator.

    Args:
      checkpoint: a work directory (its best step, else its latest), a step directory, a
        safetensors file, or one of `SHIPPED` where no file has that name.

    Raises:
      CheckpointError: where there is none, or it is damaged.
      GeneratorFileError: likewise, of a file.
    """
    path = Path(checkpoint).expanduser()
    if not path.exists() and str(checkpoint) in SHIPPED:
        path = _SHIPPED / f"{checkpoint}.safetensors"
    if path.suffix == ".safetensors":
        return _load_file(path)
    step = find_checkpoint(path)
    return TrainedGenerator(read_config(step), restore_generator(step).variables, step)


def to_safetensors(generator: TrainedGenerator) -> bytes:
    """Returns the file of a generator; arrays are named `params/down0/kernel`."""
    arrays = flatten_dict(generator.variables, sep="/")
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return safetensors.numpy.save(arrays, metadata={METADATA: describe(generator.config)})


def describe(config: ml_collections.ConfigDict) -> str:
    """Returns a configuration as JSON, without the place where its dataset lay."""
    values = config.to_dict()
    values["data"]["data_dir"] = None  # of no use, and nobody's business, on another machine
    return json.dumps(values, sort_keys=True)


def _load_file(path: Path) -> TrainedGenerator:
    generator = TrainedGenerator(*_read(path), path)
    try:
        task, stride = generator.task, generator.stride
        wanted = jax.eval_shape(
            lambda key, images: task.gen.net.module.init(key, task.to_input(images), train=False),
            jax.random.key(0),
            jax.ShapeDtypeStruct((1, stride, stride, 3), jnp.uint8),
        )
    except Exception as error:  # A configuration that was not written by this version.
        raise GeneratorFileError(f"{path} has an unknown configuration: {_line(error)}") from error
    problems = differences(generator.variables, wanted, False)
    if problems:
        raise GeneratorFileError(f"{path} holds other weights than its network: {problems[0]}.")
    return generator


def _read(path: Path) -> tuple[ml_collections.ConfigDict, dict[str, Any]]:
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            config = json.loads(file.metadata()[METADATA])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return older_configs.complete(config), unflatten_dict(arrays, sep="/")
    except Exception as error:  # Damaged bytes raise nearly any type.
        raise GeneratorFileError(f"{path} is not a generator's file: {_line(error)}") from error


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
