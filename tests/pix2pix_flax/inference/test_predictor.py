import shutil

import jax
import numpy as np
import pytest
import skimage.data

from pix2pix_flax.checkpoint.integrity import describe
from pix2pix_flax.checkpoint.manager import CheckpointError, read_config, restore_generator
from pix2pix_flax.image.normalize import denormalize
from pix2pix_flax.image.padding import pad_to_multiple
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.tasks.factory import make_task

COFFEE = skimage.data.coffee()


def photographs(count, height, width):
    """Pieces of a photograph, uint8 [count, height, width, 3]."""
    return np.stack([COFFEE[20 * i :, 60 * i :][:height, :width] for i in range(count)])


@pytest.fixture(scope="module")
def predict(trained):
    return load_predictor(str(trained))


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (9, 16), (13, 11)])
def test_any_size_goes_in_and_comes_out(predict, trained, size):
    images = photographs(2, *size)
    output = predict(images)
    assert output.dtype == np.uint8
    assert output.shape == images.shape

    task = make_task(read_config(predict.checkpoint), total_steps=1)
    variables = restore_generator(predict.checkpoint).variables
    padded = pad_to_multiple(images, 8)
    expected = denormalize(jax.jit(task.predict)(variables, padded))[:, : size[0], : size[1]]
    np.testing.assert_array_equal(output, expected)
    whole = jax.jit(lambda *arguments: denormalize(task.predict(*arguments)))(variables, images)
    assert np.abs(np.int32(output) - whole).max() <= 1


def test_the_generator_is_not_a_constant(predict):
    images = photographs(4, 32, 32)
    outputs = predict(images)
    assert outputs.std() > 1
    assert len({output.tobytes() for output in outputs}) == 4


def test_there_is_one_compilation_a_padded_size(trained):
    predict = load_predictor(trained)
    for size in ((1, 1), (8, 8), (3, 5), (7, 8)):
        predict(photographs(1, *size))
    assert len(predict._programs) == 1
    predict(photographs(1, 9, 8))
    assert len(predict._programs) == 2


def test_a_picture_does_not_depend_on_its_neighbours(predict):
    images = photographs(4, 24, 24)
    together = np.int32(predict(images))
    alone = np.concatenate([predict(image[None]) for image in images])
    turned = predict(images[::-1])[::-1]
    assert np.abs(together - alone).max() <= 1  # the order of sums may differ with the batch size
    assert np.abs(together - turned).max() <= 1


def test_weights_are_arguments_of_the_program(predict):
    lowered = predict._predict.lower(predict.variables, photographs(1, 8, 8))
    leaves = jax.tree.leaves(predict.variables)
    assert len(jax.tree.leaves(lowered.in_avals)) == len(leaves) + 1
    largest = max(leaf.nbytes for leaf in leaves)
    assert len(lowered.as_text()) < 2 * largest  # a constant is written in two digits a byte


@pytest.fixture
def workdir(trained, tmp_path):
    """A copy of the work directory, and what makes a step the best."""
    shutil.copytree(trained / "checkpoints", tmp_path / "checkpoints")

    def judge(step, l1):
        folder = tmp_path / "checkpoints" / str(step)
        (folder / "metrics" / "metrics").write_text(f'{{"l1": {l1}}}')
        (folder / "manifest.json").unlink()
        describe(folder)

    return tmp_path, judge


@pytest.mark.parametrize("best", ["4", "8"])
def test_a_work_directory_means_its_best_step(workdir, best):
    path, judge = workdir
    judge(4, 0.1)
    judge(8, 0.2 if best == "4" else 0.05)
    assert load_predictor(path).checkpoint == path / "checkpoints" / best


def test_a_work_directory_without_scores_means_its_latest_step(workdir):
    path, judge = workdir
    judge(4, "NaN")
    judge(8, "NaN")
    assert load_predictor(path).checkpoint.name == "8"


def test_a_step_directory_means_itself(trained):
    predictors = [load_predictor(trained / "checkpoints" / step) for step in ("4", "8")]
    assert [predict.checkpoint.name for predict in predictors] == ["4", "8"]
    images = photographs(1, 8, 8)
    assert (predictors[0](images) != predictors[1](images)).any()


def test_what_is_not_a_checkpoint_is_named(trained, tmp_path):
    for path in (tmp_path, tmp_path / "none", trained / "log.jsonl"):
        with pytest.raises(CheckpointError, match=f"{path} is not a checkpoint"):
            load_predictor(path)


def test_a_damaged_checkpoint_is_named(workdir):
    path, _ = workdir
    for file in (path / "checkpoints" / "8" / "state").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(CheckpointError, match=r"checkpoints/8/.* is damaged"):
        load_predictor(path / "checkpoints" / "8")


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 8, 8, 3), np.float32),
        np.zeros((1, 8, 8, 3), np.int32),
        np.zeros((8, 8, 3), np.uint8),
        np.zeros((1, 8, 8, 4), np.uint8),
        np.zeros((1, 8, 8, 1), np.uint8),
        np.zeros((0, 8, 8, 3), np.uint8),
        np.zeros((1, 0, 8, 3), np.uint8),
    ],
    ids=lambda images: f"{images.dtype} {images.shape}",
)
def test_anything_else_is_refused(predict, images):
    with pytest.raises(ValueError, match=r"must be uint8 \[B, H, W, 3\], not"):
        predict(images)
