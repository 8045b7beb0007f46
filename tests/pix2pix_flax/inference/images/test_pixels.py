"""Transparency without a halo, 16 bits, grey and profiles, from file to file.

`predict` is a style of cartoons where it matters what surrounds a pixel, else an inversion.
"""

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageCms

from cartoon_tfds.images import encode_png, read_picture
from cartoon_tfds.styles import cartoonize
from pix2pix_flax.inference.images import translate_images
from pix2pix_flax.inference.images.pixels import fill_hidden

PHOTO = skimage.data.chelsea()[20:220, 60:300]
ROW, COLUMN = np.mgrid[: PHOTO.shape[0], : PHOTO.shape[1]]
DISTANCE = np.hypot((COLUMN - 120) / 100, (ROW - 100) / 80)  # 1 on an ellipse
SOFT_EDGE = np.uint8(255 * np.clip((1 - DISTANCE) / 0.04, 0, 1))  # over about four pixels
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def draw(images):
    return cartoonize(images[0], "ink")[np.newaxis]


def invert(images):
    assert images.dtype == np.uint8
    assert images.shape[0] == 1
    assert images.shape[3] == 3
    return 255 - images


def double(images):
    return images.repeat(2, axis=1).repeat(2, axis=2)


def tint(images):
    """Returns grey in orange."""
    return np.uint8(images * np.array([1.0, 0.8, 0.4]))


def translated(predict, data, folder, **options):
    """Returns the file that a file with these bytes becomes."""
    (folder / "a.png").write_bytes(data)
    report = translate_images(
        predict, [folder / "a.png"], folder / "out", overwrite=True, progress=False, **options
    )
    assert report.complete
    return report.written[0]


def load(file):
    """Returns what is in a file: RGB, grey, or either with transparency."""
    pixels = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    return pixels if pixels.ndim == 2 else pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]


def cut_out(hidden):
    """A PNG of the photograph cut out with a soft edge, with a colour where nothing is seen."""
    colours = np.where(SOFT_EDGE[..., np.newaxis] == 0, np.uint8(hidden), PHOTO)
    return encode_png(np.dstack([colours, SOFT_EDGE]))


def over(background, rgb, alpha):
    share = alpha[..., np.newaxis] / 255
    return share * rgb + (1 - share) * background


@pytest.mark.parametrize("background", [0, 255])
def test_a_cut_out_photograph_has_no_halo(tmp_path, background):
    output = load(translated(draw, cut_out([255, 255, 255]), tmp_path))
    np.testing.assert_array_equal(output[..., 3], SOFT_EDGE)
    expected = over(background, draw(PHOTO[np.newaxis])[0], SOFT_EDGE)
    edge = (DISTANCE > 0.9) & (DISTANCE < 1)

    def error(colours):
        return np.abs(over(background, colours, SOFT_EDGE) - expected)[edge].mean()

    on_white = np.where(SOFT_EDGE[..., np.newaxis] == 0, np.uint8(255), PHOTO)
    outlined = error(draw(on_white[np.newaxis])[0])
    assert outlined > 5  # the outline that must not be there
    assert error(output[..., :3]) < 0.2 * outlined


def test_what_lies_under_transparency_does_not_matter(tmp_path):
    outputs = [
        translated(draw, cut_out(hidden), tmp_path).read_bytes()
        for hidden in ([255, 255, 255], [0, 0, 0], [255, 0, 255])
    ]
    assert len(set(outputs)) == 1


def test_hidden_colours_continue_the_visible_ones():
    filled = fill_hidden(cv2.bitwise_not(PHOTO), SOFT_EDGE)
    visible = SOFT_EDGE > 0
    np.testing.assert_array_equal(filled[visible], 255 - PHOTO[visible])
    rim = cv2.dilate(np.uint8(visible), np.ones((3, 3), np.uint8)).astype(bool) & ~visible
    weighted = np.dstack([255 - PHOTO, np.ones_like(SOFT_EDGE)]) * np.float32(visible)[..., None]
    near = cv2.blur(weighted, (9, 9))[rim]
    assert np.abs(filled[rim] - near[:, :3] / near[:, 3:]).mean() < 4
    assert np.abs(np.diff(filled.astype(int), axis=0))[:10].max() <= 3  # far away it is smooth


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 3), (65, 64)])
def test_one_visible_pixel_fills_a_picture(size):
    rgb = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    alpha = np.zeros(size, np.uint8)
    assert not fill_hidden(rgb, alpha).any()
    alpha[-1, -1] = 1
    np.testing.assert_array_equal(fill_hidden(rgb, alpha), np.broadcast_to(rgb[-1, -1], rgb.shape))


