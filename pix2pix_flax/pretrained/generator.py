"""Trained generators: of a training run, of one file, or shipped with this package.

A safetensors file holds the weights and, as metadata, the whole configuration. It contains no code,
unlike a pickle.
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

from cartoon_tfds.errors import UserError, did_you_mean, one_line
from pix2pix_flax.checkpoint import migrations
from pix2pix_flax.checkpoint.integrity import CheckpointError, differences
from pix2pix_flax.pretrained.finite import refuse_not_finite
from pix2pix_flax.pretrained.growth import can_grow, grown
from pix2pix_flax.pretrained.shipped_files import FOLDER, METADATA, SHIPPED, shipped_file
from pix2pix_flax.steps.state import TrainState
from pix2pix_flax.tasks import Task
from pix2pix_flax.tasks.factory import make_task
from pix2pix_flax.typing import PyTree

WEIGHTS = "model.safetensors"
"""The file of a generator in a folder in the layout of the Hugging Face Hub."""
ATTRIBUTION = "ATTRIBUTION.md"
"""The file beside a generator's file that names its training pictures and their licences."""


class GeneratorFileError(UserError):
    """A file that holds no generator; the message is one line that names it."""


class StyleError(UserError):
    """A style that a generator does not have; the message is one line."""


@dataclasses.dataclass(frozen=True)
class TrainedGenerator:
    """A trained generator and the configuration of its training.

    Attributes:
      config: the whole configuration.
      variables: `params` and the other collections of the network.
      origin: the step directory or the file that holds it.
    """

    config: ml_collections.ConfigDict
    variables: PyTree
    origin: Path

    @functools.cached_property
    def task(self) -> Task:
        """The task of its training: `task.predict(variables, images)` runs the generator."""
        return make_task(self.config, total_steps=1)

    @property
    def stride(self) -> int:
        """Heights and widths of its inputs are padded to multiples of this number of pixels."""
        return self.task.module.stride

    def of_images(self) -> "TrainedGenerator":
        """Returns this generator.

        Raises:
          GeneratorFileError: it makes images from seeds.
        """
        if self.task.input_kind != "image":
            raise GeneratorFileError(
                f"{self.origin} makes images from seeds, not from images: use scripts/generate.py "
                "or pix2pix-flax generate"
            )
        return self

    def in_style(self, style: str | None) -> "TrainedGenerator":
        """Returns this generator with one of its styles chosen; None: the style of its config.

        Raises:
          StyleError: it does not have this style, or was trained without named styles.
        """
        if style is None:
            return self
        known = self.config.data.styles
        if not known:
            raise StyleError(
                f"{self.origin} was trained without named styles: leave out --style; styles "
                "without a network are --checkpoint=opencv:STYLE"
            )
        if style not in known:
            raise StyleError(f"{self.origin} has no style {style!r}; it has: {', '.join(known)}")
        config = self.config.copy_and_resolve_references()
        config.styled.style = style
        return dataclasses.replace(self, config=config)

    def in_size(self, size: int) -> "TrainedGenerator":
        """Returns this generator with another short side to which larger images are shrunk.

        Args:
          size: pixels; 0: never.

        Raises:
          UserError: it enlarges images.
        """
        if self.task.resolution.scale > 1:
            raise UserError(f"{self.origin} enlarges images: leave out --working_size")
        config = self.config.copy_and_resolve_references()
        config.sizes.inference = size
        return dataclasses.replace(self, config=config)


def load_generator(checkpoint: str | Path) -> TrainedGenerator:
    """Returns a trained generator.

    Args:
      checkpoint: a work directory (its best step, else its latest), a step directory, a
        safetensors file, a folder with `model.safetensors`, or a name in `SHIPPED` if no file has
        this name.

    Raises:
      CheckpointError: the checkpoint is missing or damaged.
      GeneratorFileError: the file holds no generator, or is damaged.
    """
    path = shipped_file(checkpoint) or Path(checkpoint).expanduser()
    if (path / WEIGHTS).is_file():
        path = path / WEIGHTS
    if path.suffix == ".safetensors":
        return _load_file(path)
    # Imported here, because files need no Orbax, which takes a while to load.
    from pix2pix_flax.checkpoint.manager import find_checkpoint, read_config, restore_generator

    try:
        step = find_checkpoint(path)
    except CheckpointError as error:
        known = (
            f"{did_you_mean(str(checkpoint), SHIPPED)} "
            f"The generators of the package are {', '.join(SHIPPED)}; commands that draw also "
            "take a style without a network, e.g. opencv:ink or opencv:watercolour."
        )
        advice = _advice(path) if path.exists() else known.lstrip()
        raise CheckpointError(f"{error} {advice}".rstrip()) from error
    return TrainedGenerator(read_config(step), restore_generator(step).variables, step)


