"""What the options do to the pictures, and that they leave times and audio alone."""

import threading
import time
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from pix2pix_flax.inference.video import VideoError, upright, writer
from pix2pix_flax.inference.video.temporal import TemporalBlend
from tests.pix2pix_flax.inference.video.clips import (
    assert_alike,
    audio_packets,
    decode,
    invert,
    keep,
    make_clip,
    pan,
    translate,
)

pytestmark = pytest.mark.usefixtures("nothing_is_left")

TIMES = [0, 40, 80, 200, 240, 280, 300, 320, 360, 400, 440, 700]  # ms


def double(images):
    return images.repeat(2, 1).repeat(2, 2)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(
    "options",
    [
        {"max_height": 48},
        {"side_by_side": True},
        {"side_by_side": True, "max_height": 64},
        {"codec": "h265"},
        {"codec": "av1"},
        {"codec": "h265", "preset": "ultrafast", "crf": 30},
        {"codec": "av1", "preset": "ultrafast", "crf": 40},
        {"blend": lambda frames, images: images},
        {"start": 0, "duration": 60},
    ],
    ids=lambda options: ",".join(f"{k}={'...' if callable(v) else v}" for k, v in options.items()),
)
def test_times_and_audio_do_not_depend_on_options(tmp_path, suffix, options):
    source = make_clip(
        tmp_path / "in.mp4", pts=TIMES, base=Fraction(1, 1000), bframes=0, audio=True
    )
    plain, output = tmp_path / f"plain{suffix}", tmp_path / f"out{suffix}"
    translate(keep, source, plain)
    assert translate(keep, source, output, batch_size=5, **options).frames == 12
    assert decode(output)[1] == decode(plain)[1]
    assert [shown for _, shown in decode(output)[1]] == [shown for _, shown in decode(source)[1]]
    assert audio_packets(output) == audio_packets(plain)
    assert len(audio_packets(output)) > 3


