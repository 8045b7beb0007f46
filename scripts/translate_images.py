"""Translates pictures with a trained network.

    python scripts/translate_images.py --checkpoint=DIR --input=PATH --output=DIR

PATH is a picture, a folder or a quoted pattern; --input may be repeated. Pictures that do not fit
into memory are cut into tiles by themselves; with --tile all that are larger than a tile are.
"""

from absl import flags

from pix2pix_flax.cli import command, translation_flags

_INPUT = flags.DEFINE_multi_string(
    "input", None, "Picture, folder or quoted pattern; may be repeated."
)
_OUTPUT = flags.DEFINE_string("output", None, "Folder for the PNG files.")
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace pictures that are there already.")
_KEEP_GREY = flags.DEFINE_bool(
    "keep_grey", None, "Keep grey pictures grey; by default unless the network colours them."
)


def main(argv: list[str]) -> int:
    """Translates what the flags name; returns 1 where a picture was left out."""
    del argv
    # Imported here: a wrong flag is told at once.
    from pix2pix_flax.inference.images import translate_images

    translate = translation_flags.make_translator()
    report = translate_images(
        translate,
        _INPUT.value,
        _OUTPUT.value,
        keep_grey=not translate.colours if _KEEP_GREY.value is None else _KEEP_GREY.value,
        overwrite=_OVERWRITE.value,
    )
    print(report)
    if translate.summary:
        print(translate.summary)
    return 0 if report.complete else 1


if __name__ == "__main__":
    flags.adopt_module_key_flags(translation_flags)
    flags.mark_flags_as_required(["checkpoint", "input", "output"])
    command.run(main)
