"""The flags of every script that translates, and what they ask for.

JAX is imported by the engine that needs it, and when it is made: a wrong flag is told at once.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from absl import flags

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


@dataclasses.dataclass(frozen=True)
class Translator:
    """A network together with the strength and the size that its pictures are wanted in.

    Attributes:
      network: uint8 RGB [B, H, W, 3] -> uint8 RGB [B, sH, sW, 3].
      outscale: Of the result over the input, whatever s is; None for s.
      strength: 0..1, the share of the network's picture in a mixture with the input, level by
        level, as `cartoon_tfds.styles.cartoonize` has it: 0 is the input and 1 the network's, bit
        for bit.
    """

    network: Callable[[np.ndarray], np.ndarray]
    outscale: float | None = None
    strength: float = 1.0

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Returns the translated pictures, uint8 RGB, for uint8 RGB [B, H, W, 3].

        Raises:
          ValueError: for a strength under 1 of a network that changes the size.
        """
        translated = self._mix(images, self.network(images))
        if self.outscale is None:
            return translated
        from pix2pix_flax.inference.images.resizing import resize

        height, width = (max(1, round(self.outscale * side)) for side in images.shape[1:3])
        return resize(translated, height, width)

    def _mix(self, images: np.ndarray, translated: np.ndarray) -> np.ndarray:
        if self.strength == 1:
            return translated
        if translated.shape != images.shape:
            raise ValueError("--strength is for networks that keep the size of a picture")
        levels = images + np.float32(self.strength) * (translated.astype(np.float32) - images)
        return np.rint(levels).astype(np.uint8)

    @property
    def colours(self) -> bool:
        """Whether the network is known to give grey pictures colours of their own."""
        return getattr(self.network, "colours", False)

    @property
    def summary(self) -> str:
        """How pictures were tiled, in one line; empty where none was."""
        return getattr(self.network, "summary", "")


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
