"""What of a video is kept, through the whole engine."""

from fractions import Fraction

import av
import numpy as np
import pytest

from tests.pix2pix_flax.inference.video.clips import (
    assert_alike,
    audio_packets,
    decode,
    duration,
    invert,
    keep,
    make_clip,
    pan,
    translate,
)

PRIMARIES = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0))

pytestmark = pytest.mark.usefixtures("nothing_is_left")


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


def test_without_a_destination_the_result_lies_beside_the_source(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, result in (("a.MOV", "a-cartoon.MOV"), ("b.ts", "b-cartoon.mp4")):
        make_clip(tmp_path / name)
        assert translate(keep, f"~/{name}", None).destination == tmp_path / result
        assert len(decode(tmp_path / result)[1]) == 12


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
