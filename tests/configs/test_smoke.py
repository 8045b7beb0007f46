"""The `:smoke` of each configuration trains, is evaluated and predicts."""

import json

import numpy as np
import pytest
import skimage.data

from pix2pix_flax.cli.config_files import names
from pix2pix_flax.evaluation.dataset_choice import DatasetChoice
from pix2pix_flax.evaluation.report import evaluate_checkpoint
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.pretrained.generator import load_generator
from pix2pix_flax.tasks.factory import make_task

# One of each task; test_super_resolution.py and test_styled.py train the others that differ.
QUICK = ("anime", "camvid", "comics", "default")
EVALUATED = ("camvid", "default")  # test_colourisation.py evaluates comics


def all_names(quick):
    """Returns all configurations as values of a parameter; others than these are long tests."""
    return [pytest.param(name, marks=[pytest.mark.long] * (name not in quick)) for name in names()]


@pytest.fixture(scope="module")
def workdir(request, trained_once):
    """Where `configs/NAME.py:smoke` was trained."""
    changes = {
        "paper": {"train__batch_size": 1},  # as published
        "srgan_paper": {"perceptual__net": "vgg16"},
    }.get(request.param, {})
    return trained_once(request.param, f"{request.param}_4", train__steps=4, **changes)


@pytest.mark.parametrize("workdir", all_names(quick=QUICK), indirect=True)
def test_smoke_trains_and_logs(workdir):
    lines = [json.loads(line) for line in (workdir / "log.jsonl").read_text().splitlines()]
    steps = sorted(int(path.name) for path in (workdir / "checkpoints").iterdir())
    config = load_generator(workdir).config
    assert steps == [4]
    last = {name: v for line in lines if line["step"] == 4 for name, v in line.items()}
    assert np.isfinite(list(last.values())).all()
    best = config.train.best_metric
    if best.startswith("vgg16_"):  # four pictures are too few for distances of sets
        assert f"validation/{best}" not in last
        best = "accuracy_real"
    assert {"gen/loss", f"validation/{best}", "speed/images_per_second"} <= last.keys()


@pytest.fixture
def translator(workdir):
    """Of these those that take pictures; test_unconditional.py has the others."""
    if load_generator(workdir).config.task == "unconditional":
        pytest.skip("makes pictures of noise")
    return workdir


@pytest.mark.parametrize("workdir", all_names(quick=EVALUATED), indirect=True)
def test_smoke_is_evaluated(translator):
    report, panel = evaluate_checkpoint(
        translator, DatasetChoice("test"), vgg16=False, panel_rows=2
    )
    assert report.count == 8
    assert len(report.summary) >= 2  # the network, and the task's controls
    labels = {"pixel_accuracy", "class_accuracy", "mean_iou"}
    of_labels = load_generator(translator).task.representation.legend
    for scores in report.summary.values():
        assert (labels if of_labels else {"l1", "psnr", "ssim"}) <= scores.keys()
        assert np.isfinite(list(scores.values())).all()
    assert panel.shape[0] >= 2 * 36


@pytest.mark.parametrize("workdir", all_names(quick=QUICK), indirect=True)
def test_smoke_predicts_each_picture_by_itself(translator):
    predict = load_predictor(translator)
    photo = skimage.data.coffee()
    images = np.stack([photo[40 * i : 40 * i + 17, 90 * i : 90 * i + 24] for i in range(3)])
    output = predict(images)
    task = make_task(predict.config, total_steps=1)
    scale = task.resolution.scale
    assert output.shape == (3, 17 * scale, 24 * scale, 3)
    assert output.std() > 0.1 or task.representation.legend  # not one grey, but it may be one class
    alone = np.concatenate([predict(image[None]) for image in images])
    assert np.abs(np.int32(output) - alone).max() <= 1
    np.testing.assert_array_equal(output, predict(images))
