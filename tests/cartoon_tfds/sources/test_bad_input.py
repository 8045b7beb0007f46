"""A folder of all that people have: what cannot be used is named, the rest becomes upright RGB."""

import io
import json
import resource
import struct
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from cartoon_tfds.build import build
from cartoon_tfds.cartoon_tfds_dataset_builder import BuildOptions, CartoonConfig
from cartoon_tfds.images import encode_png, read_image
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.recipes.pairs import ReadyPairs
from cartoon_tfds.recipes.pictures import Pictures
from cartoon_tfds.sources.base import Local, SourceError
from cartoon_tfds.sources.folders import PairFolders, PictureFolder
from cartoon_tfds.sources.packaged import iter_packaged


@pytest.fixture(scope="module")
def pieces():
    """Twenty different pieces of one photograph: uint8 [96, 120, 3]."""
    photo = next(photo for photo in iter_packaged() if photo.photo_id == "motorcycle")
    image = read_image(photo.data)
    return [
        np.ascontiguousarray(image[top : top + 96, left : left + 120])
        for top in range(10, 400, 96)
        for left in range(10, 600, 120)
    ]


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
    "bomb.png": "too large: ",
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


@pytest.fixture
def write(tmp_path):
    """Writes files by name into a folder and returns it."""

    def write(files, folder="photos"):
        for name, data in files.items():
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return tmp_path / folder

    return write


def _build(source, data_dir, recipe=None, *, skip_bad=False):
    config = CartoonConfig(
        name="mixed", description="Mixed.", origin=Local(source), recipe=recipe or Pictures()
    )
    options = BuildOptions(skip_bad=skip_bad)
    return build(config, data_dir, overwrite=False, options=options)


def _examples(builder):
    """Returns the examples of all splits, decoded, by id."""
    result = {}
    for split in builder.info.splits:
        for example in builder.as_data_source(split):
            result.setdefault(example["id"].decode(), []).append(example)
    return result


def _only(examples):
    (example,) = examples
    return example


def _listed(error):
    """Returns what an error lists: the causes by name; checks what it says before and after."""
    first, *lines, last = str(error.value).splitlines()
    assert first.startswith(f"{len(lines)} of ")
    assert first.endswith(" photographs cannot be used:")
    assert "--skip_bad" in last
    return dict(line.strip().split(": ", 1) for line in lines)


def _skipped(builder):
    return json.loads((Path(builder.data_path) / "skipped.json").read_text(encoding="utf-8"))


def _assert_causes(found, expected):
    assert found.keys() == expected.keys()
    for name, cause in expected.items():
        assert found[name].startswith(cause), name


def test_all_files_that_cannot_be_used_are_named_at_once(tmp_path, write, pieces):
    good = {name: data for name, (data, _, _) in _good_files(pieces).items()}
    folder = write({**good, **_bad_files(pieces[12])})
    start, memory = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SourceError) as error:
        _build(PictureFolder(folder, "mine"), tmp_path / "data")
    # Decoded, the bomb is 2.5 GiB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 300 * 1024
    assert time.monotonic() - start < 20
    assert str(error.value).startswith(f"{len(CAUSES)} of {len(good) + len(CAUSES)} ")
    _assert_causes(_listed(error), CAUSES)
    assert str(tmp_path) not in str(error.value)
    assert not list((tmp_path / "data").rglob("*.array_record*"))


def test_nothing_is_drawn_before_all_have_been_looked_at(tmp_path, write, pieces, monkeypatch):
    folder = write({"a.png": encode_png(pieces[0]), "z.jpg": b"no picture"})
    monkeypatch.setattr(Pictures, "make", lambda *_: pytest.fail("made too early"))
    with pytest.raises(SourceError):
        _build(PictureFolder(folder, "mine"), tmp_path / "data")


def test_mended_folder_is_built_after_the_error(tmp_path, write, pieces):
    folder = write({"a.png": encode_png(pieces[0]), "z.jpg": b"no picture"})
    source, data_dir = PictureFolder(folder, "mine"), tmp_path / "data"
    with pytest.raises(SourceError):
        _build(source, data_dir)
    (folder / "z.jpg").unlink()
    assert _examples(_build(source, data_dir)).keys() == {"a.png"}


def test_skip_bad_builds_the_rest_upright_and_rgb(tmp_path, write, pieces):
    good = _good_files(pieces)
    files = {name: data for name, (data, _, _) in good.items()}
    files["zoo/again.png"] = files["really png.jpg"]
    folder = write({**files, **_bad_files(pieces[12])})
    builder = _build(PictureFolder(folder, "mine"), tmp_path / "data", skip_bad=True)

    skipped = _skipped(builder)
    assert skipped["counts"] == {"duplicate": 1, "unusable": len(CAUSES)}
    by_reason = {"duplicate": {}, "unusable": {}}
    for one in skipped["photographs"]:
        by_reason[one["reason"]][one["photo_id"]] = one["detail"]
    _assert_causes(
        by_reason["unusable"], {name: f"{name}: {cause}" for name, cause in CAUSES.items()}
    )
    assert by_reason["duplicate"] == {"zoo/again.png": "same bytes as really png.jpg"}

    examples = _examples(builder)
    assert examples.keys() == good.keys()
    for name, (_, expected, allowed) in good.items():
        example = _only(examples[name])
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
    builder = _build(PictureFolder(folder, "mine"), tmp_path / "data", recipe)
    assert not (Path(builder.data_path) / "skipped.json").exists()
    examples = _examples(builder)
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
        _build(PictureFolder(folder, "mine"), tmp_path / "data")
    str(error.value).encode()  # can be printed
    builder = _build(PictureFolder(folder, "mine"), tmp_path / "data", skip_bad=True)
    assert "a.png" in _examples(builder)
    assert _skipped(builder)["counts"]["unusable"] in (1, 2)


