"""Folders of all kinds of files: the bad are named, the rest becomes upright RGB."""

import io
import resource
import struct
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from cartoon_tfds.images import encode_png
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.recipes.pictures import Pictures
from cartoon_tfds.sources.base import SourceError
from cartoon_tfds.sources.folders import PictureFolder
from tests.cartoon_tfds.sources.builds import (
    assert_causes,
    build_folder,
    examples_by_id,
    listed_causes,
    only,
    skipped_json,
)


def _file(picture, format, **options):
    stream = io.BytesIO()
    picture.save(stream, format, **options)
    return stream.getvalue()


def _bomb():
    """A PNG file of a few bytes whose header promises 30000 by 30000 pixels, 2.5 GiB."""

    def chunk(kind, data):
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(100)))
    return b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b"")


# What is wrong with each file that cannot be used.
CAUSES = {
    "animated and cut.gif": "damaged: ",
    "bomb.png": "30000x30000 is over the limit of 67108864 pixels",
    "cut.jpg": "damaged: ",
    "empty.jpg": "the file is empty",
    "flipped.png": "damaged: ",
    "pixel.png": "1x1 is too small, both sides must have at least 8 pixels",
    "random.jpg": "not a picture in a known format",
    "sub/text.jpg": "not a picture in a known format",
    "ünlesbar 写真.jpg": "not a picture in a known format",
}


