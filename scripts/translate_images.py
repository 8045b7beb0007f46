"""Translates pictures with a trained network.

    python scripts/translate_images.py --checkpoint=DIR --input=PATH --output=DIR

PATH is a picture, a folder or a quoted pattern; --input may be repeated. Pictures that do not fit
into memory are cut into tiles by themselves; with --tile all that are larger than a tile are.
"""

from absl import flags

from pix2pix_flax import command_line

_CHECKPOINT = flags.DEFINE_string("checkpoint", None, "Folder of a training run.", required=True)
_INPUT = flags.DEFINE_multi_string(
    "input", None, "Picture, folder or quoted pattern; may be repeated.", required=True
)
_OUTPUT = flags.DEFINE_string("output", None, "Folder for the PNG files.", required=True)
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace pictures that are there already.")
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
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 4, "Tiles per step.", lower_bound=1)

flags.register_validator(
    "halo",
    lambda halo: halo in (None, "exact") or halo.isdecimal(),
    message="has to be 'exact' or a number of pixels",
)


def main(argv: list[str]) -> int:
    """Translates what the flags name; returns 1 where a picture was left out."""
    del argv
    # Imported here: a wrong flag is told at once, not after the seconds that JAX takes to load.
    from pix2pix_flax.inference.images import translate_images
    from pix2pix_flax.inference.predictor import load_predictor
    from pix2pix_flax.inference.tiling import TiledPredictor

    halo = int(_HALO.value) if _HALO.value and _HALO.value.isdecimal() else _HALO.value
    predict = TiledPredictor(
        load_predictor(_CHECKPOINT.value),
        tile=_TILE.value,
        halo=halo,
        batch_size=_BATCH_SIZE.value,
    )
    report = translate_images(predict, _INPUT.value, _OUTPUT.value, overwrite=_OVERWRITE.value)
    print(report)
    if predict.summary:
        print(predict.summary)
    return 0 if report.complete else 1


if __name__ == "__main__":
    command_line.run(main)
