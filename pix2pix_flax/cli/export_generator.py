"""Exports a trained generator for other runtimes, and checks the file on photographs.

    python scripts/export_generator.py --checkpoint=DIR --format=onnx --output=FILE.onnx

docs/export.md explains the formats. If the results of the file and of the network differ by more
than one grey level, the file is removed and the exit code is 1.
"""

from absl import flags

from pix2pix_flax.cli import checkpoint_flag
from pix2pix_flax.cli.checkpoint_flag import CHECKPOINT
from pix2pix_flax.cli.paths import PATH

REQUIRED = ("checkpoint", "format", "output")
flags.adopt_module_key_flags(checkpoint_flag)
_FORMAT = flags.DEFINE_enum(
    "format",
    None,
    ["stablehlo", "onnx", "safetensors", "pytorch"],
    "Format of the file; pytorch: the names that spandrel, ComfyUI and chaiNNer know.",
)
_OUTPUT = flags.DEFINE(
    PATH,
    "output",
    None,
    "File to write; its name ends in .FORMAT, or in .safetensors for the format pytorch.",
)
_STYLE = flags.DEFINE_string(
    "style", None, "Style that the file draws; only for a network with several styles."
)
_HALF = flags.DEFINE_bool(
    "half", False, "Store the weights of a safetensors file in float16, in half as many bytes."
)
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace the output if it exists.")


def main(argv: list[str]) -> None:
    """Exports the checkpoint to the file that the flags name."""
    del argv
    # Imported here, so that a wrong flag fails at once, before JAX takes seconds to load.
    import jax

    from cartoon_tfds.images import read_image
    from cartoon_tfds.sources.packaged import iter_packaged
    from pix2pix_flax.export.exporter import export_generator

    # On the CPU, because a GPU multiplies in TF32 by default, and results would differ by more.
    jax.config.update("jax_platforms", "cpu")
    photographs = [read_image(photo.data) for photo in iter_packaged()]
    print(
        export_generator(
            CHECKPOINT.value,
            _FORMAT.value,
            _OUTPUT.value,
            photographs,
            style=_STYLE.value,
            half=_HALF.value,
            overwrite=_OVERWRITE.value,
        )
    )
