"""A part of a video: the very frames, still in step with their audio."""

import sys
from fractions import Fraction

import av
import pytest

from pix2pix_flax.inference.video import VideoError, translate_video
from pix2pix_flax.inference.video.container import open_before
from pix2pix_flax.inference.video.info import to_seconds
from pix2pix_flax.inference.video.reader import VideoReader
from tests.pix2pix_flax.inference.video.clips import (
    assert_alike,
    audio_packets,
    decode,
    duration,
    keep,
    make_clip,
    pan,
    translate,
)

pytestmark = pytest.mark.usefixtures("nothing_is_left")


@pytest.fixture(scope="module", params=[".mp4", ".mkv", ".ts"])
def clip(request, tmp_path_factory):
    """Four seconds with B-frames, a keyframe in each half second, and audio."""
    path = tmp_path_factory.mktemp("clips") / f"in{request.param}"
    return make_clip(path, pan(100), gop=12, audio=True)


def audio(path):
    """Returns (seconds, size) of each packet; `.ts` keeps a header within each."""
    header = 7 if path.suffix == ".ts" else 0
    return [(float(time), len(data) - header) for time, data in audio_packets(path)]


@pytest.mark.parametrize(
    ("start", "length"),
    [(0, "0.5"), ("2.61", 0.77), ("0:02", "00:00:00.040"), (3.5, None), ("1.96", "60")],
)
def test_the_frames_of_a_part_and_their_audio(tmp_path, clip, start, length):
    output = tmp_path / "out.mkv"
    report = translate(keep, clip, output, start=start, duration=length)
    images, times = decode(clip)
    origin = times[0][0]
    begin = origin + to_seconds(start)
    end = begin + to_seconds(length) if length else Fraction(1000)
    wanted = [i for i, (time, _) in enumerate(times) if begin <= time < end]
    found, new_times = decode(output)
    assert report.frames == len(found) == len(wanted)
    assert_alike(found, images[wanted], 30)  # a neighbour is under 20
    shift = times[wanted[0]][0] - origin
    sound = [
        (time - float(shift), size)
        for time, size in audio(clip)
        if (start == 0 or time >= times[wanted[0]][0]) and time < end
    ]
    moved = new_times[0][0] - origin  # Matroska starts at 0 where AAC's first packet is before it.
    assert [t - moved for t, _ in new_times] == pytest.approx(
        [times[i][0] - shift for i in wanted], abs=0.0011
    )
    assert [size for _, size in audio(output)] == [size for _, size in sound]
    assert [time - float(moved) for time, _ in audio(output)] == pytest.approx(
        [time for time, _ in sound], abs=0.0011
    )
    assert 0 <= moved < 0.13 if start == 0 else abs(moved) < 0.001


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_part_of_variable_frame_rate(tmp_path, suffix):
    pts = [0, 40, 41, 300, 900, 1000, 1001, 1002, 1500, 1600, 1700, 3000]
    source = make_clip(tmp_path / f"in{suffix}", pts=pts, base=Fraction(1, 1000), bframes=0)
    translate(keep, source, tmp_path / "out.mp4", start=0.05, duration=1.2)
    times = [int(time * 1000) for time, _ in decode(tmp_path / "out.mp4")[1]]
    assert times == [0, 600, 700, 701, 702]
    if suffix == ".mp4":  # Of Matroska's frames nobody knows how long they are shown.
        assert duration(tmp_path / "out.mp4") == pytest.approx(0.95)  # The last ends with the part.


def test_audio_that_is_stored_behind_all_pictures(tmp_path):
    source = make_clip(
        tmp_path / "in.mkv", pan(100), gop=12, audio=True, options={"max_interleave_delta": "1"}
    )
    output = tmp_path / "out.mkv"
    translate(keep, source, output, start=1, duration=1)
    wanted = [data for time, data in audio_packets(source) if 1 <= time < 2]
    assert [data for _, data in audio_packets(output)] == wanted
    assert len(wanted) > 6


def test_reading_starts_at_a_keyframe_shortly_before(clip):
    with VideoReader(clip) as reader:
        base, origin = reader.info.time_base, next(reader.batches(1)).pts[0]
    wanted = origin + 3 / base
    file = open_before(clip, wanted)
    assert file.first.key_frame
    # Where a container has no index, as .ts, it lies some more before.
    assert 0 <= (wanted - file.first.pts) * base <= (4 if clip.suffix == ".ts" else 1.5)
    file.close()


