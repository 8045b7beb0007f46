"""The flags that all translating scripts share, and the translator that they describe.

JAX is imported only when its engine is made, so that a wrong flag is reported at once.
"""

import contextlib
from collections.abc import Iterator

import numpy as np
from absl import flags

from cartoon_tfds.errors import UserError, choose
from pix2pix_flax.cli import checkpoint_flag
from pix2pix_flax.cli.checkpoint_flag import CHECKPOINT
from pix2pix_flax.cli.finite import Finite
from pix2pix_flax.inference.translator import FunctionNetwork, Network, Translator

flags.adopt_module_key_flags(checkpoint_flag)
_OPENCV = "opencv:"  # begins a --checkpoint that is a style without a network
_ONNX = "onnxruntime on the CPU"
_ENGINE = flags.DEFINE_enum(
    "engine",
    "auto",
    ["auto", "jax", "onnxruntime"],
    "Runtime of the network. auto: onnxruntime for .onnx files and, on CPUs, for the networks that "
    "are shipped with the package; JAX for all others.",
)
_WORKING_SIZE = flags.DEFINE_integer(
    "working_size",
    None,
    "Short side in pixels at which the network draws larger images; its drawing is then enlarged, "
    "with sharp edges if the network draws in layers. 0: their own size, with thin lines; by "
    "default the size of the network's configuration.",
    lower_bound=0,
)
_TILE = flags.DEFINE_integer(
    "tile",
    0,
    "Side of the tiles in pixels; images with more pixels than a tile are tiled. 0: tiles of 512, "
    "only for images that do not fit into memory.",
    lower_bound=0,
)
_HALO = flags.DEFINE_string(
    "halo",
    None,
    "Pixels by which tiles overlap on each side, or 'exact' for the same result as without tiles; "
    "by default the fewest that stay within 1/255 of it, measured on the first tiled image.",
)
BATCH_SIZE = flags.DEFINE_integer("batch_size", 4, "Frames or tiles per step.", lower_bound=1)
_STYLE = flags.DEFINE_string(
    "style", None, "Style, if the network has several; by default the one of its configuration."
)
_STRENGTH = flags.DEFINE(
    Finite(lower_bound=0.0, upper_bound=1.0),
    "strength",
    1.0,
    "Share of the network's output in the result: 0 is the input, 1 the output.",
)
_OUTSCALE = flags.DEFINE(
    Finite(lower_bound=0.01),
    "outscale",
    None,
    "Output size divided by input size, e.g. 2 or 0.5; by default the scale of the network.",
)

flags.register_validator(
    "halo",
    lambda halo: halo in (None, "exact") or halo.isdecimal(),
    message="has to be 'exact' or a number of pixels",
)


def make_translator(hints: str | None = None, reference: str | None = None) -> Translator:
    """Makes the translator that the flags describe.

    Args:
      hints: file of the colour hints; None: no such file.
      reference: coloured picture that gives the hints; None: no such picture.

    Raises:
      UserError: the checkpoint cannot be used, or the engine or the network does not support one of
        the flags.
    """
    engines = {"auto": _fastest_network, "jax": _jax_network, "onnxruntime": _onnx_network}
    make = engines[_ENGINE.value]
    if CHECKPOINT.value.endswith(".onnx"):
        if _ENGINE.value == "jax":
            raise UserError(f"--engine=jax cannot run {CHECKPOINT.value}: leave --engine out")
        make = _onnx_network
    if CHECKPOINT.value.startswith(_OPENCV):
        make = _opencv_style
    network, engine = make(CHECKPOINT.value)
    if hints is not None or reference is not None:
        from pix2pix_flax.inference.hinted import with_hints

        network = with_hints(network, hints, reference)
    return Translator(network, _OUTSCALE.value, _STRENGTH.value, engine)


def _opencv_style(checkpoint: str) -> tuple[Network, str | None]:
    from cartoon_tfds.styles import STYLES, cartoonize

    style = checkpoint.removeprefix(_OPENCV)
    choose(STYLES, f"--checkpoint={_OPENCV}STYLE: STYLE", style)
    given = {
        f"--engine={_ENGINE.value}": _ENGINE.value != "auto",
        **_given_to_jax(),
    }
    if unfit := [flag for flag, is_given in given.items() if is_given]:
        raise UserError(f"--checkpoint={checkpoint} runs no network: leave out {unfit[0]}")
    network = lambda images: np.stack([cartoonize(image, style) for image in images])  # noqa: E731
    return FunctionNetwork(network), None


def _given_to_jax() -> dict[str, bool]:
    """Returns whether each flag is given that only the engine jax has."""
    return {
        "--tile": bool(_TILE.value),
        "--halo": bool(_HALO.value),
        "--style": bool(_STYLE.value),
        "--working_size": _WORKING_SIZE.value is not None,
    }


def _fastest_network(checkpoint: str) -> tuple[Network, str | None]:
    from pix2pix_flax.export.engine import load_on_cpu

    is_possible = not any(_given_to_jax().values())
    network = is_possible and load_on_cpu(checkpoint, lambda: _jax_network(checkpoint)[0])
    if not network:
        return _jax_network(checkpoint)
    return network, _ONNX


def _jax_network(checkpoint: str) -> tuple[Network, str | None]:
    import jax

    from pix2pix_flax.inference.predictor import load_predictor
    from pix2pix_flax.inference.tiling.tiled_predictor import TiledPredictor

    halo = int(_HALO.value) if _HALO.value and _HALO.value.isdecimal() else _HALO.value
    network = load_predictor(checkpoint, style=_STYLE.value, working_size=_WORKING_SIZE.value)
    tiled = TiledPredictor(
        network, tile=_TILE.value, halo=halo, batch_size=BATCH_SIZE.value, progress=True
    )
    return tiled, f"JAX on {jax.devices()[0].device_kind}"


def _onnx_network(checkpoint: str) -> tuple[Network, str | None]:
    from pix2pix_flax.export.engine import load_shipped_onnx
    from pix2pix_flax.inference.exported import ExportedFileError, load_exported
    from pix2pix_flax.pretrained.shipped_files import shipped_file

    if _TILE.value or _HALO.value:
        raise UserError("--engine=onnxruntime has no tiles: leave out --tile and --halo")
    if _STYLE.value:
        raise UserError("an .onnx file has only the style of its export: leave out --style")
    if _WORKING_SIZE.value is not None:
        raise UserError("an .onnx file has the size of its export: leave out --working_size")
    shipped = shipped_file(checkpoint)
    if not shipped and not checkpoint.endswith(".onnx"):
        raise UserError(
            "--engine=onnxruntime runs shipped networks and .onnx files "
            f"(pix2pix-flax export), not {checkpoint}"
        )

    @contextlib.contextmanager
    def told() -> Iterator[None]:
        try:
            yield
        except ExportedFileError as error:  # exported.py does not import UserError
            raise UserError(str(error)) from error

    with told():
        translate = load_shipped_onnx(shipped) if shipped else load_exported(checkpoint)
    return FunctionNetwork(told()(translate)), _ONNX
