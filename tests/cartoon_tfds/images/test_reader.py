"""Every kind of picture becomes the same upright RGB pixels, or one line that names it."""

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from cartoon_tfds import images
from cartoon_tfds.images import ImageError, encode_png, read_image, write_png


@pytest.fixture
def pixels():
    """A picture with nothing symmetric in it: uint8 [24, 40, 3]."""
    return np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)


def _file(picture, format, **options):
    stream = io.BytesIO()
    picture.save(stream, format, **options)
    return stream.getvalue()


def _png_header(width, height):
    """A PNG file that claims a size and holds no pixels to speak of."""

    def chunk(kind, data):
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b"")


def _assert_one_line(error, *parts):
    message = str(error.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM", "WEBP"])
def test_lossless_formats_keep_every_pixel(pixels, format):
    options = {"lossless": True} if format == "WEBP" else {}
    result = read_image(_file(Image.fromarray(pixels), format, **options))
    assert result.dtype == np.uint8
    assert result.flags.c_contiguous
    assert result.flags.writeable
    np.testing.assert_array_equal(result, pixels)


def test_format_is_judged_by_content_not_by_extension(pixels, tmp_path):
    path = tmp_path / "Käse und Brot 写真.jpg"
    path.write_bytes(encode_png(pixels))
    np.testing.assert_array_equal(read_image(path), pixels)
    np.testing.assert_array_equal(read_image(str(path)), pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(pixels, orientation):
    smooth = cv2.resize(pixels[:4, :6], (96, 64))  # survives JPEG
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = _file(Image.fromarray(smooth), "JPEG", quality=100, subsampling=0, exif=exif)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert (expected.shape[0] > expected.shape[1]) == (orientation >= 5)
    result = read_image(data).astype(int)
    assert result.shape == expected.shape
    assert np.abs(result - expected).max() <= 3  # two JPEG decoders


def test_grey_becomes_three_equal_channels(pixels):
    grey = pixels[..., 0]
    result = read_image(_file(Image.fromarray(grey), "PNG"))
    np.testing.assert_array_equal(result, np.stack([grey] * 3, axis=-1))


def test_one_bit_becomes_black_and_white(pixels):
    mask = pixels[..., 0] > 127
    result = read_image(_file(Image.fromarray(mask), "PNG"))
    np.testing.assert_array_equal(result, np.stack([mask * np.uint8(255)] * 3, axis=-1))


@pytest.mark.parametrize("colour", [True, False])
def test_transparency_lies_over_white(pixels, colour):
    shown = pixels if colour else np.stack([pixels[..., 0]] * 3, axis=-1)
    alpha = np.zeros((24, 40), np.uint8)
    alpha[:, 10:] = 255
    alpha[:, 20:] = 128
    channels = [shown if colour else shown[..., :1], alpha[..., np.newaxis]]
    data = _file(Image.fromarray(np.concatenate(channels, axis=-1)), "PNG")
    result = read_image(data).astype(float)
    assert (result[:, :10] == 255).all()
    np.testing.assert_array_equal(result[:, 10:20], shown[:, 10:20])
    expected = 255 + (shown[:, 20:].astype(float) - 255) * 128 / 255
    np.testing.assert_allclose(result[:, 20:], expected, atol=1)


def test_palette_with_a_transparent_colour(pixels):
    picture = Image.fromarray(pixels).quantize(8)
    palette = np.array(picture.getpalette()[: 8 * 3], np.uint8).reshape(8, 3)
    palette[3] = 255  # what transparent white looks like
    expected = palette[np.asarray(picture)]
    result = read_image(_file(picture, "PNG", transparency=3))
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("extension", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_keep_their_high_byte(pixels, extension, channels):
    deep = pixels[..., :channels].astype(np.uint16) * 256 + 77
    data = cv2.imencode(extension, deep[..., ::-1])[1].tobytes()
    result = read_image(data)
    np.testing.assert_array_equal(result, np.broadcast_to(pixels[..., :channels], result.shape))


def test_cmyk_becomes_rgb():
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    result = read_image(_file(cyan, "JPEG", quality=100)).astype(int)
    assert np.abs(result - (0, 255, 255)).max() <= 3


def test_first_frame_of_an_animation(pixels):
    first = Image.fromarray(pixels).quantize(16)
    data = _file(first, "GIF", save_all=True, append_images=[Image.new("P", first.size)])
    np.testing.assert_array_equal(read_image(data), np.asarray(first.convert("RGB")))


def test_first_picture_of_a_phones_double_shot():
    red, blue = (Image.new("RGB", (32, 16), colour) for colour in ("red", "blue"))
    result = read_image(_file(red, "MPO", save_all=True, append_images=[blue])).astype(int)
    assert np.abs(result - (255, 0, 0)).max() <= 3


def test_float_pixels_are_refused():
    picture = Image.fromarray(np.zeros((16, 16), np.float32))
    with pytest.raises(ImageError, match="32-bit"):
        read_image(_file(picture, "TIFF"))


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 7)])
def test_too_small(size):
    with pytest.raises(ImageError) as error:
        read_image(_file(Image.new("RGB", size), "PNG"), "dot.png")
    _assert_one_line(error, "dot.png", "too small")


