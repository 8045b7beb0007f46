"""Large pictures are drawn at a part of their size; the drawing gets its edges at full size."""

import jax
import numpy as np
import pytest
import skimage.data

from cartoon_tfds.errors import UserError
from pix2pix_flax.export.exporter import export_generator
from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.inference.exported import load_exported
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.inference.tiling.tiled_predictor import TiledPredictor
from pix2pix_flax.pretrained.generator import load_generator
from pix2pix_flax.tasks.resolution import Redrawn
from tests.pix2pix_flax.export.networks import difference, save_untrained, with_runtime

PHOTO = np.ascontiguousarray(skimage.data.coffee()[:203, :310])[np.newaxis]
SIZE = 64


@pytest.fixture(
    scope="module",
    params=[{"cel_steps": 6}, {"cel_steps": 20}, {"residual": True}, {}],
    ids=["layers", "soft layers", "residual", "rgb"],
)
def run(request, tmp_path_factory):
    """A U-Net of untrained weights, with a working size of 64 pixels."""
    settings = {f"generator__{key}": value for key, value in request.param.items()}
    settings |= {"generator__fine_width": 4, "sizes__inference": SIZE}
    return save_untrained(tmp_path_factory.mktemp("unet") / "run", **settings)


@pytest.mark.parametrize(
    ("size", "factor"),
    [
        ((1, 900), 1),
        ((64, 64), 1),
        ((95, 500), 1),
        ((96, 96), 2),
        ((159, 200), 2),
        ((640, 900), 10),
    ],
)
def test_the_factor_is_the_short_side_by_the_working_size_rounded(size, factor):
    assert Redrawn(SIZE).of_size(*size).factor == factor
    assert Redrawn(0).of_size(*size).factor == 1


def test_a_large_picture_is_the_drawing_of_the_small_picture_enlarged(run):
    predict, generator = load_predictor(run), load_generator(run)
    drawing = predict(PHOTO[:, :192, :288])  # a factor of 3, and no padding
    small = PHOTO[:, :192, :288].reshape(1, 64, 3, 96, 3, 3).mean((2, 4))
    module, arguments = generator.task.module, (generator.variables, normalize(small))
    large, own = (
        np.asarray(jax.jit(network.apply, static_argnames="train")(*arguments, train=False))
        for network in (module.clone(enlarge=3), module)
    )
    assert np.abs(normalize(drawing) - large).max() < 0.005  # half a grey level
    assert difference(drawing, PHOTO[:, :192, :288]) > 50
    # In the middle of its cell, a pixel has the colour of the small drawing but for sharper edges.
    assert np.median(np.abs(large[:, 1::3, 1::3] - own)) < 0.03


def test_sizes_that_are_no_multiples_come_back(run):
    predict = load_predictor(run)
    assert predict(PHOTO).shape == PHOTO.shape
    assert predict.of_size(203, 310).stride == 3 * predict.stride
    assert predict.of_size(95, 310) is predict


def test_tiles_of_a_large_picture_equal_the_whole_picture(run):
    whole = load_predictor(run)(PHOTO)
    tiled = TiledPredictor(load_predictor(run), tile=SIZE, halo="exact")
    np.testing.assert_array_equal(tiled(PHOTO), whole)
    assert "neighbours differ by at most 0/255" in tiled.summary


@with_runtime("onnx").marks[0]
def test_an_onnx_graph_has_the_working_size(run, tmp_path):
    file = tmp_path / "a.onnx"
    export_generator(run, "onnx", file, [PHOTO[0], PHOTO[0, ::-1]])
    translate, predict = load_exported(file), load_predictor(run)
    for height, width in ((203, 310), (96, 96), (95, 310), (64, 1)):
        images = PHOTO[:, :height, :width]
        assert difference(translate(images), predict(images)) <= 1


@with_runtime("stablehlo").marks[0]
def test_a_stablehlo_program_draws_at_the_size_of_its_images(run, tmp_path):
    file = tmp_path / "a.stablehlo"
    export_generator(run, "stablehlo", file, [PHOTO[0], PHOTO[0, ::-1]])
    own_size = load_predictor(run, working_size=0)
    assert difference(load_exported(file)(PHOTO), own_size(PHOTO)) <= 1
    assert difference(own_size(PHOTO), load_predictor(run)(PHOTO)) > 20


def test_the_evaluation_draws_what_the_predictor_draws(run):
    generator = load_generator(run)
    images = PHOTO[:, :192, :288]
    output = jax.jit(generator.task.predict)(generator.variables, images)
    assert np.abs(np.asarray(output) - normalize(load_predictor(run)(images))).max() < 0.005


def test_super_resolution_has_no_working_size():
    with pytest.raises(UserError, match="enlarges images: leave out --working_size"):
        load_predictor("lite_x4", working_size=512)
