"""A generator in one safetensors file: its weights, and as metadata the whole configuration."""

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

from pix2pix_flax.checkpoint_files import differences
from pix2pix_flax.inference.predictor import Predictor
from pix2pix_flax.tasks import make_task
from pix2pix_flax.train_state import PyTree

METADATA = "pix2pix_flax.config"
"""Where an exported file keeps the configuration, as JSON."""


class GeneratorFileError(ValueError):
    """A file that no generator can be made from; its message is one line that names it."""


def to_safetensors(config: ml_collections.ConfigDict, variables: PyTree) -> bytes:
    """Returns the file of a generator.

    Args:
      config: what it was trained with.
      variables: `params` and the other collections; arrays are named `params/down0/kernel`.
    """
    arrays = flatten_dict(variables, sep="/")
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return safetensors.numpy.save(arrays, metadata={METADATA: describe(config)})


def describe(config: ml_collections.ConfigDict) -> str:
    """Returns a configuration as JSON."""
    return json.dumps(config.to_dict(), sort_keys=True)


def load_generator_file(path: str | Path) -> Predictor:
    """Returns the predictor of a safetensors file; the checkpoint is not needed.

    Raises:
      GeneratorFileError: where it is no such file, is damaged, or holds another network's weights.
    """
    config, variables = _read(Path(path))
    try:
        task = make_task(config, total_steps=1)
        module = task.gen.net.module
        wanted = jax.eval_shape(
            lambda key, images: module.init(key, images, train=False),
            jax.random.key(0),
            jax.ShapeDtypeStruct((1, module.stride, module.stride, 3), jnp.float32),
        )
    except Exception as error:  # A configuration that was not written by this version.
        raise GeneratorFileError(f"{path} has an unknown configuration: {_line(error)}") from error
    problems = differences(variables, wanted, False)
    if problems:
        raise GeneratorFileError(f"{path} holds other weights than its network: {problems[0]}.")
    return Predictor(task.predict, variables, module.stride, config=config)


def _read(path: Path) -> tuple[ml_collections.ConfigDict, dict[str, Any]]:
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            config = json.loads(file.metadata()[METADATA])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return ml_collections.ConfigDict(config), unflatten_dict(arrays, sep="/")
    except Exception as error:  # Damaged bytes raise nearly any type.
        raise GeneratorFileError(f"{path} is not a generator's file: {_line(error)}") from error


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
