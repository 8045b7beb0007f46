"""The jitter modes: resize and crop, crop, scale width and none, by values of the configuration."""

import contextlib
import itertools
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data

from cartoon_tfds.images import read_image
from pix2pix_flax.data.canvas import resize, to_canvas
from pix2pix_flax.data.pipeline import eval_batches, make_train_iterator
from pix2pix_flax.data.source import DatasetError
from pix2pix_flax.image.augment import jitter
from pix2pix_flax.sharding import make_mesh
from pix2pix_flax.steps.state import TrainState
from pix2pix_flax.tasks.factory import make_task
from pix2pix_flax.train.schedule import make_epochs
from pix2pix_flax.train.validation import Validation
from pix2pix_flax.train.writer import Writer

PHOTO = skimage.data.coffee()  # 400x600


def canvas(size, mode, photo=PHOTO):
    return to_canvas({"input": photo, "target": 255 - photo}, size, mode, np.random.default_rng(0))


def test_scale_width_keeps_the_shape_of_pictures():
    found = canvas(60, "scale_width")
    means = PHOTO.reshape(40, 10, 60, 10, 3).mean((1, 3))
    np.testing.assert_allclose(found["input"], means, atol=0.5001)
    np.testing.assert_allclose(found["target"], 255 - means, atol=0.5001)


@pytest.mark.parametrize(("shape", "height"), [((300, 7), 2571), ((1, 600), 1), ((333, 500), 40)])
def test_scale_width_rounds_the_height(shape, height):
    assert canvas(60, "scale_width", PHOTO[: shape[0], : shape[1]])["input"].shape[:2] == (
        height,
        60,
    )


def test_none_leaves_pictures_as_they_are():
    assert canvas(60, "none")["input"] is PHOTO


@pytest.mark.parametrize(
    ("mode", "canvas_size", "crop_size", "shape"),
    [
        ("resize", 48, 32, (32, 32)),  # resize-and-crop
        ("resize", 48, 0, (48, 48)),
        ("crop", 40, 0, (40, 40)),
        ("crop", 40, 24, (24, 24)),
        ("scale_width", 48, 0, (48, 48)),
        ("scale_width", 48, 24, (24, 24)),
        ("none", 8, 0, (64, 64)),  # the size of the views
        ("none", 8, 24, (24, 24)),
    ],
)
def test_jitter_modes(smoke_config, mode, canvas_size, crop_size, shape):
    config = smoke_config(data__canvas_mode=mode, sizes__canvas=canvas_size)
    batch = next(make_train_iterator(config, batch_size=4, seed=0))
    settings = {**config.augment.to_dict(), "crop_size": crop_size}
    found = jax.jit(lambda key, batch: jitter(key, batch, **settings))(jax.random.key(0), batch)
    assert {images.shape for images in found.values()} == {(4, *shape, 3)}


def test_no_crop_mirrors_whole_pictures():
    batch = {"input": np.stack([PHOTO[:20, :30]] * 16)}
    found = jitter(jax.random.key(0), batch, crop_size=0, flip=True)["input"]
    mirrored = [np.array_equal(image, PHOTO[:20, :30][:, ::-1]) for image in found]
    same = [np.array_equal(image, PHOTO[:20, :30]) for image in found]
    assert sum(mirrored) + sum(same) == 16
    assert 0 < sum(mirrored) < 16


@pytest.mark.parametrize(("mode", "size"), [("scale_width", "40x27"), ("none", "96x64")])
def test_pictures_that_differ_in_size_are_named(smoke_config, mode, size):
    config = smoke_config(data__canvas_mode=mode, data__train_split="test")
    iterator = make_train_iterator(config, batch_size=4, seed=0)
    with pytest.raises(DatasetError) as caught:
        [next(iterator) for _ in range(2)]
    first = {"scale_width": "40x40", "none": "64x64"}[mode]
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith("Images differ in size: the first is ")
    assert {first, size} <= set(text.replace(",", "").split())
    assert f"canvas_mode {mode} needs one size; set it to crop or resize for images" in text


