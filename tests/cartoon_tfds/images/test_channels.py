"""What files hold beside eight-bit colour is there to the last bit."""

import io
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, PngImagePlugin

from cartoon_tfds.images import encode_png, read_image, read_picture

DEEP = np.random.default_rng(0).integers(0, 65536, (24, 40, 4), dtype=np.uint16)
SHALLOW = (DEEP >> 8).astype(np.uint8)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def file(picture, format, **options):
    stream = io.BytesIO()
    picture.save(stream, format, **options)
    return stream.getvalue()


def tiff(pixels, **options):
    stream = io.BytesIO()
    options = {"photometric": "minisblack" if pixels.ndim == 2 else "rgb", **options}
    tifffile.imwrite(stream, pixels, **options)
    return stream.getvalue()


def with_chunk(png, name, data):
    """Returns a PNG file with one more chunk behind its header."""
    stream = io.BytesIO()
    stream.write(png[:33])
    PngImagePlugin.putchunk(stream, name, data)
    stream.write(png[33:])
    return stream.getvalue()


def deep_grey_with_alpha():
    stream = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    stream.seek(0, io.SEEK_END)
    rows = DEEP[..., :2].astype(">u2").reshape(24, -1).view(np.uint8)
    rows = np.pad(rows, ((0, 0), (1, 0)))  # no filter
    PngImagePlugin.putchunk(stream, b"IHDR", bytes([0, 0, 0, 40, 0, 0, 0, 24, 16, 4, 0, 0, 0]))
    PngImagePlugin.putchunk(stream, b"IDAT", zlib.compress(rows.tobytes()))
    PngImagePlugin.putchunk(stream, b"IEND", b"")
    return stream.getvalue()


def assert_holds(picture, pixels):
    """Checks a picture against [H, W] grey, [H, W, 3] RGB or [H, W, 4] with transparency."""
    rgb = pixels[..., :3] if pixels.ndim == 3 else np.stack([pixels] * 3, axis=-1)
    assert picture.rgb.dtype == pixels.dtype
    np.testing.assert_array_equal(picture.rgb, rgb)
    assert picture.is_grey == (pixels.ndim == 2)
    if pixels.shape[2:] == (4,):
        assert picture.alpha.dtype == pixels.dtype
        np.testing.assert_array_equal(picture.alpha, pixels[..., 3])
    else:
        assert picture.alpha is None


CHANNELS = {"grey": np.s_[..., 0], "rgb": np.s_[..., :3], "rgba": np.s_[...]}


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("pixels", [SHALLOW, DEEP], ids=["8", "16"])
def test_png_is_written_and_read_as_it_is(pixels, channels):
    pixels = pixels[CHANNELS[channels]]
    data = encode_png(pixels)
    assert_holds(read_picture(data), pixels)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded.dtype == pixels.dtype
    if pixels.ndim == 3:
        decoded = decoded[..., [2, 1, 0, 3][: decoded.shape[-1]]]
    np.testing.assert_array_equal(decoded, pixels)


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_sixteen_bit_tiff(byteorder, compression, channels):
    pixels = DEEP[CHANNELS[channels]]
    extra = {"extrasamples": ["unassalpha"]} if channels == "rgba" else {}
    data = tiff(pixels, byteorder=byteorder, compression=compression, **extra)
    assert_holds(read_picture(data), pixels)


@pytest.mark.parametrize("channels", CHANNELS)
def test_sixteen_bits_are_turned_upright(channels):
    pixels = DEEP[CHANNELS[channels]]
    orientation = [(274, 3, 1, 6, True)]
    extra = {"extrasamples": ["unassalpha"]} if channels == "rgba" else {}
    assert_holds(read_picture(tiff(pixels, extratags=orientation, **extra)), np.rot90(pixels, -1))
    exif = Image.Exif()
    exif[274] = 6
    data = with_chunk(encode_png(pixels), b"eXIf", exif.tobytes()[6:])
    assert_holds(read_picture(data), np.rot90(pixels, -1))


