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

from cartoon_tfds.errors import UserError, one_line
from pix2pix_flax.checkpoint import migrations
from pix2pix_flax.checkpoint.integrity import CheckpointError, differences
from pix2pix_flax.checkpoint.manager import find_checkpoint, read_config, restore_generator
from pix2pix_flax.steps.state import TrainState
from pix2pix_flax.tasks import Task
from pix2pix_flax.tasks.factory import make_task
from pix2pix_flax.typing import PyTree

METADATA = "pix2pix_flax.config"
"""Where an exported file keeps the configuration, as JSON."""

_SHIPPED = Path(__file__).with_name("shipped")
SHIPPED = tuple(sorted(file.stem for file in _SHIPPED.glob("*.safetensors")))
"""Names of the generators that come with this package; docs/weights.md has their scores."""


class GeneratorFileError(UserError):
    """A file that no generator can be made from; its message is one line that names it."""


class StyleError(UserError):
    """A style that a generator does not have; its message is one line."""


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
        return self.task.module.stride

    def of_images(self) -> "TrainedGenerator":
        """Returns this generator.

        Raises:
          GeneratorFileError: it makes pictures of noise.
        """
        if self.task.input_kind != "image":
            raise GeneratorFileError(
                f"{self.origin} makes pictures of noise, not of pictures: use scripts/generate.py"
            )
        return self

    def in_style(self, style: str | None) -> "TrainedGenerator":
        """Returns this generator, drawing in one of its styles; None: in that of its config.

        Raises:
          StyleError: it has no such style, or was trained for one alone.
        """
        if style is None:
            return self
        known = self.config.data.styles
        if not known:
            raise StyleError(f"{self.origin} knows no styles by name: leave out --style")
        if style not in known:
            raise StyleError(f"{self.origin} has no style {style!r}; it has: {', '.join(known)}")
        config = self.config.copy_and_resolve_references()
        config.styled.style = style
        return dataclasses.replace(self, config=config)


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


def started_from(checkpoint: str | Path, state: TrainState) -> TrainState:
    """Returns a state whose generator, and its average, is a trained one; all else stays as it is.

    Args:
      checkpoint: what `load_generator` takes.
      state: at step 0.

    Raises:
      CheckpointError: where there is none, it is damaged, or of another network.
      GeneratorFileError: likewise, of a file.
    """
    trained = load_generator(checkpoint)
    problems = differences(trained.variables, state.nets["gen"].variables, False)
    if problems:
        raise CheckpointError(
            f"config.init_from: {trained.origin} holds another network: {problems[0]}."
        )
    nets = dict(state.nets)
    for name in nets.keys() & {"gen", "gen_ema"}:
        variables = jax.tree.map(jnp.array, trained.variables)  # donated buffers are not shared
        params = variables.pop("params")
        nets[name] = nets[name].replace(params=params, model_state=variables)
    return state.replace(nets=nets)


def to_safetensors(generator: TrainedGenerator) -> bytes:
    """Returns the file of a generator; arrays are named `params/down0/kernel`."""
    arrays = flatten_dict(generator.variables, sep="/")
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    return safetensors.numpy.save(arrays, metadata={METADATA: describe(generator.config)})


def describe(config: ml_collections.ConfigDict) -> str:
    """Returns a configuration as JSON, without the places of its dataset and its beginning."""
    values = config.to_dict()
    # Paths of this machine are of no use on another machine, and may be private.
    values["data"]["data_dir"] = values["init_from"] = None
    return json.dumps(values, sort_keys=True)


def _load_file(path: Path) -> TrainedGenerator:
    generator = TrainedGenerator(*_read(path), path)
    try:
        task = generator.task
        wanted = jax.eval_shape(
            lambda key: task.module.init(key, task.network_input(), train=False),
            jax.random.key(0),
        )
    except Exception as error:  # A configuration that was not written by this version.
        raise GeneratorFileError(
            f"{path} has an unknown configuration: {one_line(error)}"
        ) from error
    problems = differences(generator.variables, wanted, False)
    if problems:
        raise GeneratorFileError(f"{path} holds other weights than its network: {problems[0]}.")
    return generator


def _read(path: Path) -> tuple[ml_collections.ConfigDict, dict[str, Any]]:
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            config = json.loads(file.metadata()[METADATA])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return migrations.complete(config), unflatten_dict(arrays, sep="/")
    except Exception as error:  # Damaged bytes raise nearly any type.
        raise GeneratorFileError(f"{path} is not a generator's file: {one_line(error)}") from error
