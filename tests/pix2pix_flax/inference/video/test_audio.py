"""Sound is copied where the output can hold it, and encoded where it cannot."""

import av
import numpy as np
import pytest

from pix2pix_flax.inference.video.container import VideoFile
from tests.pix2pix_flax.inference.video.clips import (
    audio_packets,
    decode,
    keep,
    make_clip,
    pan,
    translate,
)

pytestmark = pytest.mark.usefixtures("nothing_is_left")

RATE = 16_000


def beeps(seconds):
    """Returns a tone in the first tenth of each second, float32 [samples]."""
    time = np.arange(int(RATE * seconds)) / RATE
    return (0.5 * np.sin(2 * np.pi * 1000 * time) * (time % 1 < 0.1)).astype(np.float32)


def make_sounding(path, codec, seconds=2.0, layout="mono", rate=RATE, late=0.0):
    """Writes pictures with beeps, those after half a second are `late`."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.height, video.width = 96, 128
        sound = container.add_stream(codec, rate=rate, layout=layout)
        sound.bit_rate = 64_000
        for image in pan(20).repeat(3, axis=0)[: round(seconds * 25)]:
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image))))
        container.mux(video.encode(None))
        frame = av.AudioFrame.from_ndarray(beeps(seconds)[np.newaxis], format="fltp", layout="mono")
        frame.rate, frame.pts = RATE, 0
        for packet in sound.encode(frame) + sound.encode(None):
            if packet.pts * packet.time_base > 0.5:
                packet.pts = packet.dts = packet.pts + round(late / packet.time_base)
            container.mux(packet)
    return path


def onsets(path):
    """Returns the times in seconds at which the beeps begin, after the first picture."""
    resampler = av.AudioResampler("fltp", "mono", RATE)
    begin = decode(path)[1][0][0]
    with av.open(str(path)) as container:
        frames = [
            r for f in container.decode(audio=0) if f.pts is not None for r in resampler.resample(f)
        ]
    times = np.concatenate(
        [float(f.pts * f.time_base - begin) + np.arange(f.samples) / RATE for f in frames]
    )
    loud = np.abs(np.concatenate([f.to_ndarray()[0] for f in frames])) > 0.1
    return [
        float(t)
        for t, before in zip(times[loud], np.diff(times[loud], prepend=-9), strict=True)
        if before > 0.3
    ]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize(
    ("source_suffix", "codec"),
    [
        (".avi", "adpcm_ima_wav"),
        (".asf", "wmav2"),
        (".mov", "pcm_mulaw"),
        (".mov", "alac"),
        (".mkv", "flac"),
        (".mkv", "libopus"),
        (".mkv", "wavpack"),
        (".mkv", "eac3"),
        (".ts", "mp2"),
        (".avi", "libmp3lame"),
        (".3gp", "amr_nb"),
    ],
)
def test_sound_of_every_kind_is_kept_in_step(tmp_path, caplog, source_suffix, codec, suffix):
    rate = {"amr_nb": 8_000, "pcm_mulaw": 8_000}.get(codec, 48_000)
    layout = "mono" if rate < 48_000 else "stereo"
    source = make_sounding(tmp_path / f"in{source_suffix}", codec, rate=rate, layout=layout)
    output = tmp_path / f"out{suffix}"
    assert translate(keep, source, output).frames == 50
    assert onsets(output) == pytest.approx(onsets(source), abs=0.01)
    with av.open(str(output)) as container, av.open(str(source)) as original:
        (name,) = {stream.codec_context.name for stream in container.streams.audio}
        expected = original.streams.audio[0].codec_context.name
        assert container.streams.audio[0].rate == rate
        assert container.streams.audio[0].channels == original.streams.audio[0].channels
    if [d for _, d in audio_packets(output)] == [d for _, d in audio_packets(source)]:
        assert not caplog.messages
    else:
        assert name == "aac"
        (line,) = caplog.messages
        assert f"{suffix} cannot hold the audio ({expected}) unchanged: it was encoded" in line


@pytest.mark.parametrize(("mode", "codecs"), [("copy", ["mp3"]), ("aac", ["aac"]), ("none", [])])
def test_the_mode_is_a_choice(tmp_path, caplog, mode, codecs):
    source = make_sounding(tmp_path / "in.avi", "libmp3lame")
    translate(keep, source, tmp_path / "out.mp4", audio=mode)
    with av.open(str(tmp_path / "out.mp4")) as container:
        found = [stream.codec_context.name for stream in container.streams.audio]
        assert [name.removesuffix("float") for name in found] == codecs
    assert not caplog.messages


def test_encoded_sound_stays_in_step_behind_a_gap(tmp_path):
    source = make_sounding(tmp_path / "in.mkv", "flac", late=0.5)
    translate(keep, source, tmp_path / "out.mp4", audio="aac")
    assert onsets(tmp_path / "out.mp4") == pytest.approx([0, 1.5], abs=0.03)


def test_a_part_has_its_encoded_sound(tmp_path):
    source = make_sounding(tmp_path / "in.avi", "adpcm_ima_wav", seconds=2.4)
    translate(keep, source, tmp_path / "out.mp4", start=0.4, duration=1.2)
    assert onsets(tmp_path / "out.mp4") == pytest.approx([0.6], abs=0.1)


def test_sound_whose_times_fall_is_copied(tmp_path, monkeypatch):
    source = make_clip(tmp_path / "in.mkv", audio=True)
    read, before = VideoFile._read, audio_packets(source)

    def falling(file):
        for packet in read(file):
            if packet.stream.type == "audio" and packet.size:
                packet.pts = packet.dts = packet.pts // 200 * 200
            yield packet

    monkeypatch.setattr(VideoFile, "_read", falling)
    translate(keep, source, tmp_path / "out.mp4")
    after = audio_packets(tmp_path / "out.mp4")
    assert [data for _, data in after] == [data for _, data in before]
    assert all(np.diff([float(time) for time, _ in after]) > 0)


@pytest.mark.parametrize("mode", ["copy", "aac"])
def test_damaged_packets_of_sound_are_counted(tmp_path, caplog, mode):
    source = make_clip(tmp_path / "in.ts", pan(50), audio=True)
    data = bytearray(source.read_bytes())
    with av.open(str(source)) as container:
        stream = container.streams.audio[0]
        place = [packet.pos for packet in container.demux(stream) if packet.size][6]
    start = data.index(b"\xff\xf1", place)
    data[start + 2 : start + 60] = b"\xff" * 58
    source.write_bytes(data)
    assert translate(keep, source, tmp_path / "out.mp4", audio=mode).frames == 50
    assert len(audio_packets(tmp_path / "out.mp4")) > 5
    (line,) = caplog.messages
    assert "packets of sound are damaged and left out" in line


def test_sound_that_changes_its_format_is_told_and_can_be_mended(tmp_path, caplog):
    parts = [
        make_sounding(tmp_path / "a.ts", "aac", seconds=2.4, rate=48_000, layout="stereo"),
        make_sounding(tmp_path / "b.ts", "aac", seconds=2.4, rate=16_000),
    ]
    source = tmp_path / "in.ts"
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    translate(keep, source, tmp_path / "out.mp4")
    (line,) = [line for line in caplog.messages if "sound changes" in line]
    assert "out.mp4: the sound changes its rate or channels midway" in line
    assert line.endswith("--audio=aac gives it one format")
    caplog.clear()
    translate(keep, source, tmp_path / "new.mp4", audio="aac")
    assert onsets(tmp_path / "new.mp4") == pytest.approx([0, 1, 2, 2.5, 3.5, 4.5], abs=0.12)
    assert "sound changes" not in caplog.text


def test_sound_that_begins_behind_what_ffmpeg_probes(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (60, 240, 320, 3), np.uint8)
    silent = make_clip(tmp_path / "a.ts", noise).read_bytes()
    spoken = make_clip(tmp_path / "b.ts", noise[:12], audio=True).read_bytes()
    assert len(2 * silent) > 5_000_000  # FFmpeg's probesize
    source = tmp_path / "in.ts"
    source.write_bytes(2 * silent + spoken)
    assert translate(keep, source, tmp_path / "out.mp4", preset="ultrafast").frames == 132
    times, packets = decode(tmp_path / "out.mp4")[1], audio_packets(tmp_path / "out.mp4")
    assert len(packets) > 10
    assert packets[0][0] == pytest.approx(float(times[120][0]) - 0.128, abs=0.05)


@pytest.mark.parametrize("mode", ["copy", "aac"])
def test_the_default_track_stays_the_default(tmp_path, mode):
    source = tmp_path / "in.mp4"
    with av.open(str(source), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.height, video.width = 96, 128
        tracks = [container.add_stream("aac", rate=RATE, layout="mono") for _ in range(2)]
        tracks[0].disposition = 0
        tracks[1].disposition = av.stream.Disposition.default
        for image in pan(20):
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image))))
        container.mux(video.encode(None))
        for track in tracks:
            frame = av.AudioFrame.from_ndarray(beeps(0.8)[np.newaxis], format="fltp", layout="mono")
            frame.rate, frame.pts = RATE, 0
            container.mux(track.encode(frame) + track.encode(None))
    translate(keep, source, tmp_path / "out.mp4", audio=mode)
    with av.open(str(tmp_path / "out.mp4")) as container:
        defaults = [bool(track.disposition & 1) for track in container.streams.audio]
    assert defaults == [False, True]
