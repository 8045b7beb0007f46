"""Clocks that step back, jump ahead or overrun: time goes on, with the sound in step."""

from fractions import Fraction

import numpy as np
import pytest

from pix2pix_flax.inference.video.container import VideoFile
from tests.pix2pix_flax.inference.video.clips import (
    assert_alike,
    audio_packets,
    decode,
    keep,
    make_clip,
    pan,
    translate,
)

pytestmark = pytest.mark.usefixtures("nothing_is_left")

WRAP = 2**33 / 90_000  # seconds after which the clock of MPEG-TS starts anew
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}


def make_joined(path, starts, *, audio, codec="libx264", options=None):
    """Joins clips byte by byte, as `cat` does; each begins at its own time in seconds."""
    parts = []
    for number, start in enumerate(starts):
        piece = path.with_name(f"piece{number}{path.suffix}")
        images = pan(24) if number % 2 == 0 else 255 - pan(24)
        shift = {"output_ts_offset": str(start)} if start else {}
        make_clip(piece, images, audio=audio, codec=codec, options=(options or {}) | shift)
        parts.append(piece)
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return parts


def gaps(times):
    return np.diff([float(time) for time, _ in times])


@pytest.mark.parametrize("audio", [False, True])
@pytest.mark.parametrize(
    ("suffix", "starts", "seams"),
    [
        (".ts", (0, 0), 1),
        (".ts", (0, 7200, 0, 50), 3),
        (".ts", (0, WRAP - 0.5), 2),
        (".ts", (WRAP - 0.5, 0), 1),
        (".mkv", (0, 0), 1),
        (".mp4", (0, 0), 1),
    ],
)
def test_joined_recordings_play_one_after_the_other(tmp_path, caplog, suffix, starts, seams, audio):
    source, output = tmp_path / f"in{suffix}", tmp_path / "out.mp4"
    options = FRAGMENTS if suffix == ".mp4" else None
    pieces = make_joined(source, starts, audio=audio, options=options)
    assert translate(keep, source, output).frames == 24 * len(starts)
    images, times = decode(output)
    assert_alike(images, np.concatenate([decode(piece)[0] for piece in pieces]), 30)
    assert gaps(times).min() > 0.03
    # The sound of each piece goes on for longer than its pictures: they wait for it.
    longest = 0.4 if audio else 0.13
    assert gaps(times).max() < longest
    assert times[-1][0] - times[0][0] < (0.92 + 0.4) * len(starts)
    if audio:
        packets = audio_packets(output)
        assert len(packets) == sum(len(audio_packets(piece)) for piece in pieces)
        assert np.diff([float(time) for time, _ in packets]) == pytest.approx(0.128, abs=0.13)
    (line,) = [line for line in caplog.messages if "the clock" in line]
    assert f"{seams} times" in line if seams > 1 else "once" in line


def test_sound_stays_with_the_pictures_of_each_piece(tmp_path):
    source, output = tmp_path / "in.ts", tmp_path / "out.mp4"
    pieces = make_joined(source, (0, 300), audio=True)
    translate(keep, source, output)
    times, packets = decode(output)[1], audio_packets(output)
    for number, piece in enumerate(pieces):
        lag = audio_packets(piece)[0][0] - decode(piece)[1][0][0]
        count = len(packets) // 2
        assert packets[count * number][0] - times[24 * number][0] == pytest.approx(
            float(lag), abs=0.002
        )


@pytest.mark.parametrize("start", [WRAP - 0.5, WRAP - 0.5 - 3600, 40_000, 1.4])
def test_a_clock_that_begins_late_begins_at_0(tmp_path, start):
    source = tmp_path / "in.ts"
    make_joined(source, [start], audio=True)
    translate(keep, source, tmp_path / "out.mp4")
    images, times = decode(tmp_path / "out.mp4")
    assert len(images) == 24
    assert 0 <= times[0][0] < 0.2
    assert gaps(times) == pytest.approx(0.04, abs=0.002)
    translate(keep, source, tmp_path / "part.mp4", start=0.4)
    assert_alike(decode(tmp_path / "part.mp4")[0], images[10:], 30)