def test_a_constant_colour_is_continued_exactly():
    alpha = np.random.default_rng(0).choice(np.uint8([0, 0, 0, 0, 9, 255]), (61, 47))
    rgb = np.full((61, 47, 3), (255, 10, 77), np.uint8)
    hidden = np.where(alpha[..., np.newaxis] == 0, np.uint8(0), rgb)
    np.testing.assert_array_equal(fill_hidden(hidden, alpha), rgb)


def test_half_visible_colours_are_left_alone(tmp_path):
    data = encode_png(np.dstack([PHOTO, np.full(PHOTO.shape[:2], 77, np.uint8)]))
    output = load(translated(invert, data, tmp_path))
    np.testing.assert_array_equal(output[..., :3], 255 - PHOTO)
    assert (output[..., 3] == 77).all()


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_transparency_grows_with_the_picture(tmp_path, depth):
    most = np.iinfo(depth).max
    pixels = np.dstack([PHOTO, SOFT_EDGE]).astype(depth) * depth(most // 255)
    output = load(translated(double, encode_png(pixels), tmp_path))
    assert output.dtype == depth
    assert output.shape == (400, 480, 4)
    alpha = output[..., 3].astype(float) / most
    np.testing.assert_allclose(
        alpha.reshape(200, 2, 240, 2).mean((1, 3)), SOFT_EDGE / 255, atol=0.1
    )
    assert np.abs(np.diff(alpha, axis=1)).max() < 0.25  # not in steps of two pixels
    assert (alpha.min(), alpha.max()) == (0, 1)


def test_a_palette_keeps_its_transparent_colour(tmp_path):
    image = Image.fromarray(PHOTO).quantize(8)
    image.save(tmp_path / "palette.png", transparency=3)
    output = load(translated(invert, (tmp_path / "palette.png").read_bytes(), tmp_path))
    np.testing.assert_array_equal(output[..., 3], 255 * (np.asarray(image) != 3))
    seen = np.asarray(image) != 3
    np.testing.assert_array_equal(output[seen, :3], 255 - np.array(image.convert("RGB"))[seen])


@pytest.mark.parametrize("extension", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_go_in_and_come_out(tmp_path, extension, channels):
    deep = PHOTO[..., :channels].astype(np.uint16) * 257
    for offset in (-128, 0, 128):  # all nearest to the same level of 8 bits
        moved = np.clip(deep.astype(int) + offset, 0, 65535).astype(np.uint16)
        data = cv2.imencode(extension, moved[..., ::-1])[1].tobytes()
        output = load(translated(invert, data, tmp_path))
        assert output.dtype == np.uint16
        np.testing.assert_array_equal(output, (65535 - deep).squeeze())


def test_grey_stays_grey_unless_the_network_colours(tmp_path):
    grey = PHOTO[..., 1]
    output = load(translated(tint, encode_png(grey), tmp_path))
    assert output.shape == grey.shape
    luma = tint(np.stack([grey] * 3, -1)) @ [0.299, 0.587, 0.114]  # ITU-R BT.601
    assert np.abs(output - luma).max() <= 0.51
    output = load(translated(tint, encode_png(grey), tmp_path, keep_grey=False))
    np.testing.assert_array_equal(output, tint(np.stack([grey] * 3, -1)))
    output = load(translated(tint, encode_png(PHOTO), tmp_path))
    np.testing.assert_array_equal(output, tint(PHOTO))


def test_grey_with_transparency_stays_grey(tmp_path):
    Image.fromarray(np.dstack([PHOTO[..., 1], SOFT_EDGE])).save(tmp_path / "la.png")
    data = (tmp_path / "la.png").read_bytes()
    output = load(translated(tint, data, tmp_path))
    assert (output[..., :3] == output[..., :1]).all()
    np.testing.assert_array_equal(output[..., 3], SOFT_EDGE)
    coloured = load(translated(tint, data, tmp_path, keep_grey=False))
    assert (coloured[..., 0] > coloured[..., 2]).mean() > 0.9


@pytest.mark.parametrize(
    ("image", "kind", "keep_grey", "is_kept"),
    [
        (PHOTO, b"RGB ", True, True),
        (np.dstack([PHOTO, SOFT_EDGE]), b"RGB ", True, True),
        (PHOTO[..., 0], b"GRAY", True, True),
        (PHOTO[..., 0], b"GRAY", False, False),
        (PHOTO, b"CMYK", True, False),
        (PHOTO, b"", True, False),
    ],
    ids=["rgb", "transparent", "grey", "coloured", "cmyk", "none"],
)
def test_a_profile_is_kept_where_it_fits(tmp_path, image, kind, keep_grey, is_kept):
    profile = SRGB[:16] + kind + SRGB[20:] if kind else None
    output = translated(tint, encode_png(image, profile), tmp_path, keep_grey=keep_grey)
    assert read_picture(output).icc_profile == (profile if is_kept else None)