@pytest.mark.parametrize(
    ("codec", "name", "tag"),
    [("h264", "h264", "avc1"), ("h265", "hevc", "hvc1"), ("av1", "av1", "av01")],
)
def test_codecs(tmp_path, codec, name, tag):
    source = make_clip(tmp_path / "in.mp4", colour=(1, 1))
    translate(invert, source, tmp_path / "out.mp4", codec=codec)
    before, after = decode(source)[0], decode(tmp_path / "out.mp4")[0]
    assert_alike(after, 255 - before, 33)
    with av.open(str(tmp_path / "out.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.codec.canonical_name, context.codec_tag) == (name, tag)
        assert (context.pix_fmt, context.colorspace, context.color_range) == ("yuv420p", 1, 1)
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_encoders_print_nothing(tmp_path, capfd):
    for codec in ("h264", "h265", "av1"):
        translate(keep, make_clip(tmp_path / "in.mp4"), tmp_path / f"{codec}.mp4", codec=codec)
    assert capfd.readouterr() == ("", "")


def test_crf_and_preset_change_the_size(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(30))
    for codec in ("h264", "h265", "av1"):
        sizes = []
        for options in ({"crf": 40}, {}, {"crf": 1}):
            output = tmp_path / f"{len(sizes)}.mp4"
            translate(keep, source, output, codec=codec, overwrite=True, **options)
            sizes.append(output.stat().st_size)
        assert sizes[0] < sizes[1] < sizes[2]
        translate(keep, source, output, codec=codec, overwrite=True, crf=1, preset="slower")
        assert output.stat().st_size != sizes[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crf": 52}, r"crf is 52: libx264 takes 0 \(best\) to 51"),
        ({"codec": "h265", "crf": -1}, r"crf is -1: libx265 takes 0"),
        ({"codec": "av1", "crf": 0}, r"crf is 0: libsvtav1 takes 1 \(best\) to 63"),
        ({"preset": "warp"}, "preset is 'warp', it has to be one of ultrafast, "),
        ({"codec": "vp9"}, "codec is 'vp9', it has to be one of h264, h265, av1"),
        ({"codec": "av1", "suffix": ".mov"}, r"out\.mov: a clip in av1 has to end in \.mp4, \.mkv"),
        ({"max_height": 1}, "max_height is 1, it has to be 2 or more"),
        ({"batch_size": 0}, "batch_size is 0, it has to be 1 or more"),
    ],
)
def test_options_that_cannot_be_are_told_before_any_work(tmp_path, options, message):
    source = make_clip(tmp_path / "in.mp4", pan(2))
    suffix = options.pop("suffix", ".mp4")
    with pytest.raises(VideoError, match=message):
        translate(None, source, tmp_path / f"out{suffix}", **options)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.parametrize(
    ("size", "angle", "largest", "expected"),
    [
        ((96, 128), 0, 48, (48, 64)),
        ((96, 128), 0, 37, (36, 48)),
        ((96, 128), 0, 96, (96, 128)),
        ((96, 128), 0, 200, (96, 128)),
        ((94, 150), 0, 40, (40, 64)),
        ((96, 128), 90, 64, (64, 48)),
        ((96, 128), 90, 128, (128, 96)),
        ((96, 4), 0, 2, (2, 2)),
    ],
)
def test_only_higher_frames_are_scaled_down(tmp_path, size, angle, largest, expected):
    source = make_clip(tmp_path / "in.mp4", pan(3, *size), rotation=(angle, False))
    seen = []
    translate(lambda x: seen.append(x) or x, source, tmp_path / "out.mp4", max_height=largest)
    assert seen[0].shape == (4, *expected, 3)
    upright = np.rot90(decode(source)[0], angle // 90, axes=(1, 2))
    scaled = [cv2.resize(x, expected[::-1], interpolation=cv2.INTER_AREA) for x in upright]
    assert_alike(seen[0][:3], scaled, 28)


def test_scaling_down_leaves_no_moire(tmp_path):
    stripes = np.zeros((2, 90, 128, 3), np.uint8)
    stripes[:, ::2] = 255
    source = make_clip(tmp_path / "in.mkv", stripes, codec="ffv1", pix_fmt="bgra")
    seen = []
    translate(lambda x: seen.append(x) or x, source, tmp_path / "out.mp4", max_height=38)
    assert np.ptp(seen[0].mean(axis=2)) < 70  # every second or third row alone: 255


def test_side_by_side(tmp_path):
    source = make_clip(tmp_path / "in.mp4")
    translate(invert, source, tmp_path / "out.mp4", side_by_side=True)
    images, found = decode(source)[0], decode(tmp_path / "out.mp4")[0]
    assert found.shape == (12, 96, 256, 3)
    assert_alike(found[:, :, :128], images, 34)
    assert_alike(found[:, :, 128:], 255 - images, 34)


def test_beside_a_larger_result_the_source_has_its_size(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(3))
    translate(lambda x: 255 - double(x), source, tmp_path / "out.mp4", side_by_side=True)
    found = decode(tmp_path / "out.mp4")[0]
    assert found.shape == (3, 192, 512, 3)
    larger = [
        cv2.resize(x, (256, 192), interpolation=cv2.INTER_LANCZOS4) for x in decode(source)[0]
    ]
    assert_alike(found[:, :, :256], larger, 32)
    assert_alike(found[:, :, 256:], 255 - double(decode(source)[0]), 30)


def test_blend_sees_every_frame_once_and_in_order(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(11))
    seen = []

    def darken(frames, images):
        assert frames.dtype == images.dtype == np.uint8
        assert images.shape == (len(frames), 192, 256, 3)
        np.testing.assert_array_equal(images, double(frames))
        seen.append(frames.copy())
        return images // 2

    translate(double, source, tmp_path / "out.mp4", blend=darken)
    assert [len(frames) for frames in seen] == [4, 4, 3]
    images = decode(source)[0]
    assert_alike(np.concatenate(seen), images, 40)
    assert_alike(decode(tmp_path / "out.mp4")[0], double(images) // 2, 32)


def test_blending_overlaps_with_computing(tmp_path):
    source, second = make_clip(tmp_path / "in.mp4"), threading.Event()
    calls = []

    def predict(images):
        calls.append(1)
        if len(calls) == 2:
            second.set()
        return images

    def blend(frames, images):
        assert second.wait(10)  # Else nothing is computed while frames are blended.
        return images

    assert translate(predict, source, tmp_path / "out.mp4", batch_size=3, blend=blend).frames == 12


def test_an_error_in_blend_leaves_nothing(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(30), audio=True)

    def fail(frames, images):
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        translate(keep, source, tmp_path / "out.mp4", batch_size=2, blend=fail)
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]


def test_a_temporal_blend_steadies_a_still(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(1).repeat(12, 0))
    noise = np.random.default_rng(0)

    def flicker(images):
        return np.clip(images + noise.normal(0, 8, images.shape), 0, 255).astype(np.uint8)

    def unrest(**options):
        translate(flicker, source, tmp_path / "out.mp4", overwrite=True, crf=4, **options)
        return np.diff(decode(tmp_path / "out.mp4")[0].astype(float), axis=0)[4:].std()

    assert unrest(blend=TemporalBlend()) < 0.7 * unrest()


def test_the_report_tells_what_each_stage_took(tmp_path, monkeypatch):
    def slow(seconds, function):
        def wrapped(*arguments):
            time.sleep(seconds)
            return function(*arguments)

        return wrapped

    source = make_clip(tmp_path / "in.mp4")
    monkeypatch.setattr(upright, "turn", slow(0.03, upright.turn))
    monkeypatch.setattr(writer, "_pad_to_even", slow(0.02, writer._pad_to_even))
    blend = slow(0.05, lambda frames, images: images)
    report = translate(slow(0.1, keep), source, tmp_path / "out.mp4", blend=blend)
    for stage, least in (("decoding", 0.36), ("computing", 0.3), ("encoding", 0.24)):
        assert least <= getattr(report, stage) <= report.seconds
    assert 0.15 <= report.finishing <= report.seconds
    line = str(report)
    assert f": 12 frames, {12 / report.seconds:.1f} frames/s (decoding" in line
    assert f"computing {report.computing:.1f} s, finishing {report.finishing:.1f} s" in line
