"""Translates pictures with a trained network, or with a style of OpenCV.

    python scripts/translate_images.py --checkpoint=DIR --input=PATH --output=DIR
    python scripts/translate_images.py --checkpoint=lite --input=photo.jpg --output=cartoon.png

PATH is a picture, a folder or a quoted pattern; --input may be repeated. Without --output the
result lies beside its source: photo-cartoon.jpg. Pictures that do not fit into memory are cut into
tiles automatically. With --tile, every picture larger than a tile is cut. --checkpoint=opencv:ink
draws in the style `ink` without a network; the other styles are in docs/styles.md.
"""

from absl import flags

from pix2pix_flax.cli import translation_flags
from pix2pix_flax.cli.paths import PATH

REQUIRED = ("checkpoint", "input")
WORDS_FLAG = "input"
flags.adopt_module_key_flags(translation_flags)
_INPUT = flags.DEFINE_multi(
    PATH,
    flags.ArgumentSerializer(),
    "input",
    None,
    "Picture, folder or quoted pattern; also without --input",
)
_OUTPUT = flags.DEFINE(
    PATH,
    "output",
    None,
    "Folder to write to; or for one picture a file that ends in .png, .jpg or .webp; by default "
    "beside each picture.",
)
_FORMAT = flags.DEFINE_enum(
    "format", None, ["png", "jpg", "webp"], "Format of the pictures in the output folder."
)
_QUALITY = flags.DEFINE_integer(
    "quality", 92, "Quality of JPEG and WebP.", lower_bound=1, upper_bound=100
)
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace pictures that exist.")
_HINTS = flags.DEFINE(
    PATH,
    "hints",
    None,
    "PNG file of the picture's size whose opaque pixels are the wished colours, for a network that "
    "was trained with hints (docs/comics.md).",
)
_REFERENCE = flags.DEFINE(
    PATH,
    "reference",
    None,
    "Coloured picture, such as a panel of the same page, whose colours go to the places that look "
    "alike, for a network that was trained with hints; needs the extra lpips.",
)
_KEEP_GREY = flags.DEFINE_bool(
    "keep_grey",
    None,
    "Keep grey pictures grey; the default is true, but false if the network adds colours.",
)
_COMPARE = flags.DEFINE_bool(
    "compare",
    False,
    "For large pictures and a network that enlarges: reduce each picture, enlarge it again, write "
    "low | SR | high, and print a table of PSNR, SSIM and LPIPS.",
)


def main(argv: list[str]) -> int:
    """Translates the pictures that the flags name; returns 1 if one failed."""
    del argv
    # Imported here, so that a wrong flag fails at once.
    from pix2pix_flax.inference.images import translate_images

    translate = translation_flags.make_translator(_HINTS.value, _REFERENCE.value)
    comparison = None
    if _COMPARE.value:
        from pix2pix_flax.inference.images.compare import Comparison

        comparison = Comparison(translate)
    report = translate_images(
        translate,
        _INPUT.value,
        _OUTPUT.value,
        suffix=_FORMAT.value and f".{_FORMAT.value}",
        quality=_QUALITY.value,
        keep_grey=not translate.colours if _KEEP_GREY.value is None else _KEEP_GREY.value,
        overwrite=_OVERWRITE.value,
        compare=comparison,
    )
    print(report)
    if comparison and comparison.scores:
        print(comparison)
    if translate.summary:
        print(translate.summary)
    return 0 if report.complete else 1