def test_parts_are_found_behind_a_seam(tmp_path):
    source = tmp_path / "in.ts"
    make_joined(source, (0, 0, 0), audio=True)
    translate(keep, source, tmp_path / "whole.mp4")
    images, times = decode(tmp_path / "whole.mp4")
    begin = times[0][0] + 2
    wanted = [i for i, (time, _) in enumerate(times) if begin <= time < begin + 1]
    translate(keep, source, tmp_path / "out.mp4", start=2, duration=1)
    assert_alike(decode(tmp_path / "out.mp4")[0], images[wanted], 30)


@pytest.mark.parametrize("suffix", [".mp4", ".flv"])
def test_a_second_film_that_ffmpeg_does_not_find_is_told(tmp_path, caplog, suffix):
    noise = np.random.default_rng(0).integers(0, 255, (12, 96, 128, 3), np.uint8)
    piece = make_clip(tmp_path / f"a{suffix}", noise)
    source = tmp_path / f"in{suffix}"
    source.write_bytes(2 * piece.read_bytes())
    assert translate(keep, source, tmp_path / "out.mp4").frames == 12
    (line,) = caplog.messages
    assert "in" + suffix in line
    assert "the last 50% of the file hold no pictures" in line
    translate(keep, piece, tmp_path / "one.mp4")
    assert caplog.messages == [line]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_long_pause_is_no_jump(tmp_path, caplog, suffix):
    source = make_clip(tmp_path / f"in{suffix}", pts=[*range(11), 2000], bframes=0)
    translate(keep, source, tmp_path / "out.mp4")
    assert float(decode(tmp_path / "out.mp4")[1][-1][0]) == pytest.approx(80, abs=0.01)
    assert not caplog.messages


def read_shifted(path, shift, monkeypatch):
    """Reads a file in which some timestamps are wrong; returns seams, pictures and sound."""
    read = VideoFile._read

    def wrong(file):
        numbers = {"video": -1, "audio": -1}
        for packet in read(file):
            numbers[packet.stream.type] += 1
            if packet.size:
                ticks = round(shift(packet.stream.type, numbers[packet.stream.type]) * 90_000)
                packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
            yield packet

    monkeypatch.setattr(VideoFile, "_read", wrong)
    file = VideoFile(path)
    shown = [float(frame.pts * file.stream.time_base) for frame in file.frames()]
    heard = [float(packet.pts * packet.time_base) for packet in file.take_audio()]
    file.close()
    return file.timeline.seams, shown, heard


@pytest.mark.parametrize("stream", ["video", "audio"])
@pytest.mark.parametrize("seconds", [-5, 20])
@pytest.mark.parametrize("audio", [True, False])
def test_one_wrong_timestamp_is_no_seam(tmp_path, monkeypatch, stream, seconds, audio):
    source = make_clip(tmp_path / "in.ts", pan(50), audio=audio, bframes=0)
    shift = lambda kind, number: seconds if (kind, number) == (stream, 8) else 0  # noqa: E731
    seams, shown, heard = read_shifted(source, shift, monkeypatch)
    assert seams == 0
    assert np.diff(shown) == pytest.approx(0.04, abs=0.001)
    assert np.diff(heard) == pytest.approx(0.128, abs=0.001)


def test_pictures_that_are_far_apart_are_no_jump_where_sound_goes_on(tmp_path, monkeypatch):
    source = make_clip(
        tmp_path / "in.ts",
        pan(3),
        pts=[0, 15 * 25, 30 * 25],
        bframes=0,
        audio=True,
        sound=40,
        options={"max_interleave_delta": "0"},  # Sound and pictures are stored by their time.
    )
    seams, shown, _ = read_shifted(source, lambda *_: Fraction(0), monkeypatch)
    assert seams == 0
    assert np.diff(shown) == pytest.approx(15, abs=0.001)
