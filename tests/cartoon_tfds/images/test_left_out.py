"""Pictures that cannot be read are counted by format, with a remedy."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cartoon_tfds.images import (
    PICTURE_SUFFIXES,
    UNREAD_SUFFIXES,
    ImageError,
    further_pages,
    opening,
    passed_over,
    read_picture,
)

WITHOUT_HEIF = pytest.mark.skipif(opening.HAS_HEIF, reason="pillow-heif is installed")
WITH_HEIF = pytest.mark.skipif(not opening.HAS_HEIF, reason="pillow-heif is not installed")


@WITHOUT_HEIF
def test_formats_are_counted_and_other_files_are_not():
    names = ["a.HEIC", "b.heic", "c.heif", "d.jxl", "e.DNG", "notes.txt", "Thumbs.db"]
    assert passed_over(map(Path, names)) == (
        "3 HEIC, 1 JXL, 1 DNG files passed over: convert to JPEG or PNG, or "
        "pip install 'pix2pix-flax[heic]'"
    )
    assert passed_over([Path("a.psd")]) == "1 PSD file passed over: convert to JPEG or PNG"
    assert passed_over([Path("notes.txt")]) is None


def test_no_suffix_is_read_and_not_read():
    assert not PICTURE_SUFFIXES & UNREAD_SUFFIXES
    assert {".jxl", ".jp2", ".dng", ".cr3", ".psd"} <= UNREAD_SUFFIXES


@WITHOUT_HEIF
@pytest.mark.parametrize("suffix", ["HEIC", "jxl", "jp2", "arw"])
def test_a_picture_that_cannot_be_read_comes_with_a_remedy(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"\0\0\0\x24ftypheic" + bytes(100))
    with pytest.raises(ImageError, match="not a picture in a known format: convert to") as caught:
        read_picture(path)
    assert ("pix2pix-flax[heic]" in str(caught.value)) == (suffix == "HEIC")


@WITH_HEIF
def test_heic_is_read(tmp_path):
    path = tmp_path / "a.heic"
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels).resize((96, 64))
    import pillow_heif

    pillow_heif.register_heif_opener()
    picture.save(path, quality=95)
    assert ".heic" in PICTURE_SUFFIXES
    difference = read_picture(path).rgb.astype(int) - np.asarray(picture)
    assert np.abs(difference).mean() < 8


def test_pages_are_named_and_many_names_cut_short():
    assert further_pages([("a.tif", 1)]) is None
    assert further_pages([("a.tif", 3), ("b.tif", 1), ("c.gif", 2)]) == (
        "only the first page or frame is used; left out: a.tif (2), c.gif (1)"
    )
    assert further_pages([(f"{n}.gif", 2) for n in range(8)]).endswith("4.gif (1) and 3 more")
