"""Every mode of pixels that Pillow writes to a file is read as the same colours."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from cartoon_tfds.images import ImageError, read_picture

COLOURS = Image.fromarray(
    np.random.default_rng(0).integers(0, 256, (4, 5, 4), dtype=np.uint8)
).resize((40, 24))

# mode, format, is_grey, has_palette, has_alpha, largest mean difference of the levels
MODES = [
    *[("1", format, True, False, False, 0) for format in ("PNG", "TIFF", "BMP", "PPM")],
    *[("L", format, True, False, False, 0) for format in ("PNG", "TIFF", "BMP", "PPM")],
    ("L", "JPEG", True, False, False, 3),
    ("L", "GIF", False, True, False, 0),  # GIF has palettes only
    ("LA", "PNG", True, False, True, 0),
    ("LA", "TIFF", True, False, True, 0),
    *[("P", format, False, True, False, 0) for format in ("PNG", "TIFF", "BMP", "GIF")],
    ("PA", "TIFF", False, True, True, 0),
    *[("RGB", format, False, False, False, 0) for format in ("PNG", "TIFF", "BMP", "PPM")],
    *[("RGB", format, False, False, False, 12) for format in ("JPEG", "WEBP", "AVIF")],
    ("RGBA", "PNG", False, False, True, 0),
    ("RGBA", "TIFF", False, False, True, 0),
    ("RGBX", "TIFF", False, False, False, 0),
    ("RGBA", "WEBP", False, False, True, 12),
    ("RGBA", "AVIF", False, False, True, 12),
    ("CMYK", "TIFF", False, False, False, 0),
    ("CMYK", "JPEG", False, False, False, 12),
    ("YCbCr", "JPEG", False, False, False, 12),
    ("LAB", "TIFF", False, False, False, 0),
]


def in_mode(mode):
    """Returns a picture of this mode, and its colours uint8 [H, W, 3]."""
    if mode == "LAB":
        picture = Image.merge("LAB", COLOURS.convert("RGB").split())
    elif mode == "PA":
        picture = COLOURS.convert("RGB").quantize(9).convert("PA")
        picture.putalpha(COLOURS.getchannel("A"))
    elif mode in ("LA", "RGBA"):
        picture = COLOURS.convert(mode)
    else:
        picture = COLOURS.convert("RGB").convert(mode)
    return picture, np.asarray(picture.convert("RGB"))


@pytest.mark.parametrize(("mode", "format", "is_grey", "has_palette", "has_alpha", "most"), MODES)
def test_mode(mode, format, is_grey, has_palette, has_alpha, most):
    picture, colours = in_mode(mode)
    stream = io.BytesIO()
    picture.save(stream, format)
    read = read_picture(stream.getvalue())
    shape = (read.is_grey, read.has_palette, read.alpha is not None)
    assert shape == (is_grey, has_palette, has_alpha)
    assert read.rgb.dtype == np.uint8
    if read.is_grey:
        np.testing.assert_array_equal(read.rgb, read.rgb[..., :1].repeat(3, axis=-1))
    shown = np.ones((24, 40), bool) if read.alpha is None else read.alpha > 250
    difference = np.abs(read.rgb.astype(int) - colours)[shown]
    assert difference.mean() <= most
    assert has_alpha == (not shown.all())


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_deep_grey(mode, format):
    levels = np.random.default_rng(0).integers(0, 2**16, (24, 40), dtype=np.uint16)
    stream = io.BytesIO()
    order = ">" if mode.endswith("B") else "<"
    if format == "TIFF":
        tifffile.imwrite(stream, levels, byteorder=order)
    else:
        Image.fromarray(levels).save(stream, format)
    picture = read_picture(stream.getvalue())
    assert picture.is_grey
    np.testing.assert_array_equal(picture.rgb[..., 0], levels)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_levels_of_an_unknown_range_are_refused(dtype):
    stream = io.BytesIO()
    Image.fromarray(np.zeros((24, 40), dtype)).save(stream, "TIFF")
    with pytest.raises(ImageError, match="32-bit pixels, whose range is unknown"):
        read_picture(stream.getvalue())