def _advice(path: Path) -> str:
    """Returns a sentence on a file or folder that is no checkpoint; '' if there is none."""
    if path.suffix in (".onnx", ".stablehlo"):
        return "Exported generators are loaded by pix2pix_flax.inference.exported.load_exported."
    runs = sorted(found.parent.name for found in path.glob("*/checkpoints"))
    return f"It holds the runs {', '.join(runs)}: name one of them." if runs else ""


def is_shipped(generator: TrainedGenerator) -> bool:
    """Returns whether a generator is a file of this package."""
    return generator.origin.parent == FOLDER


def started_from(checkpoint: str | Path, state: TrainState) -> TrainState:
    """Returns a state with a trained generator, also as its average, and all else unchanged.

    A U-Net may also be narrower than the one of the state: it grows (`pretrained/growth.py`).

    Args:
      checkpoint: an argument of `load_generator`.
      state: the state at step 0.

    Raises:
      CheckpointError: the checkpoint is missing, damaged, or of another network.
      GeneratorFileError: the file holds no generator, or is damaged.
    """
    trained = load_generator(checkpoint)
    wanted = state.nets["gen"].variables
    variables = trained.variables
    if trained.config.generator.name == "unet" and can_grow(variables, wanted):
        variables = grown(variables, wanted, trained.config.generator.depth)
    problems = differences(variables, wanted, False)
    if problems:
        raise CheckpointError(
            f"config.init_from: {trained.origin} holds another network: {problems[0]}."
        )
    nets = dict(state.nets)
    for name in nets.keys() & {"gen", "gen_ema"}:
        copies = jax.tree.map(jnp.array, variables)  # donated buffers are not shared
        params = copies.pop("params")
        nets[name] = nets[name].replace(params=params, model_state=copies)
    return state.replace(nets=nets)


def to_safetensors(generator: TrainedGenerator, dtype: str = "float32") -> bytes:
    """Returns the file of a generator; arrays are named `params/down0/kernel`.

    Args:
      generator: the generator; it computes in float32 again after it is read.
      dtype: dtype of the arrays in the file, `float32` or `float16`.
    """
    arrays = flatten_dict(generator.variables, sep="/")
    arrays = {name: np.asarray(array, dtype, order="C") for name, array in arrays.items()}
    return safetensors.numpy.save(arrays, metadata={METADATA: describe(generator.config)})


def describe(config: ml_collections.ConfigDict) -> str:
    """Returns a configuration as JSON, without its paths: the dataset's, the start's, VGG19's."""
    values = config.to_dict()
    # Paths of this machine are of no use on another machine, and may be private.
    values["data"]["data_dir"] = values["init_from"] = None
    if "perceptual" in values:
        values["perceptual"]["vgg19_file"] = ""
    return json.dumps(values, sort_keys=True)


def _load_file(path: Path) -> TrainedGenerator:
    generator = TrainedGenerator(*_read(path), path)
    try:
        task = generator.task
        wanted = jax.eval_shape(
            lambda key: task.module.init(key, task.network_input(), train=False),
            jax.random.key(0),
        )
    except Exception as error:  # Another version may have written the configuration.
        raise GeneratorFileError(
            f"{path} has an unknown configuration: {one_line(error)}"
        ) from error
    problems = differences(generator.variables, wanted, False)
    if problems:
        raise GeneratorFileError(f"{path} holds weights of another network: {problems[0]}.")
    return generator


def _single(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if array.dtype == np.float16 else array


_MAX_HEADER = 2**22  # bytes; the header of a network with 16 blocks has 11,000
_MAX_COUNTS = {"blocks": 128, "depth": 16}
_MAX_NUMBER = 2**13  # of any other number in the configuration of a generator


def _read(path: Path) -> tuple[ml_collections.ConfigDict, dict[str, Any]]:
    try:
        with open(path, "rb") as file:
            if int.from_bytes(file.read(8), "little") > _MAX_HEADER:
                raise ValueError(f"its header has more than {_MAX_HEADER} bytes")
        with safetensors.safe_open(path, framework="numpy") as file:
            config = json.loads(file.metadata()[METADATA])
            arrays = {name: _single(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
        refuse_not_finite(arrays)
        config = migrations.complete(config)
        _refuse_giants(config.generator)
        return config, unflatten_dict(arrays, sep="/")
    except Exception as error:  # Damaged bytes raise nearly any type.
        raise GeneratorFileError(f"{path} is not a generator's file: {one_line(error)}") from error


def _refuse_giants(generator: ml_collections.ConfigDict) -> None:
    """Raises a ValueError for a network that would take hours or all memory to put together."""
    for key, value in generator.items():
        largest = _MAX_COUNTS.get(key, _MAX_NUMBER)
        if isinstance(value, int | float) and not abs(value) <= largest:
            raise ValueError(f"config.generator.{key} is {value}, more than {largest}")