@pytest.mark.parametrize("gop", [40, 1000])
@pytest.mark.parametrize(
    ("suffix", "codec"),
    # MPEG-4 in a stream without an index is decoded from anywhere, and wrongly until a keyframe.
    [(".mp4", "libx264"), (".ts", "libx264"), (".avi", "mpeg4"), (".ts", "mpeg4")],
)
def test_keyframes_may_be_far_apart(tmp_path, suffix, codec, gop):
    source = make_clip(tmp_path / f"in{suffix}", pan(100), gop=gop, codec=codec)
    images, times = decode(source)
    for first in (60, 72, 95):
        start = float(times[first][0] - times[0][0])
        translate(keep, source, tmp_path / "out.mp4", start=start, crf=8, overwrite=True)
        found, new_times = decode(tmp_path / "out.mp4")
        assert_alike(found, images[first:], 32)
        assert new_times[0][0] == (0 if suffix == ".ts" else times[0][0])


@pytest.mark.parametrize("start", ["4", "01:00:00"])
def test_a_start_behind_the_end_is_told(tmp_path, clip, start):
    with pytest.raises(VideoError, match=r"in\.\w+: start lies after .* 4\.00 s$"):
        translate(keep, clip, tmp_path / "out.mp4", start=start)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": "soon"}, "start is 'soon', it has to be seconds or HH:MM:SS.s"),
        ({"start": -1}, "start is -1, it has to be"),
        ({"duration": "1:2:3:4"}, "duration is '1:2:3:4', it has to be"),
        ({"start": 0.01, "duration": 0.02}, "no frame begins in the part"),
        ({"duration": 0}, "no frame begins in the part"),
    ],
)
def test_times_that_leave_nothing_are_told(tmp_path, clip, options, message):
    with pytest.raises(VideoError, match=message):
        translate(keep, clip, tmp_path / "out.mp4", **options)


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        (2, 2),
        (0.1, Fraction(1, 10)),
        ("2.5", Fraction(5, 2)),
        (".5", Fraction(1, 2)),
        ("1:02.5", Fraction(125, 2)),
        ("01:00:03", 3603),
        ("", None),
        ("1:", None),
        ("1h", None),
        (float("nan"), None),
    ],
)
def test_times(time, seconds):
    assert to_seconds(time) == seconds


def damage(path, frame):
    """Overwrites the packet of a frame."""
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][frame]
    data = bytearray(path.read_bytes())
    data[packet.pos : packet.pos + packet.size] = b"U" * packet.size
    path.write_bytes(data)


def test_damage_counts_only_within_the_part(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(100), gop=12, bframes=0)
    damage(source, 50)
    for number, part in enumerate([{"duration": 1.2}, {"start": 2.9}]):
        translate(keep, source, tmp_path / f"{number}.mp4", **part)
    with pytest.raises(VideoError, match="damaged: 24 of 25 frames could be read"):
        translate(keep, source, tmp_path / "out.mp4", start=1.5, duration=1)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_break_counts_only_within_the_part(tmp_path, suffix):
    options = {"movflags": "+faststart"} if suffix == ".mp4" else None
    source = make_clip(tmp_path / f"in{suffix}", pan(100), gop=12, audio=True, options=options)
    data = source.read_bytes()
    source.write_bytes(data[: int(len(data) * 0.65)])
    assert translate(keep, source, tmp_path / "early.mp4", start=0.5, duration=1).frames == 25
    for number, part in enumerate([{"start": 1.5}, {"start": 1.5, "duration": 2}]):
        with pytest.raises(VideoError, match=r"truncated: \d\d of \d\d frames could be read"):
            translate(keep, source, tmp_path / f"{number}.mp4", **part)
        assert (tmp_path / f"{number}.partial.mp4").exists()
    with pytest.raises(VideoError, match="start lies after the end"):
        translate(keep, source, tmp_path / "late.mp4", start=3.8)


def test_frames_that_an_edit_list_hides_are_no_damage(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(50), bframes=0, gop=12)
    data = bytearray(source.read_bytes())
    place = data.index(b"elst") + 16  # From where on it is shown, in ticks.
    data[place : place + 4] = (8 * 512).to_bytes(4, "big")
    source.write_bytes(data)
    shown = len(decode(source)[0])
    assert shown < 50
    for start in (0, 1.2):
        report = translate(keep, source, tmp_path / f"{start}.mp4", start=start)
        assert report.frames == shown - 25 * start


def test_the_number_of_frames_is_known_or_guessed(clip, tmp_path):
    with VideoReader(clip) as reader:
        assert reader.num_frames == pytest.approx(100, abs=8)  # .ts counts the audio's end
    with VideoReader(clip, start=Fraction(1), duration=Fraction(2)) as reader:
        assert reader.num_frames == 50
    with VideoReader(clip, start=Fraction(3), duration=Fraction(60)) as reader:
        assert reader.num_frames == pytest.approx(25, abs=8)


def test_the_bar_ends_full_on_a_terminal(tmp_path, clip, capsys, monkeypatch):
    translate_video(keep, clip, tmp_path / "log.mp4")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    translate_video(keep, clip, tmp_path / "out.mp4")  # How many they are may be a guess.
    assert "| 100/100 [" in capsys.readouterr().err.splitlines()[-1]