def _bad_files(image):
    jpeg = _file(Image.fromarray(image), "JPEG", quality=90)
    png = bytearray(encode_png(image))
    png[len(png) // 2] ^= 1
    frames = [Image.fromarray(frame).quantize(64) for frame in (image, image[::-1])]
    gif = _file(frames[0], "GIF", save_all=True, append_images=frames[1:])
    return {
        "animated and cut.gif": gif[: len(gif) // 4],
        "bomb.png": _bomb(),
        "cut.jpg": jpeg[: len(jpeg) // 2],
        "empty.jpg": b"",
        "flipped.png": bytes(png),
        "pixel.png": _file(Image.fromarray(image[:1, :1]), "PNG"),
        "random.jpg": np.random.default_rng(0).bytes(5000),
        "sub/text.jpg": b"This is no photograph.\n" * 100,
        "ünlesbar 写真.jpg": jpeg[100:],
    }


def _good_files(pieces):
    """Returns the bytes, the expected pixels and how far from them is allowed, by name."""
    image, grey, clear, deep, deep_grey, indexed, turned, animated, png, other, cmyk, plain = (
        pieces[:12]
    )
    grey = cv2.cvtColor(grey, cv2.COLOR_RGB2GRAY)
    deep_grey = cv2.cvtColor(deep_grey, cv2.COLOR_RGB2GRAY)
    alpha = np.full(clear.shape[:2], 255, np.uint8)
    alpha[30:60] = 0
    over_white = np.where(alpha[..., np.newaxis] > 0, clear, 255).astype(np.uint8)
    indexed = Image.fromarray(indexed).quantize(128)
    frames = [Image.fromarray(frame).quantize(128) for frame in (animated, animated[::-1])]
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    sideways = _file(Image.fromarray(turned), "JPEG", quality=95, exif=exif)

    def png16(pixels):
        deep = pixels.astype(np.uint16) * 256 + 200
        return cv2.imencode(".png", deep[..., ::-1] if deep.ndim == 3 else deep)[1].tobytes()

    def grey_rgb(pixels):
        return np.repeat(pixels[..., np.newaxis], 3, axis=-1)

    jpeg = _file(Image.fromarray(plain), "JPEG", quality=100, subsampling=0)
    cmyk_jpeg = _file(Image.fromarray(cmyk).convert("CMYK"), "JPEG", quality=95)
    return {
        "16 bit.png": (png16(deep), deep, 0),
        "16 bit grey.png": (png16(deep_grey), grey_rgb(deep_grey), 0),
        "Käse/Brot & 写真 🐈.png": (encode_png(other), other, 0),
        "animated.gif": (
            _file(frames[0], "GIF", save_all=True, append_images=frames[1:]),
            np.array(frames[0].convert("RGB")),
            0,
        ),
        "clear.png": (
            _file(Image.fromarray(np.dstack([clear, alpha])), "PNG"),
            over_white,
            0,
        ),
        "cmyk.jpg": (cmyk_jpeg, cmyk, 4),
        "grey.png": (_file(Image.fromarray(grey), "PNG"), grey_rgb(grey), 0),
        "indexed.png": (_file(indexed, "PNG"), np.array(indexed.convert("RGB")), 0),
        "photo.jpg": (jpeg, plain, 2),
        "photo.tiff": (_file(Image.fromarray(image), "TIFF"), image, 0),
        "really png.jpg": (encode_png(png), png, 0),
        "turned.jpg": (sideways, np.rot90(turned, -1), 4),
    }


def test_all_files_that_cannot_be_used_are_named_at_once(tmp_path, write, pieces):
    good = {name: data for name, (data, _, _) in _good_files(pieces).items()}
    folder = write({**good, **_bad_files(pieces[12])})
    start, memory = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SourceError) as error:
        build_folder(PictureFolder(folder, "mine"), tmp_path / "data")
    # Decoded, the bomb is 2.5 GiB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 300 * 1024
    assert time.monotonic() - start < 20
    assert str(error.value).startswith(f"{len(CAUSES)} of {len(good) + len(CAUSES)} ")
    assert_causes(listed_causes(error), CAUSES)
    assert str(tmp_path) not in str(error.value)
    assert not list((tmp_path / "data").rglob("*.array_record*"))


def test_nothing_is_drawn_before_all_have_been_looked_at(tmp_path, write, pieces, monkeypatch):
    folder = write({"a.png": encode_png(pieces[0]), "z.jpg": b"no picture"})
    monkeypatch.setattr(Pictures, "make", lambda *_: pytest.fail("made too early"))
    with pytest.raises(SourceError):
        build_folder(PictureFolder(folder, "mine"), tmp_path / "data")


def test_mended_folder_is_built_after_the_error(tmp_path, write, pieces):
    folder = write({"a.png": encode_png(pieces[0]), "z.jpg": b"no picture"})
    source, data_dir = PictureFolder(folder, "mine"), tmp_path / "data"
    with pytest.raises(SourceError):
        build_folder(source, data_dir)
    (folder / "z.jpg").unlink()
    assert examples_by_id(build_folder(source, data_dir)).keys() == {"a.png"}


def test_skip_bad_builds_the_rest_upright_and_rgb(tmp_path, write, pieces):
    good = _good_files(pieces)
    files = {name: data for name, (data, _, _) in good.items()}
    files["zoo/again.png"] = files["really png.jpg"]
    folder = write({**files, **_bad_files(pieces[12])})
    builder = build_folder(PictureFolder(folder, "mine"), tmp_path / "data", skip_bad=True)

    skipped = skipped_json(builder)
    assert skipped["counts"] == {"duplicate": 1, "unusable": len(CAUSES)}
    by_reason = {"duplicate": {}, "unusable": {}}
    for one in skipped["photographs"]:
        by_reason[one["reason"]][one["photo_id"]] = one["detail"]
    assert_causes(
        by_reason["unusable"], {name: f"{name}: {cause}" for name, cause in CAUSES.items()}
    )
    assert by_reason["duplicate"] == {"zoo/again.png": "same bytes as really png.jpg"}

    examples = examples_by_id(builder)
    assert examples.keys() == good.keys()
    for name, (_, expected, allowed) in good.items():
        example = only(examples[name])
        image = example["image"]
        assert image.dtype == np.uint8, name
        assert image.shape == expected.shape, name
        assert np.abs(image.astype(int) - expected).mean() <= allowed, name
        assert example["theme"].decode() == name.rpartition("/")[0]
        assert example["source"].decode() == name.rpartition("/")[2]


def test_everything_that_can_be_read_can_be_drawn(tmp_path, write, pieces):
    good = _good_files(pieces)
    folder = write({name: data for name, (data, _, _) in good.items()})
    recipe = Cartoons(views_per_photo=2, view_size=64, line_width=1.0)
    builder = build_folder(PictureFolder(folder, "mine"), tmp_path / "data", recipe)
    assert not (Path(builder.data_path) / "skipped.json").exists()
    examples = examples_by_id(builder)
    assert examples.keys() == good.keys()
    for name, (_, expected, _) in good.items():
        shapes = sorted(example["photo"].shape for example in examples[name])
        whole = (80, 64, 3) if name == "turned.jpg" else (64, 80, 3)
        assert shapes == sorted([(64, 64, 3), whole]), name
        views = sorted(example["view"].tolist() for example in examples[name])
        assert [0, 0, *expected.shape[1::-1]] in views
        for example in examples[name]:
            assert example["cartoon"].shape == example["photo"].shape


def test_name_that_is_not_unicode_is_no_reason_to_fail(tmp_path, write, pieces):
    # From an old archive or disk: Latin-1 on a system that uses UTF-8.
    folder = write({"a.png": encode_png(pieces[0])})
    try:
        (folder / "K\udce4se.png").write_bytes(encode_png(pieces[1]))
        (folder / "\udcff.jpg").write_bytes(b"no picture")
    except OSError:
        pytest.skip("this file system refuses such names")
    with pytest.raises(SourceError) as error:
        build_folder(PictureFolder(folder, "mine"), tmp_path / "data")
    str(error.value).encode()  # can be printed
    builder = build_folder(PictureFolder(folder, "mine"), tmp_path / "data", skip_bad=True)
    assert "a.png" in examples_by_id(builder)
    assert skipped_json(builder)["counts"]["unusable"] in (1, 2)


def test_line_break_in_a_name_does_not_break_the_list(tmp_path, write):
    folder = write({"two\nlines.jpg": b"no picture", "one.jpg": b"no picture"})
    with pytest.raises(SourceError) as error:
        build_folder(PictureFolder(folder, "mine"), tmp_path / "data")
    assert len(str(error.value).splitlines()) == 1 + 2
