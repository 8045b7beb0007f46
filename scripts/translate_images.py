"""Translates pictures with a trained network, or with a style of OpenCV.

    python scripts/translate_images.py --checkpoint=DIR --input=PATH --output=DIR

PATH is a picture, a folder or a quoted pattern; --input may be repeated. Pictures that do not fit
into memory are cut into tiles automatically. With --tile, every picture larger than a tile is cut.
--checkpoint=opencv:ink draws in the style `ink` without a network; the other styles are in
docs/styles.md.
"""

from absl import flags

from pix2pix_flax.cli import command, translation_flags

_INPUT = flags.DEFINE_multi_string(
    "input", None, "Picture, folder or quoted pattern; may be repeated."
)
_OUTPUT = flags.DEFINE_string("output", None, "Folder to write the PNG files to.")
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace pictures that exist.")
_KEEP_GREY = flags.DEFINE_bool(
    "keep_grey",
    None,
    "Keep grey pictures grey; the default is true, but false if the network adds colours.",
)


def main(argv: list[str]) -> int:
    """Translates the pictures that the flags name; returns 1 if one was left out."""
    del argv
    # Imported here, so that a wrong flag fails at once.
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