def test_line_break_in_a_name_does_not_break_the_list(tmp_path, write):
    folder = write({"two\nlines.jpg": b"no picture", "one.jpg": b"no picture"})
    with pytest.raises(SourceError) as error:
        _build(PictureFolder(folder, "mine"), tmp_path / "data")
    assert len(str(error.value).splitlines()) == 1 + 2


def test_pairs_that_cannot_be_used_are_named_at_once(tmp_path, write, pieces):
    images = [encode_png(piece) for piece in pieces[:8]]
    small = encode_png(pieces[7][:64])
    inputs = write(
        {
            **dict(zip(("a.png", "b.png", "sub/c.png"), images, strict=False)),
            "alone.png": images[3],
            "cut.png": images[4],
            "sizes.png": images[5],
            "twice.png": images[6],
            "twice.jpg": images[6],
        },
        "inputs",
    )
    targets = write(
        {
            **{f"{name}.jpg": images[7] for name in ("a", "b", "sub/c", "twice")},
            "cut.jpg": images[4][:2000],
            "lonely.jpg": images[3],
            "sizes.jpg": small,
        },
        "targets",
    )
    source, data_dir = PairFolders(inputs, targets, license="mine"), tmp_path / "data"
    causes = {
        "alone": "not in ",
        "cut (target)": "damaged: ",
        "lonely": "not in ",
        "sizes": "the input is 120x96 pixels, the target 120x64",
        "twice": "several files of this name: twice.jpg and twice.png",
    }
    with pytest.raises(SourceError) as error:
        _build(source, data_dir, ReadyPairs())
    assert str(error.value).startswith("5 of 8 ")
    _assert_causes(_listed(error), causes)

    builder = _build(source, data_dir, ReadyPairs(), skip_bad=True)
    skipped = _skipped(builder)
    assert skipped["counts"] == {"unusable": 5}
    names = [photograph["photo_id"] for photograph in skipped["photographs"]]
    assert names == ["alone", "cut", "lonely", "sizes", "twice"]
    examples = _examples(builder)
    assert examples.keys() == {"a", "b", "sub/c"}
    for name, piece in zip(("a", "b", "sub/c"), pieces, strict=False):
        np.testing.assert_array_equal(_only(examples[name])["input"], piece)
        np.testing.assert_array_equal(_only(examples[name])["target"], pieces[7])


def test_pairs_side_by_side_that_cannot_be_used_are_named(tmp_path, write, pieces):
    both = np.concatenate(pieces[:2], axis=1)
    files = {"good.png": both, "odd.png": both[:, :-1]}
    folder = write({name: encode_png(image) for name, image in files.items()} | {"text.jpg": b"x"})
    source = PairFolders(folder, license="mine")
    causes = {"odd": "239 pixels wide", "text": "not a picture in a known format"}
    with pytest.raises(SourceError) as error:
        _build(source, tmp_path / "data", ReadyPairs())
    _assert_causes(_listed(error), causes)
    builder = _build(source, tmp_path / "data", ReadyPairs(), skip_bad=True)
    example = _only(_examples(builder)["good"])
    np.testing.assert_array_equal(example["input"], pieces[0])
    np.testing.assert_array_equal(example["target"], pieces[1])


def test_pairs_keep_the_splits_of_their_folders(tmp_path, write, pieces):
    names = ["train/a.png", "train/b.png", "val/c.png", "test/d.png"]
    both = [np.concatenate([piece, piece[::-1]], axis=1) for piece in pieces[:4]]
    folder = write(dict(zip(names, map(encode_png, both), strict=True)))
    source = PairFolders(folder, license="mine")
    builder = _build(source, tmp_path / "data", ReadyPairs())
    sizes = {split: info.num_examples for split, info in builder.info.splits.items()}
    assert sizes == {"train": 2, "validation": 1, "test": 1}
    assert next(iter(builder.as_data_source("test")))["id"] == b"test/d"


@pytest.mark.parametrize("source", [PictureFolder, PairFolders])
def test_folder_that_is_not_there_is_named_and_nothing_is_left(tmp_path, source):
    with pytest.raises(SourceError, match=r"nowhere: no such folder"):
        _build(source(tmp_path / "nowhere", license="mine"), tmp_path / "data")
    assert not list((tmp_path / "data").rglob("*.array_record*"))
