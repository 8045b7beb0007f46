"""Files with several streams, some of which FFmpeg does not know."""

import av
import numpy as np
import pytest

from pix2pix_flax.inference.video import VideoError
from tests.pix2pix_flax.inference.video.clips import (
    assert_alike,
    audio_packets,
    decode,
    keep,
    pan,
    tone,
    translate,
)

pytestmark = pytest.mark.usefixtures("nothing_is_left")

DEFAULT, COVER = av.stream.Disposition.default, av.stream.Disposition.attached_pic


def make_streams(path, films, sounds=0, title=""):
    """Writes films, tuples of (images, codec, disposition), and `sounds` tones."""
    with av.open(str(path), "w") as container:
        container.metadata["title"] = title
        videos = []
        for images, codec, disposition in films:
            stream = container.add_stream(codec, rate=25)
            stream.height, stream.width = images.shape[1:3]
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.disposition = disposition
            videos.append(stream)
        heard = [container.add_stream("aac", rate=8000, layout="mono") for _ in range(sounds)]
        for (images, _, _), stream in zip(films, videos, strict=True):
            for image in images:
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image))
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        for stream in heard:
            container.mux(tone(stream))
    return path


def hide(path, *, track, names):
    """Renames a track's codec in a MOV file, so that FFmpeg does not know it."""
    data = path.read_bytes()
    start = -1
    for _ in range(track + 1):
        start = data.index(b"trak", start + 1)
    end = data.find(b"trak", start + 1)
    end = len(data) if end < 0 else end
    inside = data[start:end]
    for name, other in names.items():
        inside = inside.replace(name, other)
    path.write_bytes(data[:start] + inside + data[end:])


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_of_an_unknown_codec_is_left_out_and_named(tmp_path, caplog, suffix):
    source = make_streams(tmp_path / "in.mov", [(pan(5), "libx264", DEFAULT)], sounds=2)
    hide(source, track=2, names={b"mp4a": b"apac", b"esds": b"dapa"})
    translate(keep, source, tmp_path / f"out{suffix}")
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
    sound = [data for _, data in audio_packets(tmp_path / f"out{suffix}")]
    assert sound == [data for _, data in audio_packets(source)]
    assert caplog.messages == [f"{source}: left out: stream 2 (audio, unknown codec apac)"]


def test_only_unknown_sound_gives_a_silent_film(tmp_path, caplog):
    source = make_streams(tmp_path / "in.mov", [(pan(5), "libx264", DEFAULT)], sounds=1)
    hide(source, track=1, names={b"mp4a": b"apac", b"esds": b"dapa"})
    assert translate(keep, source, tmp_path / "out.mp4").frames == 5
    assert "stream 1 (audio, unknown codec apac)" in caplog.text


def test_pictures_of_an_unknown_codec_are_left_out_where_others_are_known(tmp_path, caplog):
    films = [(pan(5), "libx264", DEFAULT), (pan(7, 64, 96), "libx264", DEFAULT)]
    source = make_streams(tmp_path / "in.mov", films)
    hide(source, track=0, names={b"avc1": b"zzzz"})
    translate(keep, source, tmp_path / "out.mp4")
    assert_alike(decode(tmp_path / "out.mp4")[0], pan(7, 64, 96), 28)
    assert caplog.messages == [f"{source}: left out: stream 0 (video, unknown codec zzzz)"]


def test_only_pictures_of_an_unknown_codec_are_named(tmp_path):
    source = make_streams(tmp_path / "in.mov", [(pan(5), "libx264", DEFAULT)], sounds=1)
    hide(source, track=0, names={b"avc1": b"zzzz"})
    with pytest.raises(VideoError, match=r"can decode: stream 0 \(video, unknown codec zzzz\)$"):
        translate(keep, source, tmp_path / "out.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mov"]


@pytest.mark.parametrize(
    ("films", "film"),
    [
        ([(pan(6, 64, 96), "libx264", 0), (pan(6), "libx264", 0)], 1),  # the largest
        ([(pan(4), "libx264", 0), (pan(6), "libx264", 0)], 1),  # the longest
        ([(pan(6), "libx264", 0), (pan(6, 64, 96), "libx264", DEFAULT)], 1),
        ([(pan(1), "mjpeg", DEFAULT), (pan(6, 64, 96), "libx264", 0)], 1),  # a preview
        ([(pan(1), "mjpeg", COVER), (pan(6, 64, 96), "libx264", DEFAULT)], 1),
    ],
)
def test_the_film_is_no_preview(tmp_path, caplog, films, film):
    source = make_streams(tmp_path / "in.mkv", films)
    translate(keep, source, tmp_path / "out.mp4")
    assert_alike(decode(tmp_path / "out.mp4")[0], films[film][0], 28)
    (line,) = caplog.messages
    assert f"left out: stream {1 - film} (" in line


@pytest.mark.parametrize("suffix", [".avi", ".mkv", ".mp4"])
def test_titles_that_are_not_utf8_do_not_matter(tmp_path, suffix):
    source = tmp_path / f"in{suffix}"
    make_streams(source, [(pan(5), "mpeg4", DEFAULT)], sounds=1, title="cafXX")
    data = source.read_bytes()
    assert b"cafXX" in data
    source.write_bytes(data.replace(b"cafXX", b"caf\xe9\xff"))
    assert translate(keep, source, tmp_path / "out.mp4").frames == 5
