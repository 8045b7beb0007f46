"""Pictures in every format that can be written, read back by Pillow."""

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageCms

from cartoon_tfds.errors import UserError
from cartoon_tfds.images import WRITABLE_SUFFIXES, write_picture

PHOTO = skimage.data.chelsea()[100:160, 100:180]


@pytest.mark.parametrize("suffix", sorted(WRITABLE_SUFFIXES))
def test_a_photograph_comes_back(tmp_path, suffix):
    write_picture(tmp_path / f"a{suffix.upper()}", PHOTO, quality=95)
    found = Image.open(tmp_path / f"a{suffix.upper()}")
    assert found.format == {".png": "PNG", ".webp": "WEBP"}.get(suffix, "JPEG")
    assert np.abs(np.asarray(found.convert("RGB")) - PHOTO.astype(float)).mean() < 4


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_quality_costs_bytes(tmp_path, suffix):
    sizes = []
    for quality in (20, 95):
        write_picture(tmp_path / f"a{suffix}", PHOTO, quality=quality)
        sizes.append((tmp_path / f"a{suffix}").stat().st_size)
    assert sizes[0] < sizes[1] / 2


def test_transparency_stays_in_webp_and_lies_on_white_in_jpeg(tmp_path):
    image = np.dstack([PHOTO, np.zeros(PHOTO.shape[:2], np.uint8)])
    image[:, 40:, 3] = 255
    write_picture(tmp_path / "a.webp", image)
    alpha = np.asarray(Image.open(tmp_path / "a.webp"))[..., 3]
    np.testing.assert_array_equal(alpha, image[..., 3])
    write_picture(tmp_path / "a.jpg", image)
    laid = np.asarray(Image.open(tmp_path / "a.jpg")).astype(float)
    assert laid[:, :30].min() > 240
    assert np.abs(laid[:, 50:] - PHOTO[:, 50:]).mean() < 4


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_sixteen_bits_and_grey_and_profiles(tmp_path, suffix):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    write_picture(tmp_path / f"a{suffix}", PHOTO.astype(np.uint16) * 257, profile)
    found = Image.open(tmp_path / f"a{suffix}")
    assert found.info["icc_profile"] == profile
    assert np.abs(np.asarray(found) - PHOTO.astype(float)).mean() < 4
    write_picture(tmp_path / f"b{suffix}", PHOTO[..., 1])
    grey = np.asarray(Image.open(tmp_path / f"b{suffix}").convert("L")).astype(float)
    assert np.abs(grey - PHOTO[..., 1]).mean() < 3


def test_other_suffixes_and_too_large_pictures_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"does not end in .jpeg, .jpg, .png, .webp"):
        write_picture(tmp_path / "a.gif", PHOTO)
    with pytest.raises(UserError, match=r"a.webp: .*; write a PNG file instead"):
        write_picture(tmp_path / "a.webp", np.zeros((1, 17000, 3), np.uint8))
    with pytest.raises(UserError, match=r"a.jpg: a JPEG has at most 65500 .*; write a PNG file"):
        write_picture(tmp_path / "a.jpg", np.zeros((1, 65501, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []
