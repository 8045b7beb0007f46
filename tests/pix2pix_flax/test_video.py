"""Real video files, made from photographs, through the whole engine."""

import http.server
import os
import signal
import subprocess
import sys
import textwrap
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import skimage.data

import pix2pix_flax
from pix2pix_flax.inference import video_reader
from pix2pix_flax.inference.video import VideoError, translate_video

COFFEE = skimage.data.coffee()
PRIMARIES = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0))


def pan(frames, height=96, width=128):
    """A camera that moves over a photograph, uint8 [frames, height, width, 3]."""
    return np.stack(
        [COFFEE[100 + i : 100 + i + height, 4 * i : 4 * i + width] for i in range(frames)]
    )


def make_clip(
    path,
    images=None,
    *,
    pts=None,
    base=Fraction(1, 25),
    audio=False,
    rotation=None,
    codec="libx264",
    pix_fmt="yuv420p",
    colour=None,
    options=None,
    bframes=2,
    aspect=None,
):
    """Writes images as a video; returns its path."""
    images = pan(12) if images is None else images
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(
            codec, rate=25, options={"crf": "8", "bf": str(bframes)} if "264" in codec else {}
        )
        stream.height, stream.width = images.shape[1:3]
        stream.pix_fmt = pix_fmt
        stream.codec_context.sample_aspect_ratio = aspect or Fraction(1)
        stream.codec_context.time_base = stream.time_base = base
        if rotation:
            stream.set_display_rotation(rotation[0], hflip=rotation[1])
        if colour:
            context = stream.codec_context
            context.colorspace, context.color_range = colour
            context.color_primaries = context.color_trc = colour[0]
        sound = container.add_stream("aac", rate=8000, layout="mono") if audio else None
        for i, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image))
            matrix, colour_range = colour or (6, 1)
            frame = frame.reformat(
                format=pix_fmt,
                dst_colorspace=matrix,
                src_color_range="JPEG",
                dst_color_range=colour_range,
            )
            frame.pts, frame.time_base = (i if pts is None else pts[i]), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        for packet in tone(sound) if audio else ():
            container.mux(packet)
    return path


def tone(stream, seconds=0.6):
    wave = np.sin(np.arange(int(8000 * seconds)) * 0.3).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(wave[np.newaxis], format="fltp", layout="mono")
    frame.rate, frame.pts = 8000, 0
    return stream.encode(frame) + stream.encode(None)