def test_evaluation_scales_to_a_width_where_training_does(smoke_config):
    config = smoke_config(data__canvas_mode="scale_width", sizes__evaluation=48)
    shapes = {
        b.images["input"].shape[1:3] for b in eval_batches(config, split="test", batch_size=4)
    }
    assert shapes == {(48, 48), (32, 48)}


def test_evaluation_takes_the_middle_of_large_pictures(smoke_config):
    config = smoke_config(sizes__evaluation=0)
    (found,) = eval_batches(config, split="test", batch_size=8, crop=50)
    cut = dict(zip(found.ids, found.images["target"], strict=True))
    for batch in eval_batches(config, split="test", batch_size=1):
        image = batch.images["target"][0]
        top, left = (image.shape[0] - 50) // 2, (image.shape[1] - 50) // 2
        np.testing.assert_array_equal(cut[batch.ids[0]], image[top : top + 50, left : left + 50])
    wider = eval_batches(config, split="test", batch_size=1, crop=80)
    assert {batch.images["input"].shape[1:3] for batch in wider} == {(64, 64), (64, 80)}


def test_trainings_look_at_the_middle_where_that_is_asked_for(smoke_config, tmp_path):
    config = smoke_config(sizes__evaluation=0, sizes__validation_crop=24)
    task = SimpleNamespace(
        eval_step=print,
        visualize=lambda _, batch: {"panel": batch["input"]},
        captions=("input",),
    )
    validation = Validation(config, task, make_mesh(config.train.batch_size), ())
    with contextlib.closing(Writer(tmp_path, 0, make_epochs(config))) as writer:
        validation.preview(TrainState(jnp.int32(0), jax.random.key(0), {}, {}), writer)
    widths = {read_image(path).shape[1] for path in tmp_path.glob("previews/*.png")}
    assert widths == {24}


def test_whole_pictures_train_that_are_no_squares(smoke_config):
    config = smoke_config(sizes__crop=0)
    task, batch = make_task(config, total_steps=10), {"input": PHOTO[None, :40, :64]}
    batch["target"] = batch["input"]
    state = jax.eval_shape(task.init, jax.random.key(0), batch)
    new, _ = jax.eval_shape(task.train_step, state, batch)
    assert jax.tree.structure(new) == jax.tree.structure(state)


def windows(crop, image):
    """Returns the places at which an image shows the crop."""
    if min(np.subtract(image.shape, crop.shape)) < 0:
        return set()
    seen = np.lib.stride_tricks.sliding_window_view(image, crop.shape)[..., 0, :, :, :]
    return {tuple(place) for place in np.argwhere((seen == crop).all((2, 3, 4)))}


def pair(height, width):
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return {"input": image, "target": 255 - image}


def test_crops_reach_every_border():
    rng = np.random.default_rng(0)
    example = pair(10, 12)
    found = set()
    for _ in range(100):
        crop = to_canvas(example, 8, "crop", rng)
        np.testing.assert_array_equal(crop["input"], 255 - crop["target"])
        found |= windows(crop["input"], example["input"])
    assert found == set(itertools.product(range(3), range(5)))


@pytest.mark.parametrize(("size", "enlarged"), [((20, 30), (32, 48)), ((47, 31), (49, 32))])
def test_small_pictures_are_enlarged_before_they_are_cropped(size, enlarged):
    example = pair(*size)
    crop = to_canvas(example, 32, "crop", np.random.default_rng(0))
    assert crop["input"].shape == (32, 32, 3)
    for name, image in example.items():
        assert len(windows(crop[name], resize(image, *enlarged))) == 1


def test_resize_squeezes_the_whole_picture():
    photo = skimage.data.coffee()
    example = {"input": photo, "target": 255 - photo}
    canvas = to_canvas(example, 50, "resize", np.random.default_rng(0))
    means = photo.reshape(50, 8, 50, 12, 3).mean((1, 3))
    np.testing.assert_allclose(canvas["input"], means, atol=0.5001)
    np.testing.assert_allclose(canvas["target"], 255 - means, atol=0.5001)


@pytest.mark.parametrize("size", [(9, 7), (40, 41)])
def test_resize_keeps_a_single_channel(size):
    image = skimage.data.coffee()[:20, :30, :1]
    assert resize(image, *size).shape == (*size, 1)
    assert resize(image, 20, 30) is image
