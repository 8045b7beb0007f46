"""The flags of every script that translates, and what they ask for.

JAX is imported by the engine that needs it, and when it is made: a wrong flag is told at once.
"""

from collections.abc import Callable

import numpy as np
from absl import flags

from pix2pix_flax.inference.translator import Translator

_CHECKPOINT = flags.DEFINE_string(
    "checkpoint",
    None,
    "A training run (its best step, else its latest), one of its steps, a .safetensors file, or "
    "the name of a generator that comes with the package, such as lite or lite_x4; for "
    "onnxruntime a .onnx file.",
)
_ENGINE = flags.DEFINE_enum("engine", "jax", ["jax", "onnxruntime"], "What runs the network.")
_TILE = flags.DEFINE_integer(
    "tile",
    0,
    "Side of the tiles in pixels, for pictures of more pixels than a tile; 0: tiles of 512, only "
    "where memory does not suffice for whole pictures.",
    lower_bound=0,
)
_HALO = flags.DEFINE_string(
    "halo",
    None,
    "What tiles overlap by at each side: pixels, or 'exact' for the result of whole pictures; by "
    "default the least that is within 1/255 of it, measured on the first picture.",
)
BATCH_SIZE = flags.DEFINE_integer("batch_size", 4, "Frames or tiles per step.", lower_bound=1)
_STYLE = flags.DEFINE_string(
    "style", None, "What to draw in, of a network of several styles; by default its first choice."
)
_STRENGTH = flags.DEFINE_float(
    "strength",
    1.0,
    "From 0, the picture itself, to 1, all that the network makes of it.",
    lower_bound=0.0,
    upper_bound=1.0,
)
_OUTSCALE = flags.DEFINE_float(
    "outscale",
    None,
    "Size of the result over that of the input, such as 2 or 0.5; by default the network's own.",
    lower_bound=0.01,
)

flags.register_validator(
    "halo",
    lambda halo: halo in (None, "exact") or halo.isdecimal(),
    message="has to be 'exact' or a number of pixels",
)


def make_translator() -> Translator:
    """Returns what the flags ask for.

    Raises:
      ValueError: The checkpoint cannot be used, or the engine lacks what is asked for; one line.
    """
    make = {"jax": _jax_network, "onnxruntime": _onnx_network}[_ENGINE.value]
    return Translator(make(_CHECKPOINT.value), _OUTSCALE.value, _STRENGTH.value)


def _jax_network(checkpoint: str) -> Callable[[np.ndarray], np.ndarray]:
    from pix2pix_flax.inference.predictor import load_predictor
    from pix2pix_flax.inference.tiling.tiled_predictor import TiledPredictor

    halo = int(_HALO.value) if _HALO.value and _HALO.value.isdecimal() else _HALO.value
    network = load_predictor(checkpoint, style=_STYLE.value)
    return TiledPredictor(
        network, tile=_TILE.value, halo=halo, batch_size=BATCH_SIZE.value, progress=True
    )


def _onnx_network(checkpoint: str) -> Callable[[np.ndarray], np.ndarray]:
    from pix2pix_flax.inference.exported import load_exported

    if _TILE.value or _HALO.value:
        raise ValueError("--engine=onnxruntime has no tiles: leave out --tile and --halo")
    if _STYLE.value:
        raise ValueError("an .onnx file has one style, that of its export: leave out --style")
    if not checkpoint.endswith(".onnx"):
        raise ValueError(
            f"--engine=onnxruntime runs .onnx files (scripts/export_generator.py), not {checkpoint}"
        )
    return load_exported(checkpoint)
