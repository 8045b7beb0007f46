"""Tiles against the whole picture, in floats: equal up to rounding where that is promised."""

import logging

import jax
import numpy as np
import pytest

from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.inference import predictor as predictor_module
from pix2pix_flax.inference.predictor import Predictor
from pix2pix_flax.inference.tiling.halo import exact_halo
from pix2pix_flax.inference.tiling.tiled_predictor import TiledPredictor
from tests.pix2pix_flax.inference.tiling.networks import (
    ROUNDING,
    photograph,
    tiny_doubler,
    tiny_unet,
)


@pytest.fixture
def floats(monkeypatch):
    """Predictors return floats, so that no difference is hidden by 8 bits."""
    monkeypatch.setattr(predictor_module, "denormalize", lambda images: images)


def assert_equal(tiled, whole):
    np.testing.assert_allclose(tiled, whole, rtol=0, atol=ROUNDING)


def assert_exact(predictor, sizes, **options):
    tiled = TiledPredictor(predictor, halo="exact", **options)
    for size in sizes:
        whole = predictor(photograph(*size))
        assert whole.std() > 0.1 or 1 in size
        assert whole.dtype == np.float32
        assert_equal(tiled(photograph(*size)), whole)
    return tiled


@pytest.mark.parametrize("upsample", ["resize", "transpose"])
@pytest.mark.parametrize(
    "depth", [1, 2, 3, *(pytest.param(depth, marks=pytest.mark.long) for depth in (4, 5))]
)
def test_tiles_with_the_exact_halo_equal_the_whole_picture(depth, upsample, floats):
    batch_size, norm = (1, "none") if depth % 2 else (4, "batch")
    stride = 2**depth
    tile = max(64, 6 * stride)  # the smallest that is possible is 5 strides
    sizes = [(tile + 1, 2 * tile + 3), (tile, 3 * tile), (tile // 2 + 1, 5 * tile), (3, tile - 1)]
    predictor = tiny_unet(depth, upsample, norm)
    tiled = assert_exact(predictor, sizes, tile=tile, batch_size=batch_size)
    assert (tiled.tile, tiled.halo, tiled.exact_halo) == (tile, 2 * stride - 1, 2 * stride - 1)


def test_tiles_with_convolutions_at_full_resolution_equal_the_whole_picture(floats):
    predictor = tiny_unet(2, settings={"fine_width": 4, "residual": True})
    tiled = assert_exact(predictor, [(65, 130), (64, 200), (3, 63)], tile=64)
    # The two 3x3 convolutions add 2; the sub-pixel convolution sees 1 less than `resize`.
    assert tiled.halo == tiled.exact_halo == 2 * 2**2 - 1 + 2 - 1


def test_tiles_of_a_drawing_in_layers_equal_the_whole_picture():
    predictor = tiny_unet(3, settings={"fine_width": 4, "cel_steps": 6})
    tiled = TiledPredictor(predictor, halo="exact", tile=64)
    for size in [(65, 130), (64, 200), (3, 63)]:
        assert_equal(tiled(photograph(*size)), predictor(photograph(*size)))
        assert not tiled.seam
    # Chroma is enlarged from half resolution by linear interpolation, which sees 1 pixel more, and
    # averaged over 4 cells of 4 pixels each way. The smoothing before takes a mean of means, each
    # over 2 pixels of half the size each way.
    assert tiled.halo == tiled.exact_halo == 45


def test_random_sizes_equal_the_whole_picture(floats):
    rng = np.random.default_rng(7)
    sizes = [tuple(rng.integers(1, 601, 2).tolist()) for _ in range(7)]
    corners = [(1, 1), (1, 600), (600, 1), (600, 600)]
    assert_exact(tiny_unet(2), sizes + corners, tile=64)


def test_there_is_one_compilation_for_all_sizes():
    predictor = tiny_unet(2)
    tiled = TiledPredictor(predictor, tile=64, batch_size=3)
    for size in ((65, 64), (64, 200), (131, 67), (300, 300)):
        assert tiled(photograph(*size)).shape == (1, *size, 3)
    assert list(predictor._programs) == [(3, 64, 64, 3)]


def test_pictures_up_to_a_tile_run_whole():
    predictor = tiny_unet(2)
    tiled = TiledPredictor(predictor, tile=64)
    for size in ((64, 61), (1, 1), (5, 64)):
        images = np.concatenate([photograph(*size), photograph(*size, top=0)])
        np.testing.assert_array_equal(tiled(images), predictor(images))
    assert (tiled.summary, tiled.seam) == ("", None)


def test_pictures_of_a_batch_are_tiled_one_by_one(floats):
    predictor = tiny_unet(2)
    images = np.concatenate([photograph(70, 90), photograph(70, 90, top=0)])
    tiled = TiledPredictor(predictor, tile=64, halo="exact")
    assert_equal(tiled(images), predictor(images))


@pytest.mark.parametrize("depth", [3, pytest.param(5, marks=pytest.mark.long)])
def test_the_default_halo_is_within_one_level_of_the_whole_picture(depth):
    predictor = tiny_unet(depth, inner=0.2)
    tiled = TiledPredictor(predictor, tile=256)
    photo = photograph(500, 700)
    difference = np.abs(np.int16(tiled(photo)) - predictor(photo))
    assert difference.max() == tiled.seam == 1
    assert tiled.halo < tiled.exact_halo
    assert f"halo {tiled.halo} px (exact: {tiled.exact_halo} px)" in tiled.summary
    assert "at most 1/255" in tiled.summary
    assert len(predictor._programs) == 2  # measuring needed none of its own


def test_the_default_halo_is_kept_and_grows_where_it_is_too_small(caplog):
    caplog.set_level(logging.INFO, "pix2pix_flax")

    def blur(variables, images):
        window, ones = (1, 15, 15, 1), (1, 1, 1, 1)
        total = jax.lax.reduce_window(normalize(images), 0.0, jax.lax.add, window, ones, "SAME")
        return variables * total

    predictor = Predictor(blur, np.float32(1 / 225), 1)
    tiled = TiledPredictor(predictor, tile=64)
    tiled(np.full((1, 100, 100, 3), 128, np.uint8))
    assert tiled.halo == 0
    photo = photograph(200, 300)
    difference = np.abs(np.int16(tiled(photo)) - predictor(photo))
    assert 0 < tiled.halo <= tiled.exact_halo == 7
    assert difference.max() <= 1
    assert "the halo grows to" in caplog.text


def test_a_given_halo_is_kept_and_its_seams_are_told():
    for size in ((64, 300), (300, 64)):  # one row of tiles, and one column
        tiled = TiledPredictor(tiny_unet(3), tile=64, halo=1)
        tiled(photograph(*size))
        assert tiled.halo == 1
        assert tiled.seam > 1
        assert f"differ by at most {tiled.seam}/255" in tiled.summary


def test_a_tile_grows_for_its_halo():
    tiled = TiledPredictor(tiny_unet(3), tile=20, halo="exact")
    assert tiled.tile == 24  # a multiple of the stride
    tiled(photograph(100, 100))
    assert tiled.tile == 48
    assert TiledPredictor(tiny_unet(3), halo=300).tile == 904


@pytest.mark.parametrize("halo", [None, "exact", 8])
@pytest.mark.parametrize(
    "network",
    [
        {"norm": "group"},
        {"norm": "instance"},
        {"train": True, "mutable": ["batch_stats"]},
        {"rngs": {"dropout": jax.random.key(0)}},
    ],
    ids=["group", "instance", "statistics of the picture", "dropout at test"],
)
def test_approximate_tiles_are_told_once(network, halo, caplog):
    predictor = tiny_unet(2, **network)
    tiled = TiledPredictor(predictor, tile=64, halo=halo)
    for _ in range(2):
        assert tiled(photograph(100, 130)).shape == (1, 100, 130, 3)
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert warnings[0].startswith("tiles are approximate: ")


def test_a_network_may_double_its_input(floats):
    predictor = tiny_doubler()
    assert exact_halo(predictor.forward, predictor.variables, 1) == 6
    sizes = [(100, 131), (33, 300), (7, 9), (1, 1), (32, 80)]
    tiled = TiledPredictor(predictor, tile=32, halo="exact")
    for height, width in sizes:
        output = tiled(photograph(height, width))
        assert output.shape == (1, 2 * height, 2 * width, 3)
        assert_equal(output, predictor(photograph(height, width)))


def test_the_default_halo_of_a_doubler_is_within_one_level():
    predictor = tiny_doubler()
    tiled = TiledPredictor(predictor, tile=32)
    photo = photograph(100, 131)
    assert np.abs(np.int16(tiled(photo)) - predictor(photo)).max() <= 1
    assert tiled.halo <= 6


@pytest.mark.parametrize(
    "options",
    [{"tile": -1}, {"batch_size": 0}, {"halo": -1}, {"halo": "8"}, {"halo": 1.5}],
    ids=str,
)
def test_what_cannot_be_a_tile_is_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        TiledPredictor(tiny_unet(1), **options)


def test_what_is_no_picture_is_refused():
    with pytest.raises(ValueError, match=r"images must be uint8 \[B, H, W, 3\]"):
        TiledPredictor(tiny_unet(1))(np.zeros((1, 8, 8, 3), np.float32))
    with pytest.raises(ValueError, match=r"float32 \[1, 8, 8, 3\]\. Multiply numbers from 0 to 1"):
        TiledPredictor(tiny_unet(1))(np.full((1, 8, 8, 3), 0.5, np.float32))
    with pytest.raises(ValueError, match=r"not float32 \[1, 8, 8, 3\]\.$"):
        TiledPredictor(tiny_unet(1))(np.full((1, 8, 8, 3), 128, np.float32))
