"""Draws pictures and clips as cartoons.

    pix2pix-flax cartoonize photo.jpg                       # writes photo-cartoon.jpg beside it
    pix2pix-flax cartoonize holiday/ clip.mp4 --output=cartoons/
    pix2pix-flax cartoonize photo.jpg --checkpoint=opencv:watercolour

Each argument is a picture, a folder of pictures, a quoted pattern or a clip; an animated GIF is a
clip, and the content tells of files with an unknown suffix. A picture keeps its format; in the
folder --output, pictures are written as PNG. Clips are drawn steadily, by blending along the
motion, and keep their audio.
"""

import os
import sys
from pathlib import Path

from absl import flags

from cartoon_tfds.errors import UserError, one_line
from cartoon_tfds.files import real_path
from cartoon_tfds.images import PICTURE_SUFFIXES, UNREAD_SUFFIXES, WRITABLE_SUFFIXES
from cartoon_tfds.images.opening import UnknownFormatError, count_pages, open_header
from pix2pix_flax.cli import checkpoint_flag, part_flags, translation_flags
from pix2pix_flax.cli.paths import PATH
from pix2pix_flax.inference.beside import LABEL, files_beside, files_in, is_folder, left_out
from pix2pix_flax.inference.images.naming import CLIP_SUFFIXES, matches
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
    if len(sources) > 1 and last.suffix.lower() in WRITABLE_SUFFIXES and not os.path.lexists(last):
        raise UserError(f"{last}: no such picture; the result is named by --output={last}")
    pictures, clips = _pictures_and_clips(sources)
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
    if clips:
        complete &= _draw_clips(translate, clips, many=len(pictures + clips) > 1)
    if translate.summary:
        print(translate.summary)
    return 0 if complete else 1


def _pictures_and_clips(sources: list[str]) -> tuple[list[str], list[str]]:
    """Returns files, folders and patterns of pictures, and the files of clips."""
    pictures, clips = [], []
    for given in sources:
        found = matches(given, _OUTPUT.value)
        films = [name for name in found if _is_clip(Path(name))]
        pictures += [name for name in found if name not in films] if films else [given]
        # A second run would draw the results of the first.
        is_pattern, beside = found != [given], _OUTPUT.value is None
        own = [name for name in films if is_pattern and beside and Path(name).stem.endswith(LABEL)]
        if own:
            print(left_out(map(Path, own)))
        clips += [name for name in films if name not in own]
    return pictures, clips


def _draw_clips(translate: Translator, names: list[str], *, many: bool) -> bool:
    """Draws each clip once; returns whether all succeeded."""
    clips = {real_path(name): Path(name) for name in names}
    complete = True
    for clip, target in zip(clips.values(), _targets([*clips.values()], many=many), strict=True):
        if real_path(target) in clips:
            print(f"error: {clip}: {target} is one of the inputs", file=sys.stderr)
            complete = False
        else:
            complete &= _draw_clip(translate, clip, target)
    return complete


def _draw_clip(translate: Translator, clip: Path, target: Path) -> bool:
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
    # With ./ a name such as ~a.mp4 is not taken for a home folder; a Path would have lost it.
    source, destination = (os.path.join(os.curdir, path) for path in (clip, target))
    try:
        print(translate_video(translate, source, destination, options, blend=TemporalBlend()))
    except VideoError as error:
        is_clip = clip.suffix.lower() in CLIP_SUFFIXES or _can_be_opened(clip)
        reason = one_line(error) if is_clip else f"{clip} is neither a picture nor a clip"
        print(f"error: {reason}", file=sys.stderr)
        return False
    return True


def _can_be_opened(clip: Path) -> bool:
    """Returns whether a file is a container of pictures or sound, even if nothing can be drawn."""
    from pix2pix_flax.inference.video import VideoError
    from pix2pix_flax.inference.video.container import VideoFile
    from pix2pix_flax.inference.video.info import UnknownContainerError

    try:
        VideoFile(clip).close()
    except VideoError as error:
        return not isinstance(error, UnknownContainerError)
    return True


def _targets(clips: list[Path], *, many: bool) -> list[Path]:
    """Returns the file of each clip's result; no two clips share one."""
    from pix2pix_flax.inference.video import VideoOptions
    from pix2pix_flax.inference.video.codecs import CODECS

    output = _OUTPUT.value
    if output is None:
        return files_beside(clips, CODECS[VideoOptions().codec].suffixes, ".mp4")
    if many or is_folder(output) or not Path(output).suffix:
        return files_in(Path(output), [Path(clip.name) for clip in clips], ".mp4")
    return [Path(output)]


def _is_clip(path: Path) -> bool:
    """Returns whether a file is a clip, by its suffix or else by its content."""
    suffix = path.suffix.lower()
    if not path.is_file() or suffix in (PICTURE_SUFFIXES | UNREAD_SUFFIXES) - {".gif"}:
        return False
    return suffix in CLIP_SUFFIXES or _is_film(path)


def _is_film(path: Path) -> bool:
    """Returns whether the content of a file is an animated GIF, or no picture at all."""
    try:
        with path.open("rb") as stream, open_header(stream) as picture:
            return picture.format == "GIF" and count_pages(picture) > 1
    except UnknownFormatError:
        return path.stat().st_size > 0
    except Exception:  # Readers raise almost anything; the reader of pictures tells the reason.
        return False
