"""The console command, on real files, as an installed package runs it."""

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

import pix2pix_flax
from cartoon_tfds.images import read_image
from cartoon_tfds.styles import cartoonize
from pix2pix_flax.cli.console import COMMANDS
from pix2pix_flax.inference.predictor import load_predictor
from tests.commands import ROOT, run_command
from tests.pix2pix_flax.inference.video.clips import decode, make_clip

PHOTO = skimage.data.chelsea()[60:160, 100:260]


def run(*words, cwd):
    program = "from pix2pix_flax.cli.console import main; main()"
    return run_command("-c", program, *words, cwd=cwd)


def required_flags(module):
    """Returns `REQUIRED` of a module without importing it: the flags of two would collide."""
    source = Path(importlib.util.find_spec(module).origin).read_text()
    values = [
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "REQUIRED"
    ]
    return ast.literal_eval(values[0])


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"]])
def test_the_overview_names_every_command(words, tmp_path):
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 0
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"dataset"}))
def test_help_begins_with_the_required_flags(name, tmp_path):
    done = run(name, "-h", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    required = required_flags(COMMANDS[name][0])
    shown = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  --")]
    assert shown[: len(required)] == sorted(f"--{flag}" for flag in required)
    assert len(shown) > len(required)
    assert done.stdout.count("(required)") == len(required)


def test_an_unknown_command_names_the_known_ones(tmp_path):
    done = run("paint", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: no command 'paint'; known: cartoonize, train")


def test_cartoonize_draws_pictures_folders_and_clips(tmp_path):
    (tmp_path / "album").mkdir()
    for name in ("a.jpg", "album/b.png"):
        Image.fromarray(PHOTO).save(tmp_path / name)
    make_clip(tmp_path / "c.mp4", audio=True)
    done = run("cartoonize", "a.jpg", "album", "c.mp4", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 images written: a-cartoon.jpg, album/b-cartoon.png\n")
    expected = load_predictor("lite")(PHOTO[None])[0]
    np.testing.assert_array_equal(read_image(tmp_path / "album" / "b-cartoon.png"), expected)
    assert len(decode(tmp_path / "c-cartoon.mp4")[1]) == 12
    again = run("cartoonize", "a.jpg", cwd=tmp_path)
    assert again.returncode == 0
    assert "1 existed already" in again.stdout


def test_cartoonize_with_a_style_into_a_file(tmp_path):
    Image.fromarray(PHOTO).save(tmp_path / "a.png")
    words = "cartoonize", "a.png", "--checkpoint=opencv:poster", "--output=new/one.png"
    assert run(*words, cwd=tmp_path).returncode == 0
    np.testing.assert_array_equal(
        read_image(tmp_path / "new" / "one.png"), cartoonize(PHOTO, "poster")
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "error: name a picture, a folder or a clip: pix2pix-flax cartoonize photo.jpg"),
        (["none.jpg"], "error: none.jpg: no image found"),
        (["a.png", "--checkpoint=lit"], "error: {cwd}/lit is not a checkpoint and not a work "),
    ],
)
def test_mistakes_of_cartoonize_are_one_line(words, message, tmp_path):
    Image.fromarray(PHOTO).save(tmp_path / "a.png")
    done = run("cartoonize", *words, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(message.format(cwd=tmp_path))
    assert done.stderr.count("\n") == 1
    if "--checkpoint=lit" in words:
        assert done.stderr.endswith("The generators of the package are lite, lite_x4.\n")


@pytest.fixture
def dataset(dataset_dir):
    return "--config.data.name=cartoon_tfds/tiny", f"--config.data.data_dir={dataset_dir}"


def test_a_training_by_name_lands_in_its_own_folder(tmp_path, dataset):
    done = run("train", "--config=l1:smoke", *dataset, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "l1-smoke" / "checkpoints" / "8").is_dir()
    lines = done.stderr.splitlines()
    assert "Step 8 of 8 (epoch 1.6): " in done.stderr
    assert "Done. Best step: " in lines[-1]
    assert "pix2pix-flax cartoonize photo.jpg --checkpoint=runs/l1-smoke" in lines[-1]


def test_a_copied_configuration_imports_the_others(tmp_path, dataset):
    from pix2pix_flax.cli import config_files

    shutil.copy(config_files.folder() / "l1.py", tmp_path / "mine.py")
    flags = "--config=mine.py:smoke", "--config.train.steps=4", "--config.train.eval_every_steps=4"
    done = run("train", *flags, *dataset, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "mine-smoke" / "checkpoints" / "4").is_dir()


EPOCHS = """
from configs import l1

def get_config(arg=""):
    config = l1.get_config("smoke")
    config.unlock()
    config.train.epochs = 50.0
    return config.lock()
"""


def test_steps_of_a_flag_replace_the_epochs_of_a_configuration(tmp_path, dataset):
    (tmp_path / "long.py").write_text(EPOCHS)
    done = run("train", "--config=long.py", "--config.train.steps=4", *dataset, cwd=tmp_path)
    assert "--config.train.steps=4 replaces the 50 epochs of the configuration." in done.stderr
    assert "Step 4 of 4 (epoch 0.8): " in done.stderr


def test_an_unknown_configuration_names_the_known_ones(tmp_path):
    done = run("train", "--config=defalt", cwd=tmp_path)
    assert done.returncode == 2
    assert "error: --config=defalt is no file and none of anime, camvid," in done.stderr


@pytest.mark.parametrize("count", [None, 2])
def test_cartoonize_in_python(count):
    images = PHOTO if count is None else np.stack([PHOTO] * count)
    expected = load_predictor("lite")(PHOTO[None])
    np.testing.assert_array_equal(
        pix2pix_flax.cartoonize(images), expected[0] if count is None else expected.repeat(2, 0)
    )


def test_the_wheel_has_all_that_a_training_needs(tmp_path, dataset):
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q"]
    subprocess.run([*build, f"--wheel-dir={tmp_path}", str(ROOT)], check=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    (points,) = (tmp_path / "site").glob("*.dist-info/entry_points.txt")
    assert "pix2pix-flax = pix2pix_flax.cli.console:main" in points.read_text()
    program = (
        "import pix2pix_flax; print(pix2pix_flax.__file__); "
        "from pix2pix_flax.cli.console import main; main()"
    )
    flags = "--config=l1:smoke", "--config.train.steps=4", "--config.train.eval_every_steps=4"
    done = subprocess.run(
        [sys.executable, "-c", program, "train", *flags, *dataset],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith(str(tmp_path / "site")), done.stderr
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "l1-smoke" / "checkpoints" / "4").is_dir()