@pytest.mark.parametrize("side", [9000, 13000, 30000])
def test_bomb_is_refused_by_its_header(side):
    with pytest.raises(ImageError) as error:
        read_image(_png_header(side, side), "bomb.png")
    _assert_one_line(error, "bomb.png")
    assert "over the limit" in str(error.value) or "too large" in str(error.value)


def test_real_bomb_takes_no_memory(tmp_path):
    path = tmp_path / "bomb.png"
    cv2.imwrite(os.fspath(path), np.zeros((9000, 9000, 3), np.uint8))
    # The pixels are 237 MiB; 64 MiB more than the imports take must be enough.
    script = (
        "import resource, sys\nfrom cartoon_tfds.images import read_image\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2**26, used + 2**26))\n"
        "try:\n    read_image(sys.argv[1], max_pixels=int(sys.argv[2]))\n"
        "except Exception as error:\n    print(error)"
    )

    def read(max_pixels):
        command = [sys.executable, "-c", script, path, str(max_pixels)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "over the limit" in read(images.MAX_PIXELS)
    assert "over the limit" not in read(10**9)  # else the test would show nothing


def test_limit_is_on_pixels(pixels):
    data = encode_png(pixels)
    assert read_image(data, max_pixels=24 * 40).shape == (24, 40, 3)
    with pytest.raises(ImageError, match="over the limit"):
        read_image(data, max_pixels=24 * 40 - 1)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "TIFF", "WEBP"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_truncated(pixels, format, part):
    big = np.tile(pixels, (8, 8, 1))
    data = _file(Image.fromarray(big), format)
    with pytest.raises(ImageError) as error:
        read_image(data[: int(len(data) * part)], "half.jpg")
    _assert_one_line(error, "half.jpg")


def test_every_flipped_byte_of_png_pixels_is_noticed(pixels):
    data = encode_png(pixels)
    start = data.index(b"IDAT") + 4
    end = data.index(b"IEND") - 8
    for position in np.linspace(start, end, 50, dtype=int):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        with pytest.raises(ImageError, match="damaged"):
            read_image(bytes(damaged))


# What Pillow alone would open, and hand to Ghostscript to draw.
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 40\n%%EndComments\nshowpage\n"


@pytest.mark.parametrize(
    ("data", "cause"), [(b"", "empty"), (b"no picture", "known format"), (EPS, "known format")]
)
def test_not_a_picture(data, cause, tmp_path):
    path = tmp_path / "x.jpg"
    path.write_bytes(data)
    for given in (path, data):
        with pytest.raises(ImageError) as error:
            read_image(given, "x.jpg")
        _assert_one_line(error, "x.jpg", cause)


def test_missing_file_and_folder_and_pipe(tmp_path):
    with pytest.raises(ImageError) as error:
        read_image(tmp_path / "nowhere.jpg")
    _assert_one_line(error, "nowhere.jpg", "No such file")
    with pytest.raises(ImageError, match="name too long"):
        read_image(tmp_path / ("x" * 300))
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path, tmp_path / "pipe.jpg"):
        with pytest.raises(ImageError, match="not a file"):
            read_image(path)


def test_encode_png_is_lossless_and_repeatable(pixels):
    assert encode_png(pixels) == encode_png(pixels.copy())
    decoded = cv2.imdecode(np.frombuffer(encode_png(pixels), np.uint8), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(decoded, pixels)
    np.testing.assert_array_equal(read_image(encode_png(pixels[:, ::-1])), pixels[:, ::-1])


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((9, 9, 3)),
        np.zeros((9, 9), np.int16),
        np.zeros(9, np.uint8),
        np.zeros((9, 9, 2), np.uint8),
        np.zeros((1, 9, 9, 3), np.uint8),
        np.zeros((0, 9, 3), np.uint8),
    ],
    ids=lambda bad: f"{bad.dtype} {bad.shape}",
)
def test_encode_png_refuses_other_arrays(bad):
    with pytest.raises(ValueError, match="expected uint8"):
        encode_png(bad)


def test_write_png(pixels, tmp_path):
    write_png(tmp_path / "a.png", pixels)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), pixels)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_write_png_that_fails_leaves_the_old_file(pixels, tmp_path, monkeypatch):
    write_png(tmp_path / "a.png", pixels)

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_png(tmp_path / "a.png", pixels[::-1])
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), pixels)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_deep_planes_that_pillow_misreads_are_refused(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    planes = np.random.default_rng(0).integers(0, 2**16, (3, 20, 30), np.uint16)
    tifffile.imwrite(tmp_path / "deep.tif", planes, photometric="rgb", planarconfig="separate")
    with pytest.raises(ImageError, match=r"deep\.tif: 16-bit channels in separate planes"):
        read_image(tmp_path / "deep.tif")
    tifffile.imwrite(tmp_path / "whole.tif", planes.transpose(1, 2, 0), photometric="rgb")
    np.testing.assert_array_equal(
        read_image(tmp_path / "whole.tif"), (planes.transpose(1, 2, 0) >> 8).astype(np.uint8)
    )
