"""Exports a trained generator for other runtimes, and checks the file on photographs.

    python scripts/export_generator.py --checkpoint=DIR --format=onnx --output=FILE.onnx

The formats are explained in docs/export.md. A file that differs from the network by more than one
grey level is removed, and the exit code is 1.
"""

from absl import flags

from pix2pix_flax.cli import command

_CHECKPOINT = flags.DEFINE_string(
    "checkpoint",
    None,
    "A training run (its best step, else its latest), one of its steps, a safetensors file, or the "
    "name of a network that comes with the package (lite, lite_x4).",
    required=True,
)
_FORMAT = flags.DEFINE_enum(
    "format", None, ["stablehlo", "onnx", "safetensors"], "What to write.", required=True
)
_OUTPUT = flags.DEFINE_string("output", None, "File that ends in .FORMAT.", required=True)
_STYLE = flags.DEFINE_string(
    "style", None, "What the file draws in, of a network of several styles."
)
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace the output if it is there already.")


def main(argv: list[str]) -> None:
    """Exports what the flags name."""
    del argv
    # Imported here: a wrong flag is told at once, not after the seconds that JAX takes to load.
    import jax

    from cartoon_tfds.images import read_image
    from cartoon_tfds.sources.packaged import iter_packaged
    from pix2pix_flax.export.exporter import export_generator

    # A GPU multiplies in TF32 unless it is told otherwise, which is not what is compared here.
    jax.config.update("jax_platforms", "cpu")
    photographs = [read_image(photo.data) for photo in iter_packaged()]
    print(
        export_generator(
            _CHECKPOINT.value,
            _FORMAT.value,
            _OUTPUT.value,
            photographs,
            style=_STYLE.value,
            overwrite=_OVERWRITE.value,
        )
    )


if __name__ == "__main__":
    command.run(main)
