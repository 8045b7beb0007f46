"""Exports a trained generator for other runtimes, and checks the file on photographs.

    python scripts/export_generator.py --checkpoint=DIR --format=onnx --output=FILE.onnx
    python scripts/export_generator.py --checkpoint=DIR --format=hub --output=FOLDER

docs/export.md explains the formats. If the results of the file and of the network differ by more
than one grey level, the file is removed and the exit code is 1.
"""

from pathlib import Path

from absl import flags

from cartoon_tfds.errors import UserError
from pix2pix_flax.cli import checkpoint_flag
from pix2pix_flax.cli.checkpoint_flag import CHECKPOINT
from pix2pix_flax.cli.paths import PATH

REQUIRED = ("checkpoint", "format", "output")
flags.adopt_module_key_flags(checkpoint_flag)
_FORMAT = flags.DEFINE_enum(
    "format",
    None,
    ["stablehlo", "onnx", "safetensors", "pytorch", "hub"],
    "Format of the file; pytorch: the names that spandrel, ComfyUI and chaiNNer know; hub: a "
    "folder with a model card, as the Hugging Face Hub takes it.",
)
_OUTPUT = flags.DEFINE(
    PATH,
    "output",
    None,
    "File to write; its name ends in .FORMAT, or in .safetensors for the format pytorch. For hub: "
    "folder to write.",
)
_STYLE = flags.DEFINE_string(
    "style", None, "Style that the file draws; only for a network with several styles."
)
_HALF = flags.DEFINE_bool(
    "half", False, "Store the weights of a safetensors file in float16, in half as many bytes."
)
_LICENCE = flags.DEFINE_string(
    "license", None, "Licence of the weights for hub, by the Hub's name, such as cc-by-4.0."
)
_SCORES = flags.DEFINE(
    PATH, "scores", None, "JSON file of pix2pix-flax evaluate, whose scores the card of hub gets."
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
    from pix2pix_flax.export.hub import export_to_hub

    # On the CPU, because a GPU multiplies in TF32 by default, and results would differ by more.
    jax.config.update("jax_platforms", "cpu")
    photographs = [read_image(photo.data) for photo in iter_packaged(extra="export")]
    options = {"style": _STYLE.value, "half": _HALF.value, "overwrite": _OVERWRITE.value}
    if _FORMAT.value == "hub":
        options |= {"licence": _LICENCE.value, "scores": _SCORES.value and Path(_SCORES.value)}
        print(export_to_hub(CHECKPOINT.value, Path(_OUTPUT.value), photographs, **options))
        return
    for flag in (_LICENCE, _SCORES):
        if flag.value:
            raise UserError(f"--{flag.name} is for the card of --format=hub; leave it out")
    print(export_generator(CHECKPOINT.value, _FORMAT.value, _OUTPUT.value, photographs, **options))
