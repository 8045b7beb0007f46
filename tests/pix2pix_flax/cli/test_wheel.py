"""The wheel, away from the checkout."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile

import numpy as np
import pytest
import skimage.data
from PIL import Image

from cartoon_tfds.images import read_image
from pix2pix_flax.cli.console import COMMANDS
from tests.commands import ROOT
from tests.pix2pix_flax.inference.video.clips import decode, make_clip

PHOTO = skimage.data.chelsea()[60:160, 100:260]


@pytest.fixture(scope="module")
def wheel(made_once):
    """The wheel, built from a copy of the sources: the build leaves a folder beside them."""

    def build(folder):
        sources = folder / "sources"
        sources.mkdir()
        for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, sources)
        for name in ("cartoon_tfds", "pix2pix_flax", "configs", "web"):
            ignored = shutil.ignore_patterns("__pycache__", "site")
            shutil.copytree(ROOT / name, sources / name, ignore=ignored)
        pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q"]
        subprocess.run([*pip, f"--wheel-dir={folder}", str(sources)], check=True)

    (wheel,) = made_once("wheel", build).glob("*.whl")
    return wheel


def test_the_wheel_has_all_that_a_training_needs(tmp_path, wheel, dataset_dir):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    (points,) = (tmp_path / "site").glob("*.dist-info/entry_points.txt")
    assert "pix2pix-flax = pix2pix_flax.cli.console:main" in points.read_text()
    program = (
        "import pix2pix_flax; print(pix2pix_flax.__file__); "
        "from pix2pix_flax.cli.console import main; main()"
    )
    dataset = "--config.data.name=cartoon_tfds/tiny", f"--config.data.data_dir={dataset_dir}"
    done = subprocess.run(
        [sys.executable, "-c", program, "train", "--config=l1:smoke", *dataset],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith(str(tmp_path / "site")), done.stderr
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "l1-smoke" / "checkpoints" / "8").is_dir()


@pytest.fixture
def installed(tmp_path, wheel):
    """Runs `pix2pix-flax WORDS` of a new environment, in `tmp_path`; `used` are the commands run.

    The project is installed there with pip; its dependencies are the ones of this environment.
    """
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", f"--python={python}", "install", "--no-deps", "--no-index"]
    subprocess.run([*pip, "-q", "--disable-pip-version-check", str(wheel)], check=True)
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))

    def run(*words):
        used.add(words[0])
        done = subprocess.run(
            [environment / "bin" / "pix2pix-flax", *words],
            cwd=tmp_path,
            env={name: v for name, v in os.environ.items() if name != "PYTHONPATH"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    used = run.used = set()
    where = [python, "-c", "import cartoon_tfds, pix2pix_flax; print(pix2pix_flax.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert found.stdout.startswith(str(site))
    return run


@pytest.mark.long
def test_every_command_of_an_installed_wheel(installed, tmp_path):
    Image.fromarray(PHOTO).save(tmp_path / "a.jpg")
    make_clip(tmp_path / "c.mp4")
    installed("cartoonize", "a.jpg", "c.mp4")
    assert read_image(tmp_path / "a-cartoon.jpg").shape == PHOTO.shape
    assert len(decode(tmp_path / "c-cartoon.mp4")[1]) == 12

    for number, split in enumerate(["train"] * 5 + ["val", "test"]):
        path = tmp_path / "photos" / split / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(skimage.data.coffee()[20 * number :][:100, :140]).save(path)
    size = "--view_size=64", "--views_per_photo=2"
    shown = installed("dataset", "--photos=photos", "--name=own", "--data_dir=data", *size)
    assert "train: 10 examples of 5 pictures" in shown
    assert "match the manifest" in installed("dataset", "check", "data")

    data = "--config.data.name=cartoon_tfds/own", "--config.data.data_dir=data"
    installed("train", "--config=l1:smoke", "--workdir=run", *data)
    installed("evaluate", "--checkpoint=run", "--novgg16", "--output=scores.json")
    assert json.loads((tmp_path / "scores.json").read_text())["count"] == 2
    (tmp_path / "run" / "report.html").unlink()
    installed("report", "run")
    assert "<svg" in (tmp_path / "run" / "report.html").read_text()
    installed("images", "--checkpoint=run", "--input=a.jpg", "--output=out")
    assert read_image(tmp_path / "out" / "a.png").shape == PHOTO.shape
    installed("video", "--checkpoint=run", "--input=c.mp4", "--output=out.mp4")
    assert len(decode(tmp_path / "out.mp4")[1]) == 12

    noise = "--config.data.features=('cartoon',)", "--config.unconditional.distances=False"
    best = ("--config.train.best_metric=accuracy_real",)
    installed("train", "--config=dcgan:smoke", "--workdir=gan", *data, *noise, *best)
    installed("generate", "--checkpoint=gan", "--seeds=0-3", "--grid=grid.png")
    assert read_image(tmp_path / "grid.png").std() > 1

    installed("export", "--checkpoint=lite", "--format=onnx", "--output=lite.onnx")
    installed(
        "images", "--checkpoint=lite.onnx", "--engine=onnxruntime", "--input=a.jpg", "--output=onnx"
    )
    difference = np.int32(read_image(tmp_path / "onnx" / "a.png"))
    installed("images", "--checkpoint=lite", "--input=a.jpg", "--output=lite", "--working_size=0")
    difference -= read_image(tmp_path / "lite" / "a.png")
    assert np.abs(difference).mean() < 2

    weights = ROOT / "tests" / "pix2pix_flax" / "pretrained" / "data" / "resnet_batch.pth"
    installed("import", f"--input={weights}", "--output=resnet.safetensors")
    installed("cartoonize", "a.jpg", "--checkpoint=resnet.safetensors", "--output=b.png")
    assert read_image(tmp_path / "b.png").shape == PHOTO.shape

    for command in ("page", "serve"):  # tests of pix2pix_flax/serve run them, with their extra
        assert f"pix2pix-flax {command}" in installed(command, "--help")
    assert installed.used == set(COMMANDS)
