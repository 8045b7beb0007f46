"""Pictures that are interlaced, wide in colour, or change their size midway."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from pix2pix_flax.inference.video import hdr
from tests.pix2pix_flax.inference.video.clips import (
    COFFEE,
    assert_alike,
    decode,
    keep,
    make_clip,
    pan,
    translate,
)

pytestmark = pytest.mark.usefixtures("nothing_is_left")


def make_interlaced(path, moments, fields, gop=250):
    """Weaves two moments into each frame; the earlier one has the top lines for tff."""
    early, late = moments[::2], moments[1::2]
    woven = late.copy()
    lines = 0 if fields == "tff" else 1
    woven[:, lines::2] = early[:, lines::2]
    encoder = {"flags": "+ildct+ilme"}
    return make_clip(path, woven, encoder=encoder, fields=fields, bframes=0, gop=gop)


@pytest.mark.parametrize("fields", ["tff", "bff"])
def test_interlaced_frames_become_whole(tmp_path, caplog, fields):
    moments = pan(24)
    source = make_interlaced(tmp_path / "in.mp4", moments, fields)
    translate(keep, source, tmp_path / "out.mp4", crf=8)
    images, times = decode(tmp_path / "out.mp4")
    assert times == decode(source)[1]
    error = np.mean((images.astype(float) - moments[::2]) ** 2)
    other = np.mean((images.astype(float) - moments[1::2]) ** 2)
    combs = np.mean((decode(source)[0].astype(float) - moments[::2]) ** 2)
    assert error < 0.4 * min(combs, other)
    assert caplog.messages == [f"{source}: 12 interlaced frames were deinterlaced (bwdif)"]


@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
def test_a_part_of_an_interlaced_film(tmp_path, suffix):
    source = make_interlaced(tmp_path / f"in{suffix}", pan(100), "tff", gop=12)
    translate(keep, source, tmp_path / "out.mp4", start=1, duration=0.5, crf=8)
    assert_alike(decode(tmp_path / "out.mp4")[0], pan(100)[50:76:2], 26)  # a neighbour: 20


def test_only_flagged_frames_are_deinterlaced(tmp_path, caplog):
    parts = [make_clip(tmp_path / "a.ts", pan(10)), tmp_path / "b.ts", tmp_path / "c.ts"]
    make_interlaced(parts[1], pan(20), "tff")
    make_clip(parts[2], pan(10, 64, 96))
    source = tmp_path / "in.ts"
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert translate(keep, source, tmp_path / "out.mp4", crf=8).frames == 30
    images = decode(tmp_path / "out.mp4")[0]
    assert_alike(images[:10], pan(10), 33)
    assert_alike(images[10:20], pan(20)[::2], 26)  # woven: 23
    assert "in.ts: 10 interlaced frames" in caplog.text


@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [
        ((96, 192), slice(16, 80), slice(0, 128)),
        ((120, 120), slice(0, 96), slice(16, 112)),
        ((48, 64), slice(0, 96), slice(0, 128)),
    ],
)
def test_frames_of_another_size_keep_their_aspect(tmp_path, caplog, size, rows, columns):
    parts = [
        make_clip(tmp_path / "a.ts", pan(5)),
        make_clip(tmp_path / "b.ts", pan(5, *size)),
    ]
    source = tmp_path / "in.ts"
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert translate(keep, source, tmp_path / "out.mp4", crf=8).frames == 10
    second = decode(tmp_path / "out.mp4")[0][5:]
    inner = second[:, rows, columns]
    shape = inner.shape[2:0:-1]
    assert_alike(
        inner, [cv2.resize(x, shape, interpolation=cv2.INTER_AREA) for x in pan(5, *size)], 24
    )
    bars = second.copy()
    bars[:, rows, columns] = 0
    assert bars.mean() < 1
    assert f"{source}: 5 frames have another size than the first" in caplog.text


def signal(level):
    return np.full(3, float(level))


@pytest.mark.parametrize(
    ("transfer", "level", "light"),
    [  # Report ITU-R BT.2408-5, table 1: a grey card of 18 %, and HDR reference white
        (hdr.HLG, 0.38, 26),
        (hdr.HLG, 0.75, 203),
        (hdr.HLG, 1, 1000),
        (hdr.PQ, 0.38, 26),
        (hdr.PQ, 0.58, 203),
        (hdr.PQ, 1, 10_000),
    ],
)
def test_levels_of_the_standard(transfer, level, light):
    eotf = hdr._pq_eotf if transfer == hdr.PQ else hdr._hlg_eotf
    assert eotf(signal(level)) == pytest.approx(light, rel=0.01)


@pytest.mark.parametrize(
    ("transfer", "card", "white", "peak"), [(hdr.HLG, 0.38, 0.75, 1), (hdr.PQ, 0.38, 0.58, 0.7518)]
)
def test_tone_mapping_keeps_what_is_dark_and_leaves_room_for_lights(transfer, card, white, peak):
    levels = [hdr.to_bt709(signal(level), transfer)[0] for level in (0, card, white, peak, 1)]
    assert levels[0] == 0
    assert levels[1] == pytest.approx((26 / 203) ** (1 / 2.4), abs=0.01)  # unchanged light
    assert 0.85 < levels[2] < 0.95
    assert levels[3:] == pytest.approx([1, 1], abs=0.001)
    many = np.linspace(0, 1, 200)[:, np.newaxis].repeat(3, axis=1)
    assert np.diff(hdr.to_bt709(many, transfer)[:, 0]).min() >= -1e-9


def test_primaries_of_bt2020_become_those_of_bt709():
    # Recommendation ITU-R BT.2087-0, section 4: BT.709's primaries in BT.2020.
    light = np.array([[0.6274, 0.0691, 0.0164], [0.3293, 0.9195, 0.0880], [0.0433, 0.0114, 0.8956]])
    found = hdr.to_bt709(light ** (1 / 2.4), transfer=14)
    np.testing.assert_allclose(found**2.4, np.eye(3), atol=2e-3)
    np.testing.assert_allclose(hdr.to_bt709(light, 14, primaries=1), light, atol=1e-9)


@pytest.mark.parametrize("transfer", [hdr.HLG, hdr.PQ, 14])
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_wide_video_becomes_bt709_and_says_so(tmp_path, caplog, transfer, codec):
    blurred = cv2.GaussianBlur(COFFEE, (0, 0), 4)[100:196, 100:228]
    images = np.broadcast_to(blurred // 2 + 40, (3, 96, 128, 3))
    encoder = {"x265-params": "log-level=error"} if codec == "libx265" else None
    source = make_clip(
        tmp_path / "in.mp4",
        images,
        codec=codec,
        pix_fmt="yuv420p10le",
        colour=(9, 1),
        transfer=transfer,
        encoder=encoder,
    )
    seen = []
    translate(lambda x: seen.append(x) or x, source, tmp_path / "out.mp4", crf=4)
    expected = 255 * hdr.to_bt709(images[0] / 255, transfer)
    assert np.abs(seen[0][0] - expected).mean() < 5
    assert_alike(decode(tmp_path / "out.mp4")[0], seen[0][:3], 33)
    with av.open(str(tmp_path / "out.mp4")) as container:
        frame = next(container.decode(video=0))
        tags = frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc
        assert tags == (1, 1, 1, 1)
        assert frame.format.name == "yuv420p"
    assert caplog.messages == [f"{source}: 3 frames in HDR or BT.2020 were converted to BT.709"]


def test_the_lookup_table_is_the_formula():
    rng = np.random.default_rng(0)
    grey = np.linspace(0, 1, 64 * 64).reshape(64, 64, 1)
    levels = np.clip(grey + rng.normal(0, 0.05, (64, 64, 3)), 0, 1)
    stored = np.rint(levels * 65535).astype(np.uint16)
    frame = av.VideoFrame.from_ndarray(stored, format="gbrp16le")
    frame.pts, frame.time_base = 0, 1
    for transfer in (hdr.HLG, hdr.PQ):
        found = hdr.ToBT709()(frame, transfer, 9).to_ndarray(format="gbrp16le") / 65535
        error = 255 * np.abs(found - hdr.to_bt709(stored / 65535, transfer))
        assert error.mean() < 0.3
        assert np.quantile(error, 0.99) < 5


def test_a_gif_keeps_the_times_of_its_frames(tmp_path):
    pts = [0, 10, 15, 60, 61, 90]
    source = tmp_path / "in.gif"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("gif", rate=100)
        stream.height, stream.width, stream.pix_fmt = 96, 128, "rgb8"
        stream.codec_context.time_base = Fraction(1, 100)
        for image, time in zip(pan(6), pts, strict=True):
            frame = av.VideoFrame.from_ndarray(image).reformat(format="rgb8")
            frame.pts, frame.time_base = time, Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    translate(keep, source, tmp_path / "out.mp4")
    images, times = decode(tmp_path / "out.mp4")
    assert [time for time, _ in times] == [time for time, _ in decode(source)[1]]
    assert [round(float(time), 3) for time, _ in times][:4] == [0, 0.1, 0.15, 0.6]
    assert_alike(images, decode(source)[0], 18)  # eight colours, dithered, in 4:2:0


def test_wmv_is_read(tmp_path):
    source = make_clip(tmp_path / "in.wmv", codec="wmv2")
    translate(keep, source, tmp_path / "out.mp4")
    assert_alike(decode(tmp_path / "out.mp4")[0], pan(12), 24)


def test_wmv_has_decoding_times_only(tmp_path):
    source = make_clip(tmp_path / "in.wmv", pan(24), bframes=2)
    translate(keep, source, tmp_path / "out.mp4")
    gaps = np.diff([float(time) for time, _ in decode(tmp_path / "out.mp4")[1]])
    assert len(gaps) == 23
    assert gaps.min() > 0.03
    assert gaps.max() < 0.09


def test_transparent_parts_are_laid_on_white(tmp_path, caplog):
    source = tmp_path / "in.mov"
    image = np.zeros((96, 128, 4), np.uint8)
    image[:, :64] = 0, 200, 0, 255
    image[:, 64:] = 255, 0, 0, 0  # a colour that no one should see
    with av.open(str(source), "w") as container:
        stream = container.add_stream("qtrle", rate=25)
        stream.height, stream.width, stream.pix_fmt = 96, 128, "argb"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgba")))
        container.mux(stream.encode(None))
    translate(keep, source, tmp_path / "out.mp4")
    found = decode(tmp_path / "out.mp4")[0][0].astype(int)
    assert np.abs(found[:, :56] - (0, 200, 0)).max() < 12
    assert np.abs(found[:, 72:] - 255).max() < 12
    assert "the transparent parts of 3 frames were laid on white" in caplog.text
