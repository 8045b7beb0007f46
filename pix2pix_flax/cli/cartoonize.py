"""Draws pictures and clips as cartoons.

    pix2pix-flax cartoonize photo.jpg                       # writes photo-cartoon.jpg beside it
    pix2pix-flax cartoonize holiday/ clip.mp4 --output=cartoons/
    pix2pix-flax cartoonize photo.jpg --checkpoint=opencv:watercolour

Each argument is a picture, a folder of pictures, a quoted pattern or a clip; an animated GIF is a
clip. A picture keeps its format; in the folder --output, pictures are written as PNG.
Clips are drawn steadily, by blending along the motion, and keep their audio.
"""

import sys
from pathlib import Path

from absl import flags

from cartoon_tfds.errors import UserError, one_line
from cartoon_tfds.images import PICTURE_SUFFIXES, UNREAD_SUFFIXES, WRITABLE_SUFFIXES, pages_of
from pix2pix_flax.cli import checkpoint_flag, part_flags, translation_flags
from pix2pix_flax.cli.paths import PATH
from pix2pix_flax.inference.images.naming import CLIP_SUFFIXES
from pix2pix_flax.inference.translator import Translator

REQUIRED = ()
WORDS_FLAG = "input"
flags.adopt_module_key_flags(translation_flags)
flags.adopt_module_key_flags(part_flags)
flags.set_default(checkpoint_flag.CHECKPOINT, "lite")
_INPUT = flags.DEFINE_multi(
    PATH,
    flags.ArgumentSerializer(),
    "input",
    None,
    "Picture, folder, quoted pattern or clip; also without --input",
)
_OUTPUT = flags.DEFINE(
    PATH,
    "output",
    None,
    "Folder to write to; or a file, for one picture or clip; by default beside each of them.",
)
_QUALITY = flags.DEFINE_integer(
    "quality", 92, "Quality of JPEG and WebP.", lower_bound=1, upper_bound=100
)
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace files that exist.")


def main(argv: list[str]) -> int:
    """Draws what the flags name; returns 1 if a picture or a clip failed."""
    del argv
    sources = _INPUT.value
    if not sources:
        raise UserError("name a picture, a folder or a clip: pix2pix-flax cartoonize photo.jpg")
    last = Path(sources[-1])
    if len(sources) > 1 and last.suffix.lower() in WRITABLE_SUFFIXES and not last.exists():
        raise UserError(f"{last}: no such picture; the result is named by --output={last}")
    clips = [source for source in sources if _is_clip(Path(source))]
    pictures = [source for source in sources if source not in clips]
    translate, complete = translation_flags.make_translator(), True
    if pictures:
        # Imported here, so that a wrong flag fails at once.
        from pix2pix_flax.inference.images import translate_images

        report = translate_images(
            translate,
            pictures,
            _OUTPUT.value,
            quality=_QUALITY.value,
            keep_grey=not translate.colours,
            overwrite=_OVERWRITE.value,
        )
        print(report)
        complete = report.complete
    for clip in clips:
        complete &= _draw_clip(translate, clip, _target(clip, many=len(sources) > 1))
    if translate.summary:
        print(translate.summary)
    return 0 if complete else 1


def _draw_clip(translate: Translator, clip: str, target: Path | None) -> bool:
    """Draws a clip; returns whether it succeeded, and else prints why it did not."""
    # Imported here, because pictures need no FFmpeg.
    from pix2pix_flax.inference.video import VideoError, VideoOptions, translate_video
    from pix2pix_flax.inference.video.temporal import TemporalBlend

    options = VideoOptions(
        batch_size=translation_flags.BATCH_SIZE.value,
        overwrite=_OVERWRITE.value,
        start=part_flags.START.value,
        duration=part_flags.DURATION.value,
    )
    try:
        print(translate_video(translate, clip, target, options, blend=TemporalBlend()))
    except VideoError as error:
        is_clip = Path(clip).suffix.lower() in CLIP_SUFFIXES | {".gif"}
        reason = one_line(error) if is_clip else f"{clip} is neither a picture nor a clip"
        print(f"error: {reason}", file=sys.stderr)
        return False
    return True


def _is_clip(path: Path) -> bool:
    if path.suffix.lower() == ".gif":
        return pages_of(path) > 1
    return path.is_file() and path.suffix.lower() not in PICTURE_SUFFIXES | UNREAD_SUFFIXES


def _target(clip: str, *, many: bool) -> Path | None:
    """Returns the file of a clip's result; None: beside the clip."""
    if _OUTPUT.value is None:
        return None
    output = Path(_OUTPUT.value)
    if output.suffix and not output.is_dir() and not many:
        return output
    return output / Path(clip).with_suffix(".mp4").name
