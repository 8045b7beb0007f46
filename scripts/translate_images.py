"""Translates pictures with a trained network.

    python scripts/translate_images.py --checkpoint=DIR --input=PATH --output=DIR

PATH is a picture, a folder or a quoted pattern; --input may be repeated.
"""

from absl import flags

from pix2pix_flax import command_line

_CHECKPOINT = flags.DEFINE_string("checkpoint", None, "Folder of a training run.", required=True)
_INPUT = flags.DEFINE_multi_string(
    "input", None, "Picture, folder or quoted pattern; may be repeated.", required=True
)
_OUTPUT = flags.DEFINE_string("output", None, "Folder for the PNG files.", required=True)
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace pictures that are there already.")


def main(argv: list[str]) -> int:
    """Translates what the flags name; returns 1 where a picture was left out."""
    del argv
    # Imported here: a wrong flag is told at once, not after the seconds that JAX takes to load.
    from pix2pix_flax.inference.images import translate_images
    from pix2pix_flax.inference.predictor import load_predictor

    predict = load_predictor(_CHECKPOINT.value)
    report = translate_images(predict, _INPUT.value, _OUTPUT.value, overwrite=_OVERWRITE.value)
    print(report)
    return 0 if report.complete else 1


if __name__ == "__main__":
    command_line.run(main)
