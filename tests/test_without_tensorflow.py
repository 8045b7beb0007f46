"""The machine that trains, evaluates and infers has no TensorFlow."""

import json

import av
import cv2
import numpy as np
import pytest
import skimage.data

from pix2pix_flax.cache import CACHE_VARIABLE

COFFEE = skimage.data.coffee()


@pytest.fixture(scope="module")
def run(run_without_tensorflow, tmp_path_factory):
    """Runs a command of the project; returns what it prints, the log included."""
    cache = tmp_path_factory.mktemp("cache")

    def run(*arguments):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(CACHE_VARIABLE, str(cache))
            done = run_without_tensorflow(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture(scope="module")
def workdir(run, dataset_dir, tmp_path_factory):
    path = tmp_path_factory.mktemp("without_tensorflow")
    run(
        "-m",
        "pix2pix_flax.main",
        "--config=tests/supervised.py:smoke",
        "--config.data.name=cartoon_tfds/tiny",
        f"--config.data.data_dir={dataset_dir}",
        f"--workdir={path}",
    )
    return path


def test_there_is_none(run):
    program = """
from importlib import metadata, util
print(util.find_spec("tensorflow"), util.find_spec("tensorflow_datasets") is not None)
print([d.name for d in metadata.distributions() if d.name in ("tensorflow", "tensorflow-cpu")])
"""
    assert run("-c", program) == "None True\n[]\n"


def test_training(workdir):
    assert sorted(path.name for path in (workdir / "checkpoints").iterdir()) == ["4", "8"]
    lines = [json.loads(line) for line in (workdir / "log.jsonl").read_text().splitlines()]
    assert any("validation/psnr" in line for line in lines)
    assert list(workdir.glob("events.*"))


def test_evaluation(run, workdir, tmp_path):
    output = tmp_path / "scores.json"
    shown = run(
        "scripts/evaluate_checkpoint.py",
        f"--checkpoint={workdir}",
        "--split=test",
        f"--output={output}",
    )
    assert "8 examples of cartoon_tfds/tiny, split test:" in shown
    assert json.loads(output.read_text())["count"] == 8


def test_images(run, workdir, tmp_path):
    assert cv2.imwrite(str(tmp_path / "coffee.png"), COFFEE[:21, :30, ::-1])
    run(
        "scripts/translate_images.py",
        f"--checkpoint={workdir}",
        f"--input={tmp_path / 'coffee.png'}",
        f"--output={tmp_path / 'out'}",
    )
    assert cv2.imread(str(tmp_path / "out" / "coffee.png")).shape == (21, 30, 3)


def test_video(run, workdir, tmp_path):
    clip, output = tmp_path / "clip.mp4", tmp_path / "cartoon.mp4"
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        for i in range(6):
            image = np.ascontiguousarray(COFFEE[100 : 100 + 32, 8 * i : 8 * i + 48])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        container.mux(stream.encode(None))
    run(
        "scripts/translate_video.py",
        f"--checkpoint={workdir}",
        f"--input={clip}",
        f"--output={output}",
    )
    with av.open(str(output)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        assert container.streams.video[0].codec_context.name == "h264"
    assert [frame.shape for frame in frames] == [(32, 48, 3)] * 6
