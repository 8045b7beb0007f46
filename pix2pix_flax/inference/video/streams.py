"""Chooses the streams of a file to translate or to copy, and names the others."""

import re
from pathlib import Path
from typing import NamedTuple

import av

from pix2pix_flax.inference.video.info import VideoError, to_seconds

MAX_PIXELS = 2**26
"""Frames with more pixels are refused. It is about twice 8K, 200 MB as RGB."""

_PREVIEWS = (
    av.stream.Disposition.attached_pic
    | av.stream.Disposition.timed_thumbnails
    | av.stream.Disposition.still_image
)
_PREVIEW = 0.1  # seconds: shorter streams are no film beside others


class Streams(NamedTuple):
    """The chosen streams.

    Attributes:
      video: the film.
      audio: all audio streams that FFmpeg knows.
      left_out: one text for each other stream of pictures, sound or subtitles.
    """

    video: av.VideoStream
    audio: list[av.AudioStream]
    left_out: list[str]


def choose_streams(container: av.container.InputContainer, path: Path) -> Streams:
    """Chooses the film and its audio.

    The film is the default video stream, else the largest and then the longest one. Cover images,
    previews of one frame and streams without a decoder are no film.

    Args:
      container: an open file.
      path: the file, for messages.

    Raises:
      VideoError: the file has no film, or its frames are too large.
    """
    videos = [s for s in container.streams.video if s.codec_context]
    films = [s for s in videos if not s.disposition & _PREVIEWS]
    if not films:
        raise VideoError(f"{path}: the file has no video stream{_reason(container)}")
    video = max(films, key=_rank)
    audio = [s for s in container.streams.audio if s.codec_context]
    if video.width * video.height > MAX_PIXELS:
        raise VideoError(f"{path}: frames of {video.width}x{video.height} are too large")
    video.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    video.thread_type = "AUTO"
    chosen = {video.index, *(s.index for s in audio)}
    named = ("video", "audio", "subtitle")
    others = [s for s in container.streams if s.type in named and s.index not in chosen]
    return Streams(video, audio, [_describe(container, stream) for stream in others])


def _rank(stream: av.VideoStream) -> tuple[bool, bool, int, float]:
    is_default = bool(stream.disposition & av.stream.Disposition.default)
    seconds = (stream.duration or 0) * (stream.time_base or 0)
    # Matroska has a tag.
    seconds = float(seconds or to_seconds(stream.metadata.get("DURATION", "")) or 0)
    is_preview = stream.frames == 1 or 0 < seconds <= _PREVIEW
    # Of equal streams `max` returns the first.
    return not is_preview, is_default, stream.width * stream.height, seconds


def _reason(container: av.container.InputContainer) -> str:
    unknown = [_describe(container, s) for s in container.streams.video if not s.codec_context]
    return f" that FFmpeg can decode: {', '.join(unknown)}" if unknown else ""


def _describe(container: av.container.InputContainer, stream: av.stream.Stream) -> str:
    context = stream.codec_context
    codec = context.name if context else f"unknown codec {_tag(container, stream)}".rstrip()
    kind = "cover image" if stream.disposition & _PREVIEWS else stream.type
    return f"stream {stream.index} ({kind}, {codec})"


def _tag(container: av.container.InputContainer, stream: av.stream.Stream) -> str:
    """Returns the codec's four letters in the file, e.g. 'apac'; empty if it has none.

    PyAV tells them of known codecs only; FFmpeg's description has them all.
    """
    level = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)
    try:
        text = container.dumps_format()
    finally:
        av.logging.set_level(level)
    found = re.search(rf"Stream #0:{stream.index}\b.*?: none \((\w{{4}}) /", text)
    return found[1] if found else ""