@pytest.mark.parametrize(
    ("data", "rgb", "alpha"),
    [
        (deep_grey_with_alpha(), SHALLOW[..., :1], SHALLOW[..., 1]),
        (
            tiff(np.moveaxis(DEEP[..., :3], -1, 0).copy(), compression="zlib"),
            SHALLOW[..., :3],
            None,
        ),
        (tiff(DEEP, photometric="separated"), None, None),
    ],
    ids=["grey with transparency", "planes", "cmyk"],
)
def test_what_pillow_gives_the_high_byte_of_only(data, rgb, alpha):
    picture = read_picture(data)
    if rgb is None:
        rgb = np.array(Image.fromarray(SHALLOW, "CMYK").convert("RGB"))
    np.testing.assert_array_equal(picture.rgb, np.broadcast_to(np.uint16(257) * rgb, (24, 40, 3)))
    if alpha is None:
        assert picture.alpha is None
    else:
        np.testing.assert_array_equal(picture.alpha, np.uint16(257) * alpha)
        assert picture.is_grey


def test_a_transparent_colour_of_sixteen_bits():
    pixels = np.full((24, 40, 3), 51 * 257, np.uint16)
    pixels[4:9] = 5 * 257
    data = with_chunk(encode_png(pixels), b"tRNS", np.array([5, 5, 5], ">u2").tobytes())
    picture = read_picture(data)
    np.testing.assert_array_equal(picture.rgb, pixels)
    assert set(np.unique(picture.alpha)) <= {0, 65535}


@pytest.mark.parametrize(
    ("mode", "format", "is_grey", "has_alpha"),
    [
        ("1", "PNG", True, False),
        ("L", "JPEG", True, False),
        ("LA", "PNG", True, True),
        ("P", "PNG", False, False),
        ("RGB", "JPEG", False, False),
        ("RGBA", "WEBP", False, True),
        ("CMYK", "JPEG", False, False),
    ],
)
def test_grey_and_transparency_are_what_the_file_says(mode, format, is_grey, has_alpha):
    image = Image.fromarray(SHALLOW)
    image = (image if "A" in mode else image.convert("RGB")).convert(mode)
    picture = read_picture(file(image, format))
    assert (picture.is_grey, picture.alpha is not None) == (is_grey, has_alpha)
    assert picture.rgb.dtype == np.uint8


def test_colour_under_transparency_is_read_as_it_lies_there():
    picture = read_picture(file(Image.fromarray(SHALLOW), "PNG"))
    assert (picture.alpha == 0).any()
    assert_holds(picture, SHALLOW)
    grey = SHALLOW[..., :1].repeat(3, axis=-1)
    grey_picture = read_picture(file(Image.fromarray(SHALLOW[..., [0, 3]]), "PNG"))
    np.testing.assert_array_equal(grey_picture.rgb, grey)
    np.testing.assert_array_equal(grey_picture.alpha, SHALLOW[..., 3])


def test_a_palette_with_a_transparent_colour():
    image = Image.fromarray(SHALLOW[..., :3]).quantize(8)
    picture = read_picture(file(image, "PNG", transparency=3))
    np.testing.assert_array_equal(picture.alpha, 255 * (np.asarray(image) != 3))
    np.testing.assert_array_equal(picture.rgb, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_the_profile_is_read(format):
    image = Image.fromarray(SHALLOW[..., :3])
    assert read_picture(file(image, format)).icc_profile is None
    assert read_picture(file(image, format, icc_profile=SRGB)).icc_profile == SRGB


def test_the_profile_is_written():
    data = encode_png(DEEP, SRGB)
    picture = read_picture(data)
    assert picture.icc_profile == SRGB
    assert_holds(picture, DEEP)
    assert b"iCCP" not in encode_png(DEEP)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(decoded[..., [2, 1, 0, 3]], DEEP)


def test_read_image_is_the_same_picture_over_white():
    for data in (encode_png(DEEP), encode_png(SHALLOW), deep_grey_with_alpha()):
        np.testing.assert_array_equal(read_image(data), read_picture(data).over_white())
    np.testing.assert_array_equal(read_image(encode_png(DEEP)), read_image(encode_png(SHALLOW)))
