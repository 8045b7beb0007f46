"""Metadata that cannot be read costs no picture; pixels that cannot be read cost the picture."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin

from cartoon_tfds.images import ImageError, opening, read_image, read_picture

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)
PICTURE = Image.fromarray(PIXELS)
SMOOTH = PICTURE.resize((4, 3)).resize((80, 48))  # survives JPEG
ENDLESS = zlib.compress(bytes(PngImagePlugin.MAX_TEXT_CHUNK + 1))


def saved(format, picture=PICTURE, **options):
    stream = io.BytesIO()
    picture.save(stream, format, **options)
    return stream.getvalue()


def chunk(kind, data, checksum=None):
    checksum = zlib.crc32(kind + data) if checksum is None else checksum
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def with_chunk(added, *, last=False):
    """Returns a PNG file with a chunk behind its header, or behind its pixels."""
    png = saved("PNG")
    place = png.index(b"IEND") - 4 if last else 33
    return png[:place] + added + png[place:]


BAD_CHUNKS = {
    "text of a megabyte": chunk(b"zTXt", b"key\0\0" + ENDLESS),
    "international text of a megabyte": chunk(b"iTXt", b"key\0\1\0\0\0" + ENDLESS),
    "text that is not compressed": chunk(b"zTXt", b"key\0\0garbage"),
    "text of an unknown method": chunk(b"zTXt", b"key\0\7garbage"),
    "wrong checksum of a comment": chunk(b"tEXt", b"key\0value", checksum=1),
    "wrong checksum of an unknown chunk": chunk(b"unKn", b"?", checksum=1),
    "EXIF data that is garbage": chunk(b"eXIf", b"\0\x08garbage"),
    "EXIF data that is empty": chunk(b"eXIf", b""),
    "EXIF data in text that is garbage": chunk(b"tEXt", b"Raw profile type exif\0garbage\n\n\nxyz"),
    "half a resolution": chunk(b"pHYs", b"\0\0"),
    "half a gamma": chunk(b"gAMA", b"\0"),
    "odd chromaticities": chunk(b"cHRM", b"\0\0\0\1\0"),
    "no intent": chunk(b"sRGB", b""),
    "half an animation": chunk(b"acTL", b"\0"),
    "a frame out of order": chunk(b"fcTL", struct.pack(">IIIII", 9, 40, 24, 0, 0) + bytes(6)),
    "a frame that is larger": chunk(b"fcTL", struct.pack(">IIIII", 0, 400, 24, 0, 0) + bytes(6)),
}


@pytest.mark.parametrize("last", [False, True], ids=["before pixels", "behind pixels"])
@pytest.mark.parametrize("bad", BAD_CHUNKS)
def test_png_with_a_bad_chunk_is_read(bad, last):
    picture = read_picture(with_chunk(BAD_CHUNKS[bad], last=last))
    np.testing.assert_array_equal(picture.rgb, PIXELS)
    assert not picture.lost_profile


@pytest.mark.parametrize(
    "profile",
    [b"name\0\0garbage", b"name\0\7" + zlib.compress(b"x"), b"name\0\0" + ENDLESS, b"name"],
    ids=["garbage", "unknown method", "a megabyte", "nothing"],
)
def test_bad_profile_of_a_png_is_left_out_and_told(profile):
    picture = read_picture(with_chunk(chunk(b"iCCP", profile)))
    np.testing.assert_array_equal(picture.rgb, PIXELS)
    assert (picture.icc_profile, picture.lost_profile) == (None, True)
    wrong_checksum = with_chunk(chunk(b"iCCP", b"name\0\0" + zlib.compress(b"x"), checksum=1))
    assert read_picture(wrong_checksum).lost_profile


def test_much_text_in_small_chunks_is_left_out():
    text = chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(PngImagePlugin.MAX_TEXT_CHUNK - 9)))
    many = text * (PngImagePlugin.MAX_TEXT_MEMORY // PngImagePlugin.MAX_TEXT_CHUNK + 2)
    np.testing.assert_array_equal(read_image(with_chunk(many)), PIXELS)


def test_good_metadata_behind_bad_metadata_counts():
    exif = Image.Exif()
    exif[274] = 6
    data = with_chunk(BAD_CHUNKS["text of a megabyte"] + chunk(b"eXIf", exif.tobytes()[6:]))
    np.testing.assert_array_equal(read_image(data), np.rot90(PIXELS, -1))


@pytest.mark.parametrize("kind", [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"])
def test_wrong_checksum_of_pixels_is_an_error(kind):
    data = bytearray(saved("PNG", PICTURE.quantize(8), transparency=bytes(range(8))))
    start = data.index(kind)
    length = struct.unpack(">I", data[start - 4 : start])[0]
    data[start + 4 + length] ^= 1
    if kind == b"IEND":  # holds nothing, and decoders do not read it
        read_image(bytes(data))
        return
    with pytest.raises(ImageError, match=r"x\.png: damaged") as caught:
        read_image(bytes(data), "x.png")
    assert "known format" not in str(caught.value)


BAD_EXIF = {
    "garbage": b"Exif\0\0\0\x08garbage",
    "empty": b"Exif\0\0",
    "no tags": b"Exif\0\0MM\0*\0\0\0\x08",
    "beyond the end": b"Exif\0\0MM\0*\0\xff\xff\xff",
    "a loop": b"Exif\0\0MM\0*\0\0\0\x08\0\1\x87\x69\0\4\0\0\0\1\0\0\0\x08\0\0\0\x08",
    "a text as orientation": b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\2\0\0\0\4abc\0\0\0\0\0",
    "orientation 99": b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\x63\0\0\0\0\0\0",
    "two tags, one there": b"Exif\0\0MM\0*\0\0\0\x08\0\2\1\x12\0\3\0\0\0\1\0\1\0\0",
}


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF", "PNG"])
@pytest.mark.parametrize("exif", BAD_EXIF)
def test_bad_exif_leaves_the_picture_as_it_lies(format, exif):
    if format == "AVIF":  # Pillow reads the data before it writes it.
        good = b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0" + b"\x11\x22\x33" * 20
        data = saved(format, SMOOTH, exif=good)
        bad = BAD_EXIF[exif][6:].ljust(len(good) - 6, b"\0")
        assert data.count(good[6:]) == 1
        data = data.replace(good[6:], bad)
    elif format == "PNG":
        data = with_chunk(chunk(b"eXIf", BAD_EXIF[exif][6:]))
        np.testing.assert_array_equal(read_image(data), PIXELS)
        return
    else:
        data = saved(format, SMOOTH, exif=BAD_EXIF[exif])
    expected = read_image(saved(format, SMOOTH))
    np.testing.assert_array_equal(read_image(data), expected)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiff_with_a_damaged_exif_directory_is_turned_by_its_own_tag(compression):
    tags = [(274, 3, 1, 6, True), (34665, 4, 1, 2**31 - 5, True), (700, 1, 4, b"\xff\0\xff\0", 1)]
    stream = io.BytesIO()
    options = {"photometric": "rgb", "compression": compression, "extratags": tags}
    tifffile.imwrite(stream, PIXELS, **options)
    np.testing.assert_array_equal(read_image(stream.getvalue()), np.rot90(PIXELS, -1))


def test_damaged_table_of_a_double_shot_costs_nothing():
    other = Image.new("RGB", SMOOTH.size)
    data = saved("MPO", SMOOTH, save_all=True, append_images=[other], quality=95)
    plain = read_picture(data)
    assert plain.pages == 1  # a second shot is no page
    start = data.index(b"MPF\0")
    for damage in (b"MPF\0garbage", b"MPF\0MM\0*\xff\xff\xff\xff", b"MPF\0MM\0*\0\0\0\x08\0\0"):
        damaged = data[:start] + damage + data[start + len(damage) :]
        np.testing.assert_array_equal(read_image(damaged), plain.rgb)


def test_profile_of_a_jpeg_with_a_missing_part_is_left_out_and_told():
    data = saved("JPEG", SMOOTH, icc_profile=bytes(range(200)))
    assert read_picture(data).icc_profile == bytes(range(200))
    place = data.index(b"ICC_PROFILE\0") + 13
    picture = read_picture(data[:place] + b"\2" + data[place + 1 :])
    assert (picture.icc_profile, picture.lost_profile) == (None, True)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "PPM"])
def test_known_format_with_a_damaged_header_is_called_damaged(format):
    data = saved(format)
    with pytest.raises(ImageError, match=r"x: damaged") as caught:
        read_image(data[:20] + b"\xfe" * 20, "x")
    assert "known format" not in str(caught.value)


@pytest.mark.parametrize("format", ["GIF", "TIFF", "WEBP", "AVIF", "PNG"])
@pytest.mark.parametrize("count", [1, 3])
def test_pages_and_frames_are_counted(format, count):
    others = [Image.fromarray(np.roll(PIXELS, 5 * n, axis=1)) for n in range(1, count)]
    options = {"lossless": True} if format == "WEBP" else {}
    picture = read_picture(saved(format, save_all=True, append_images=others, **options))
    assert picture.pages == count
    if format in ("TIFF", "WEBP", "PNG"):
        np.testing.assert_array_equal(picture.rgb, PIXELS)


def test_smaller_copies_of_a_page_are_no_pages():
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        for page in (PIXELS, PIXELS[::2, ::2]):
            writer.write(page, photometric="rgb", subfiletype=int(page is not PIXELS))
    assert read_picture(stream.getvalue()).pages == 1


def test_endless_pages_are_not_counted_to_the_end(monkeypatch):
    monkeypatch.setattr(opening, "MAX_PAGES", 3)
    for format in ("TIFF", "GIF"):
        others = [Image.fromarray(np.roll(PIXELS, n, axis=1)) for n in range(1, 6)]
        assert read_picture(saved(format, save_all=True, append_images=others)).pages == 3


def test_giant_png_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(saved("PNG"))
    os.truncate(path, opening.MAX_PNG_BYTES + 1)  # without its bytes on the disk
    with pytest.raises(ImageError, match=f"more than {opening.MAX_PNG_BYTES} bytes"):
        read_image(path)


def test_damaged_tiff_prints_nothing(capfd):
    data = saved("TIFF", compression="tiff_lzw")
    place = data.index(b"\x80", 8) + 400  # within the compressed pixels
    with pytest.raises(ImageError, match="damaged"):
        read_image(data[:place] + b"\xff" * 9 + data[place + 9 :])
    assert capfd.readouterr() == ("", "")
