"""Files that are no videos, broken ones, and those that mean harm."""

import http.server
import os
import threading
from pathlib import Path

import av
import pytest

from pix2pix_flax.inference.video import VideoError, streams
from tests.pix2pix_flax.inference.video.clips import (
    assert_alike,
    decode,
    invert,
    keep,
    make_clip,
    pan,
    tone,
    translate,
)

pytestmark = pytest.mark.usefixtures("nothing_is_left")


def make_text(path):
    path.write_text("just a text file, whatever it is called\n" * 100)


def make_empty(path):
    path.write_bytes(b"")


def make_without_moov(path):
    data = make_clip(path).read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])


def make_audio_only(path):
    with av.open(str(path), "w") as container:
        for packet in tone(container.add_stream("aac", rate=8000, layout="mono")):
            container.mux(packet)


def make_undecodable(path):
    data = make_clip(path).read_bytes()
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    path.write_bytes(data[:start] + bytes(end - start) + data[end:])


@pytest.mark.parametrize(
    "make",
    [make_text, make_empty, make_without_moov, make_audio_only, make_undecodable, Path.mkdir],
)
def test_what_is_no_video_is_one_clear_line(tmp_path, make):
    source = tmp_path / "in.mp4"
    make(source)
    with pytest.raises(VideoError, match=r"in\.mp4: [^\n]+$") as caught:
        translate(keep, source, tmp_path / "out.mp4")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("out*"))


def test_frames_that_are_too_large_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "MAX_PIXELS", 128 * 96 - 1)
    source = make_clip(tmp_path / "in.mp4", pan(2))
    with pytest.raises(VideoError, match="128x96 are too large"):
        translate(keep, source, tmp_path / "out.mp4")


def test_missing_files_are_named(tmp_path):
    with pytest.raises(VideoError, match=r"none\.mp4: no such file"):
        translate(keep, tmp_path / "none.mp4", tmp_path / "out.mp4")
    with pytest.raises(VideoError, match="is a folder, not a clip"):
        translate(keep, tmp_path, tmp_path / "out.mp4")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_truncated_file_is_an_error_and_its_beginning_is_kept(tmp_path, suffix):
    options = {"movflags": "+faststart"} if suffix == ".mp4" else None
    source = make_clip(tmp_path / f"in{suffix}", pan(50), audio=True, options=options)
    data = source.read_bytes()
    source.write_bytes(data[: int(len(data) * 0.65)])
    with pytest.raises(VideoError, match=r"in\.\w+: \w+: \d+ of .* frames could be read") as caught:
        translate(invert, source, tmp_path / "out.mp4")
    assert "out.partial.mp4" in str(caught.value)
    assert not (tmp_path / "out.mp4").exists()
    found = decode(tmp_path / "out.partial.mp4")[0]
    assert 5 < len(found) < 50
    assert_alike(found[:5], 255 - pan(5), 30)


def test_a_clip_without_its_index_is_called_cut(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(10))  # whose index is at the end
    source.write_bytes(source.read_bytes()[:-400])
    with pytest.raises(VideoError, match=r"in\.mp4: the clip is cut off .* copy it again"):
        translate(keep, source, tmp_path / "out.mp4")


def test_a_clip_that_may_not_be_read(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise av.error.PermissionError(13, "Permission denied", "in.mp4")

    source = make_clip(tmp_path / "in.mp4", pan(2))
    monkeypatch.setattr(av, "open", refuse)  # root may read everything
    with pytest.raises(VideoError, match=r"in\.mp4: Permission denied$"):
        translate(keep, source, tmp_path / "out.mp4")


def test_packets_that_cannot_be_decoded_are_told(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(30))
    with av.open(str(source)) as container:
        damaged = [packet for packet in container.demux(video=0) if packet.size][12]
    data = bytearray(source.read_bytes())
    data[damaged.pos : damaged.pos + damaged.size] = b"U" * damaged.size
    source.write_bytes(data)
    with pytest.raises(VideoError, match="damaged: 29 of 30 frames could be read"):
        translate(keep, source, tmp_path / "out.mp4")
    assert len(decode(tmp_path / "out.partial.mp4")[0]) == 29


def test_the_beginning_of_a_clip_replaces_no_other_file(tmp_path):
    source = make_clip(tmp_path / "out.partial.mp4", pan(30), options={"movflags": "+faststart"})
    data = source.read_bytes()[: source.stat().st_size * 2 // 3]
    source.write_bytes(data)
    for number in (2, 3):
        with pytest.raises(VideoError, match=rf"frames are in .*/out\.partial-{number}\.mp4"):
            translate(keep, source, tmp_path / "out.mp4")
        assert decode(tmp_path / f"out.partial-{number}.mp4")[0].size
    assert source.read_bytes() == data


@pytest.fixture
def listener():
    """A local HTTP server that remembers what it was asked for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port, asked
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["in.mp4", "in.m3u8", "in.ffconcat", "in.sdp"])
@pytest.mark.parametrize("kind", ["ffconcat", "m3u8", "m3u8-http", "sdp"])
def test_hostile_media_is_refused_and_nothing_is_requested(tmp_path, listener, name, kind):
    port, asked = listener
    canary = make_clip(tmp_path / "canary.mp4", pan(2))
    playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
    source = tmp_path / name
    source.write_text(
        {
            "ffconcat": f"ffconcat version 1.0\nfile '{canary.name}'\n",
            "m3u8": playlist.format(canary),
            "m3u8-http": playlist.format(f"http://127.0.0.1:{port}/a.ts"),
            "sdp": f"v=0\nc=IN IP4 127.0.0.1\nm=video {port} RTP/AVP 96\n",
        }[kind]
    )
    with pytest.raises(VideoError, match="not a video that can be read"):
        translate(keep, source, tmp_path / "out.mp4")
    assert asked == []


def test_addresses_are_not_opened(tmp_path, listener, monkeypatch):
    port, asked = listener
    make_clip(tmp_path / "canary.mp4", pan(2))
    monkeypatch.chdir(tmp_path)
    for address in (f"http://127.0.0.1:{port}/a.mp4", "concat:canary.mp4", "file:canary.mp4"):
        with pytest.raises(VideoError, match="no such file"):
            translate(keep, address, "out.mp4")
    # A file of such a name is a file.
    os.rename("canary.mp4", "concat:canary.mp4")
    assert translate(keep, "concat:canary.mp4", "subfile:out.mp4").frames == 2
    assert asked == []
