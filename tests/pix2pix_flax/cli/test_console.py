"""The console command, on real files, as an installed package runs it."""

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import skimage.data
from PIL import Image

import pix2pix_flax
from cartoon_tfds.images import read_image
from cartoon_tfds.styles import cartoonize
from pix2pix_flax.cli.console import COMMANDS
from pix2pix_flax.inference.predictor import load_predictor
from tests.commands import CONSOLE, ROOT, run_command
from tests.pix2pix_flax.export.networks import difference
from tests.pix2pix_flax.inference.video.clips import decode, make_clip, pan

PHOTO = skimage.data.chelsea()[60:160, 100:260]


def run(*words, cwd):
    return run_command("-c", CONSOLE, *words, cwd=cwd)


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
    assert "python " not in done.stdout.partition("Flags:")[0]


def test_help_of_datasets_is_of_the_console(tmp_path):
    done = run("dataset", "--help", cwd=tmp_path)
    assert "python -m" not in done.stdout
    assert "pix2pix-flax dataset build --help lists the flags of build" in done.stdout
    done = run("dataset", "build", "--help", cwd=tmp_path)
    assert "usage: pix2pix-flax dataset build" in done.stdout
    assert "--views_per_photo" in done.stdout


@pytest.mark.parametrize("words", [["--help"], ["evaluate", "--help"]])
def test_a_part_of_the_help_is_enough(words, tmp_path):
    """As in `pix2pix-flax --help | head -1`, which closes the pipe."""
    reading, writing = os.pipe()
    os.close(reading)
    program = [sys.executable, "-c", CONSOLE, *words]
    done = subprocess.run(program, cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_unknown_command_names_the_known_ones(tmp_path):
    done = run("paint", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: no command 'paint'; known: cartoonize, train")
    assert done.stderr.endswith("import\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "b.jpg"], "error: no flag has one letter: write --output=FILE\n"),
        (["--quality=high"], "error: flag --quality=high: 'high' is no whole number\n"),
        (["--strength=much"], "error: flag --strength=much: no number: 'much'\n"),
    ],
)
def test_mistakes_in_flags_are_told_in_words(words, message, tmp_path):
    done = run("cartoonize", "a.jpg", *words, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, message)


def test_the_version_is_told(tmp_path):
    assert run("--version", cwd=tmp_path).stdout == f"pix2pix-flax {pix2pix_flax.__version__}\n"


def test_cartoonize_draws_pictures_folders_and_clips(tmp_path):
    (tmp_path / "album").mkdir()
    for name in ("a.jpg", "album/b.png"):
        Image.fromarray(PHOTO).save(tmp_path / name)
    make_clip(tmp_path / "c.mp4", audio=True)
    done = run("cartoonize", "a.jpg", "album", "c.mp4", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 images written: a-cartoon.jpg, album/b-cartoon.png\n")
    assert done.stderr.endswith("Drawn by onnxruntime on the CPU.\n")
    drawn = read_image(tmp_path / "album" / "b-cartoon.png")
    assert difference(drawn, load_predictor("lite")(PHOTO[None])[0]) <= 1
    assert len(decode(tmp_path / "c-cartoon.mp4")[1]) == 12
    again = run("cartoonize", "a.jpg", cwd=tmp_path)
    assert again.returncode == 0
    assert "1 existed already (--overwrite replaces them): a-cartoon.jpg" in again.stdout


def test_a_clip_that_fails_does_not_stop_the_others(tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    make_clip(tmp_path / "~good, [1].mp4", pan(3))
    done = run("cartoonize", "bad.mp4", "~good, [1].mp4", "--checkpoint=opencv:ink", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: bad.mp4: not a video that can be read")
    assert done.stderr.count("\n") == 1
    assert len(decode(tmp_path / "~good, [1]-cartoon.mp4")[1]) == 3


def test_an_animated_gif_is_a_clip_and_a_still_one_a_picture(tmp_path):
    frames = [Image.fromarray(np.roll(PHOTO, shift, 1)) for shift in (0, 4, 8)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:], duration=40)
    frames[0].save(tmp_path / "still.gif")
    done = run("cartoonize", "moving.gif", "still.gif", "--checkpoint=opencv:ink", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(decode(tmp_path / "moving-cartoon.mp4")[0]) == 3
    assert read_image(tmp_path / "still-cartoon.png").shape == PHOTO.shape
    words = "moving.gif", "--checkpoint=opencv:ink", "--output=out.gif"
    done = run("cartoonize", *words, cwd=tmp_path)
    assert done.stderr.startswith("error: out.gif: a clip in h264 has to end in .mp4, ")


def test_a_part_of_a_clip_is_drawn(tmp_path):
    make_clip(tmp_path / "in.mp4", pan(12))  # at 25 frames/s
    words = "in.mp4", "--checkpoint=opencv:ink", "--start=0.08", "--duration=0.2"
    done = run("cartoonize", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(decode(tmp_path / "in-cartoon.mp4")[0]) == 5


def test_what_a_clip_loses_is_told_in_one_line(tmp_path):
    piece = make_clip(tmp_path / "a.ts", pan(12), audio=True).read_bytes()
    (tmp_path / "in.ts").write_bytes(2 * piece)
    words = "video", "--checkpoint=opencv:ink", "--input=in.ts", "--output=out.mp4", "--audio=none"
    done = run(*words, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert "in.ts: the clock steps back or jumps ahead once" in done.stderr
    assert "out.mp4: 24 frames" in done.stdout
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert not container.streams.audio


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
        (
            ["a.png", "--output=a.mp4", "--checkpoint=opencv:ink"],
            "error: a.mp4: a picture cannot be written in this format: name a",
        ),
        (
            ["a.png", "--output=a.gif", "--checkpoint=opencv:ink"],
            "error: a.gif: a picture cannot be written in this format: name a",
        ),
        (
            ["a.png", "b.jpg"],
            "error: b.jpg: no such picture; the result is named by --output=b.jpg",
        ),
        (["notes.txt", "--checkpoint=opencv:ink"], "error: notes.txt is neither a picture nor a"),
        (["none.jpg"], "error: none.jpg: no such file or folder"),
        (["none*.jpg"], "error: none*.jpg: no image found"),
        (["a.png", "--output=a.jgp", "--checkpoint=opencv:ink"], "error: a.jgp: name a .jpeg, "),
        (["a.png", "--checkpoint=lit"], "error: {cwd}/lit is not a checkpoint and not a work "),
    ],
)
def test_mistakes_of_cartoonize_are_one_line(words, message, tmp_path):
    Image.fromarray(PHOTO).save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("no picture")
    done = run("cartoonize", *words, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(message.format(cwd=tmp_path))
    assert done.stderr.count("\n") == 1
    if "--checkpoint=lit" in words:
        assert "Did you mean lite? The generators of the package are comics, lite, " in done.stderr


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


@pytest.mark.long  # the next test has a configuration of its own too
def test_a_copied_configuration_imports_the_others(tmp_path, dataset):
    from pix2pix_flax.cli import config_files

    shutil.copy(config_files.folder() / "l1.py", tmp_path / "mine.py")
    done = run("train", "--config=mine.py:smoke", *dataset, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "mine-smoke" / "checkpoints" / "8").is_dir()


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
    assert "--config.train.steps=4 replaces epochs=50 of the configuration." in done.stderr
    assert "Step 4 of 4 (epoch 0.8): " in done.stderr


def test_an_unknown_configuration_names_the_known_ones(tmp_path):
    done = run("train", "--config=defalt", cwd=tmp_path)
    assert done.returncode == 2
    assert "error: --config=defalt is neither a file nor one of anime, camvid," in done.stderr
    assert "; write" not in done.stderr
    done = run("train", "--config=configs/default.py", cwd=tmp_path)
    assert done.stderr.endswith("; write --config=default\n")


@pytest.mark.parametrize("count", [None, 2])
def test_cartoonize_in_python(count):
    images = PHOTO if count is None else np.stack([PHOTO] * count)
    expected = load_predictor("lite")(PHOTO[None])
    expected = expected[0] if count is None else expected.repeat(2, 0)
    assert difference(pix2pix_flax.cartoonize(images), expected) <= 1


def test_cartoonize_in_python_reads_a_picture(tmp_path):
    Image.fromarray(PHOTO).save(tmp_path / "a.png")
    drawn = pix2pix_flax.cartoonize(tmp_path / "a.png")
    np.testing.assert_array_equal(drawn, pix2pix_flax.cartoonize(PHOTO))


def test_cartoonize_needs_no_module_that_windows_lacks():
    program = """
import sys
sys.modules["fcntl"] = sys.modules["resource"] = None
import numpy as np
import pix2pix_flax
print(pix2pix_flax.cartoonize(np.zeros((40, 60, 3), np.uint8)).shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "(40, 60, 3)\n", done.stderr
