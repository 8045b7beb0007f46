"""Colour hints of a user: the channels of the network, the command, and the curve of the report."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data

from cartoon_tfds.errors import UserError
from cartoon_tfds.images import read_picture, write_png
from configs import comics
from pix2pix_flax.evaluation.hints import POINTS, hint_curve, hinted_outputs
from pix2pix_flax.image.normalize import denormalize
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.inference.reference import Reference
from pix2pix_flax.inference.tiling.tiled_predictor import TiledPredictor
from pix2pix_flax.pretrained.generator import TrainedGenerator, load_generator, to_safetensors
from pix2pix_flax.tasks.factory import make_task
from tests.commands import run_command

PHOTO = skimage.data.coffee()[100:164, 200:280]
RED, PLACE = (200, 40, 40), (slice(20, 26), slice(30, 36))


def make_config():
    config = comics.get_config("smoke")
    config.sizes.inference = 0
    return config


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The file of a network whose output follows each of its input channels."""
    task = make_task(make_config(), total_steps=1)
    start = jax.jit(lambda: task.module.init(jax.random.key(0), task.network_input(), train=False))
    rough = jax.tree.map(lambda x: x + 0.3 * jnp.sin(jnp.arange(x.size)).reshape(x.shape), start())
    path = tmp_path_factory.mktemp("hinted") / "colours.safetensors"
    path.write_bytes(to_safetensors(TrainedGenerator(make_config(), rough, path)))
    return path


def hint_picture(height=64, width=80):
    hints = np.zeros((height, width, 4), np.uint8)
    hints[PLACE] = (*RED, 255)
    return hints


def with_hints(hints):
    return np.concatenate([PHOTO, hints], axis=-1)[None]


def test_the_network_sees_the_hints_behind_the_lightness():
    representation = make_task(make_config(), 1).representation
    plain = np.asarray(representation.to_input(PHOTO[None]))
    hinted = np.asarray(representation.to_input(with_hints(hint_picture())))
    assert plain.shape == hinted.shape == (1, 64, 80, 4)
    np.testing.assert_array_equal(plain[..., 0], hinted[..., 0])
    assert not plain[..., 1:].any()
    red = np.asarray(representation.to_target(np.full((1, 1, 1, 3), RED, np.uint8)))[0, 0, 0]
    np.testing.assert_allclose(hinted[0][PLACE], plain[0][PLACE] + [0, *red, 1], atol=1e-6)
    outside = hinted.copy()
    outside[0][PLACE] = 0
    assert not outside[..., 1:].any()


def test_the_colours_of_a_training_image_become_its_hints():
    representation = make_task(make_config(), 1).representation
    batch = {name: np.stack([PHOTO] * 16) for name in ("input", "target")}
    inputs = representation.training_input(jax.random.key(0), batch)
    mask = np.asarray(inputs[..., 3:])
    assert 0 < mask.mean() < 0.5
    assert len(np.unique(mask.reshape(16, -1), axis=0)) > 8
    other = representation.training_input(jax.random.key(1), batch)
    assert (np.asarray(other) != inputs).any()


def test_hints_change_the_colours_and_no_lightness(file):
    predict = load_predictor(file)
    plain, hinted = predict(PHOTO[None]), predict(with_hints(hint_picture()))
    assert np.abs(plain.astype(int) - hinted).max() > 5
    lightness = [cv2.cvtColor(x[0], cv2.COLOR_RGB2LAB)[..., 0].astype(int) for x in (plain, hinted)]
    assert np.abs(lightness[0] - lightness[1]).max() <= 2
    nowhere = with_hints(np.zeros_like(hint_picture()))
    np.testing.assert_array_equal(predict(nowhere), plain)


def test_tiles_have_their_part_of_the_hints(file):
    whole = load_predictor(file)(with_hints(hint_picture()))
    tiled = TiledPredictor(load_predictor(file), tile=40, halo="exact")
    assert np.abs(whole.astype(int) - tiled(with_hints(hint_picture()))).max() <= 1


def test_the_command_takes_a_picture_of_hints(file, tmp_path):
    write_png(tmp_path / "page.png", PHOTO)
    write_png(tmp_path / "hints.png", hint_picture())
    write_png(tmp_path / "small.png", hint_picture(60, 80))
    write_png(tmp_path / "opaque.png", PHOTO)
    command = (
        "-c",
        "import sys; sys.argv[1:1] = ['images']; from pix2pix_flax.cli.console import main; main()",
    )

    def run(*given, network=file):
        flags = f"--checkpoint={network}", f"--input={tmp_path / 'page.png'}", "--overwrite"
        files = [f"--{flag}={tmp_path / name}" for flag, name in given]
        return run_command(*command, *flags, f"--output={tmp_path / 'out.png'}", *files)

    hints, reference = ("hints", "hints.png"), ("reference", "opaque.png")
    for given, seen in ((hints, hint_picture()), (reference, Reference(PHOTO)(PHOTO[None])[0])):
        done = run(given)
        assert done.returncode == 0, done.stderr
        expected = load_predictor(file)(with_hints(seen))[0]
        np.testing.assert_array_equal(read_picture(tmp_path / "out.png").rgb, expected)
    both = "--hints and --reference both give the hints: leave one of them out"
    for given, network, words in (
        ([("hints", "small.png")], file, "is 80x60 and the picture 80x64: both must have one size"),
        ([("hints", "opaque.png")], file, "must be transparent where there is no hint"),
        ([hints], "opencv:ink", "was not trained with hints: leave out --hints="),
        ([reference], "lite", "was not trained with hints: leave out --reference="),
        ([hints, reference], file, both),
    ):
        done = run(*given, network=network)
        assert done.returncode == 1
        assert words in done.stdout + done.stderr


def test_the_curve_has_a_line_for_each_number_of_hints(file):
    generator = load_generator(file)
    batch = dict.fromkeys(("input", "target"), PHOTO[None]) | {"index": np.uint32([7])}
    outputs = hinted_outputs(generator)
    assert list(outputs) == [f"hints_{points}" for points in POINTS]
    few, many = (denormalize(outputs[name](batch)) for name in ("hints_1", "hints_100"))
    assert (few != many).any()
    summary = {"network": {"ab_mae": 9.0}, "grey": {"ab_mae": 12.0}}
    summary |= {name: {"ab_mae": 1.0} for name in outputs}
    assert [line["points"] for line in hint_curve(summary)] == [0, *POINTS]
    assert hint_curve(summary)[0]["ab_mae"] == 9.0
    assert hint_curve({"network": {"l1": 0.1}}) == []


def test_white_that_is_tinted_is_not_kept():
    scores = make_task(make_config(), 1).scores
    target = np.full((2, 16, 16, 3), 255, np.uint8)
    target[1, :8] = 30
    output = target / 127.5 - 1.0
    output[0, :4, :, 2] -= 0.4  # a quarter of the first image turns yellow
    found = scores.score(jnp.asarray(output, jnp.float32), {"target": target})
    summary = scores.summarize({name: np.asarray(values) for name, values in found.items()})
    assert summary["white_kept"] == pytest.approx((192 + 128) / (256 + 128))
    assert "white_pixels" not in summary


def test_hints_and_noise_on_inputs_exclude_each_other():
    config = make_config()
    config.loss_weights.consistency = 1.0
    with pytest.raises(UserError, match=r"consistency must be 0 for a network with hints"):
        make_task(config, total_steps=1)