def decode(path):
    """Returns the frames as stored, uint8 [N, H, W, 3], and their (time, duration)."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        times = [(f.pts * f.time_base, (f.duration or 0) * f.time_base) for f in frames]
        return np.stack([f.to_ndarray(format="rgb24") for f in frames]), times


def duration(path):
    with av.open(str(path)) as container:
        return container.duration / 1e6


def audio_packets(path):
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(audio=0) if p.size]
        return [(p.pts * p.time_base, bytes(p)) for p in packets]


def keep(images):
    return images


def invert(images):
    return 255 - images


def translate(predict, source, destination, **options):
    return translate_video(predict, source, destination, progress=False, **options)


def assert_alike(a, b, decibels):
    error = np.mean((np.asarray(a, np.float64) - b) ** 2)
    assert 10 * np.log10(255**2 / error) > decibels


@pytest.fixture(autouse=True)
def no_thread_and_no_hidden_file_is_left(tmp_path):
    yield
    assert not [t for t in threading.enumerate() if t.name.startswith(("read-", "write-"))]
    assert not [p for p in tmp_path.rglob("*") if p.name.startswith(".")]


def test_every_frame_its_time_and_the_audio_are_kept(tmp_path):
    source = make_clip(tmp_path / "in.mp4", audio=True)
    report = translate(invert, source, tmp_path / "new" / "out.mp4")
    assert report.frames == 12
    before, times = decode(source)
    after, new_times = decode(report.destination)
    assert new_times == times
    assert len(times) == 12
    assert_alike(after, 255 - before, 34)
    assert audio_packets(report.destination) == audio_packets(source)
    with av.open(str(report.destination)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
    data = report.destination.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # Plays while it is still downloading.


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_variable_frame_rate_is_kept(tmp_path, suffix):
    # Without B-frames, whose order would hide the last duration from the source's container.
    pts = [0, 40, 41, 300, 900, 1000, 1001, 1002, 1500, 1600, 1700, 3000]
    source = make_clip(tmp_path / "in.mp4", pts=pts, base=Fraction(1, 1000), bframes=0)
    assert [int(time * 1000) for time, _ in decode(source)[1]] == pts
    destination = tmp_path / f"out{suffix}"
    translate(keep, source, destination)
    assert [time for time, _ in decode(destination)[1]] == [time for time, _ in decode(source)[1]]
    # The last frame stays as long as before.
    assert duration(destination) == pytest.approx(duration(source), abs=0.002)


def test_a_start_that_is_not_zero_is_kept(tmp_path):
    source = make_clip(tmp_path / "in.ts", audio=True)
    translate(keep, source, tmp_path / "out.mp4")
    times = decode(source)[1]
    assert times[0][0] > 0.1
    assert [t for t, _ in decode(tmp_path / "out.mp4")[1]] == [t for t, _ in times]
    found = audio_packets(tmp_path / "out.mp4")
    expected = audio_packets(source)
    assert [round(float(t), 3) for t, _ in found] == [round(float(t), 3) for t, _ in expected]


def test_a_container_without_timestamps(tmp_path):
    source = make_clip(tmp_path / "in.avi", codec="mpeg4")
    translate(keep, source, tmp_path / "out.mp4")
    times = [time for time, _ in decode(tmp_path / "out.mp4")[1]]
    assert np.allclose(np.diff([float(t) for t in times]), 0.04)
    assert len(times) == 12


@pytest.mark.parametrize("angle", [0, 90, -90, 180])
@pytest.mark.parametrize("mirrored", [False, True])
def test_rotation_is_applied(tmp_path, angle, mirrored):
    images = pan(3)
    source = make_clip(tmp_path / "in.mp4", images, rotation=(angle, mirrored))
    seen = []
    translate(lambda x: seen.append(x) or x, source, tmp_path / "out.mp4", batch_size=3)
    upright = np.rot90(images, angle // 90, axes=(1, 2))
    upright = upright[:, :, ::-1] if mirrored else upright
    assert_alike(seen[0], upright, 30)
    assert_alike(decode(tmp_path / "out.mp4")[0], upright, 30)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert next(container.decode(video=0)).rotation == 0


@pytest.mark.parametrize(("angle", "expected"), [(0, Fraction(4, 3)), (90, Fraction(3, 4))])
def test_pixels_that_are_not_square_stay_so(tmp_path, angle, expected):
    source = make_clip(tmp_path / "in.mp4", pan(2), rotation=(angle, False), aspect=Fraction(4, 3))
    translate(keep, source, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].sample_aspect_ratio == expected


def test_odd_sizes_grow_by_a_repeated_edge(tmp_path):
    images = pan(3, 95, 127)
    source = make_clip(tmp_path / "in.mp4", images, pix_fmt="yuv444p")
    seen = []
    translate(
        lambda x: seen.append(x.shape) or x, source, tmp_path / "out.mp4", batch_size=3, crf=4
    )
    assert seen == [(3, 95, 127, 3)]
    found = decode(tmp_path / "out.mp4")[0]
    assert found.shape == (3, 96, 128, 3)
    assert_alike(found[:, :95, :127], images, 30)
    assert_alike(found[:, 95:, :127], images[:, 94:], 26)


def test_batches_have_one_shape_and_the_last_is_filled(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(7))
    seen = []

    def remember(images):
        seen.append(images.copy())
        return images

    translate(remember, source, tmp_path / "out.mp4", batch_size=4)
    assert [len(batch) for batch in seen] == [4, 4]
    np.testing.assert_array_equal(seen[1][3], seen[1][2])
    assert len(decode(tmp_path / "out.mp4")[0]) == 7


def test_one_frame(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(1))
    assert translate(keep, source, tmp_path / "out.mp4").frames == 1
    assert decode(tmp_path / "out.mp4")[1] == decode(source)[1]


def test_a_larger_result_is_written_as_it_is(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(3))
    translate(lambda x: x.repeat(2, 1).repeat(2, 2), source, tmp_path / "out.mp4")
    assert decode(tmp_path / "out.mp4")[0].shape == (3, 192, 256, 3)


@pytest.mark.parametrize("colour", [(1, 1), (1, 2), (6, 1), (6, 2), (9, 1), None])
def test_colours_and_their_tags_stay(tmp_path, colour):
    stripes = np.repeat(np.array(PRIMARIES, np.uint8), 32, axis=0)
    images = np.broadcast_to(stripes, (3, 64, 160, 3))
    source = make_clip(tmp_path / "in.mp4", images, colour=colour)
    seen = []
    translate(lambda x: seen.append(x) or x, source, tmp_path / "out.mp4", batch_size=3, crf=4)
    centres = np.s_[:, 32, 16::32]
    assert np.abs(seen[0][centres].astype(int) - PRIMARIES).max() <= 3
    assert np.abs(decode(tmp_path / "out.mp4")[0][centres].astype(int) - PRIMARIES).max() <= 4
    with av.open(str(tmp_path / "out.mp4")) as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_range) == (colour or (6, 1))
        expected = colour[0] if colour else 2  # Unspecified stays so.
        assert frame.color_primaries == frame.color_trc == expected


def test_ten_passes_do_not_drift(tmp_path):
    source = make_clip(tmp_path / "0.mkv", pan(2), codec="ffv1", pix_fmt="yuv420p")
    for i in range(10):
        translate(keep, tmp_path / f"{i}.mkv", tmp_path / f"{i + 1}.mkv", crf=1, preset="ultrafast")
    drift = decode(tmp_path / "10.mkv")[0].mean((0, 1, 2)) - decode(source)[0].mean((0, 1, 2))
    assert np.abs(drift).max() < 2


@pytest.mark.parametrize(("codec", "pix_fmt"), [("libx264", "yuv420p10le"), ("ffv1", "bgra")])
def test_ten_bits_and_alpha_become_eight_bit_colour(tmp_path, codec, pix_fmt):
    source = make_clip(tmp_path / "in.mkv", pan(2), codec=codec, pix_fmt=pix_fmt)
    translate(keep, source, tmp_path / "out.mp4")
    assert_alike(decode(tmp_path / "out.mp4")[0], pan(2), 30)


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
    monkeypatch.setattr(video_reader, "MAX_PIXELS", 128 * 96 - 1)
    source = make_clip(tmp_path / "in.mp4", pan(2))
    with pytest.raises(VideoError, match="128x96 are too large"):
        translate(keep, source, tmp_path / "out.mp4")


def test_missing_files_are_named(tmp_path):
    with pytest.raises(VideoError, match=r"none\.mp4: no such file"):
        translate(keep, tmp_path / "none.mp4", tmp_path / "out.mp4")


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


def test_destinations_that_cannot_be_are_named_before_any_work(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(2))
    before = source.read_bytes()

    def never(images):
        raise AssertionError

    (tmp_path / "there.mp4").write_bytes(b"precious")
    (tmp_path / "folder.mp4").mkdir()
    for name, options, message in (
        ("out.gif", {}, r"has to end in \.mp4, \.mkv, \.mov"),
        ("there.mp4", {}, r"there\.mp4: exists already .*--overwrite"),
        ("folder.mp4", {"overwrite": True}, "exists already"),
        ("in.mp4", {"overwrite": True}, "same file"),
        ("there.mp4/out.mp4", {}, r"out\.mp4: cannot be written: \w+"),
    ):
        with pytest.raises(VideoError, match=message):
            translate(never, source, tmp_path / name, **options)
    assert (tmp_path / "there.mp4").read_bytes() == b"precious"
    assert source.read_bytes() == before
    translate(keep, source, tmp_path / "there.mp4", overwrite=True)
    assert len(decode(tmp_path / "there.mp4")[0]) == 2


def test_audio_that_the_container_cannot_hold_is_named(tmp_path):
    with av.open(str(tmp_path / "in.mkv"), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.height, video.width = 96, 128
        sound = container.add_stream("wavpack", rate=8000, layout="mono")
        for image in pan(2):
            container.mux(video.encode(av.VideoFrame.from_ndarray(image)))
        container.mux(video.encode(None))
        container.mux(tone(sound))
    with pytest.raises(VideoError, match=r"\.mp4 cannot hold the audio \(wavpack\).*try \.mkv"):
        translate(keep, tmp_path / "in.mkv", tmp_path / "out.mp4")
    translate(keep, tmp_path / "in.mkv", tmp_path / "out.mkv")
    assert [p for _, p in audio_packets(tmp_path / "out.mkv")] == [
        p for _, p in audio_packets(tmp_path / "in.mkv")
    ]


@pytest.mark.parametrize("error", [RuntimeError("no memory"), KeyboardInterrupt()])
def test_an_error_in_predict_leaves_nothing(tmp_path, error):
    source = make_clip(tmp_path / "in.mp4", pan(30), audio=True)
    calls = []

    def fail_later(images):
        calls.append(1)
        if len(calls) > 3:
            raise error
        return images

    with pytest.raises(type(error)):
        translate(fail_later, source, tmp_path / "out.mp4", batch_size=2)
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.parametrize(
    "predict", [lambda x: x / 255, lambda x: x[:-1], lambda x: x[..., :1], lambda x: x[0]]
)
def test_a_result_that_is_no_batch_of_images_is_named(tmp_path, predict):
    source = make_clip(tmp_path / "in.mp4", pan(2))
    with pytest.raises(ValueError, match=r"predict returned \w+ \[.*for uint8 \[4, 96, 128, 3\]"):
        translate(predict, source, tmp_path / "out.mp4")


def test_a_result_that_changes_its_size_is_an_error(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(20))
    calls = []

    def shrink(images):
        calls.append(1)
        return images if len(calls) < 3 else images[:, :48]

    with pytest.raises(VideoError, match=r"out\.mp4: cannot be written"):
        translate(shrink, source, tmp_path / "out.mp4", batch_size=2)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_full_disk_leaves_nothing(tmp_path, largest_file, suffix):
    source = make_clip(tmp_path / "in.mp4", pan(30))
    cannot_be_written = pytest.raises(VideoError, match=r"out\.\w+: cannot be written: \w+")
    with largest_file(20_000), cannot_be_written:
        translate(invert, source, tmp_path / f"out{suffix}", crf=1)
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]


def test_a_killed_run_leaves_no_file_under_the_final_name(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(30))
    program = f"""
        import sys, time
        sys.path.insert(0, {str(Path(pix2pix_flax.__file__).parents[1])!r})
        from pix2pix_flax.inference.video import translate_video
        def slow(images):
            print("computing", flush=True)
            time.sleep(0.1)
            return images
        translate_video(slow, {str(source)!r}, {str(tmp_path / "out.mp4")!r})
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        process.stdout.readline()
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "out.mp4").exists()
    for leftover in tmp_path.glob(".out*"):
        leftover.unlink()
    translate(keep, source, tmp_path / "out.mp4")


def test_decoding_computing_and_encoding_overlap(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(8))
    threads = []

    def look(images):
        threads.append({t.name.rpartition("_")[0] for t in threading.enumerate()})
        return images

    translate(look, source, tmp_path / "out.mp4", batch_size=1)
    assert {"read-ahead", "write-behind"} <= threads[-1]
