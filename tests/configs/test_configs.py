"""Each configuration is complete, and its `:smoke` trains, is evaluated and predicts."""

import importlib
import json
from pathlib import Path

import jax
import ml_collections
import numpy as np
import pytest
import skimage.data

import pix2pix_flax
from cartoon_tfds.errors import UserError
from configs import default, paper
from pix2pix_flax.evaluation.dataset_choice import DatasetChoice
from pix2pix_flax.evaluation.report import evaluate_checkpoint
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.models.registry import make_generator
from pix2pix_flax.pretrained.generator import load_generator
from pix2pix_flax.steps.adversarial import AdversarialStep
from pix2pix_flax.steps.supervised import SupervisedStep
from pix2pix_flax.tasks.factory import make_task
from pix2pix_flax.tasks.segmentation import ClassLogits
from tests.commands import run_command

ROOT = Path(pix2pix_flax.__file__).parents[1]
NAMES = sorted(path.stem for path in (ROOT / "configs").glob("*.py") if path.stem != "base")
VARIANTS = ("", "smoke", "supervised", "supervised,smoke")

OWN_GROUPS = {
    "colourisation": ("hints.",),
    "translation": ("styled.",),
    "segmentation": ("segmentation.",),
    "super_resolution": ("degradation",),
    "unconditional": ("unconditional.", "diff_augment."),
}
"""Groups of fields that only one task has, by task."""


def get_config(name, *arguments):
    return importlib.import_module(f"configs.{name}").get_config(*arguments)


ADVERSARIAL = [name for name in NAMES if "discriminator" in get_config(name)]
PAIRED = [name for name in NAMES if get_config(name).task != "unconditional"]
LABELS = [name for name in NAMES if get_config(name).task == "segmentation"]


def flatten(config, prefix=""):
    """Returns the values by their dotted names."""
    flat = {}
    for name, value in config.items():
        is_group = isinstance(value, ml_collections.ConfigDict)
        flat |= flatten(value, f"{prefix}{name}.") if is_group else {f"{prefix}{name}": value}
    return flat


def of_adversary(field):
    """Whether only a configuration with a discriminator has a field of the default."""
    names = ("loss_weights.gan", "loss_weights.feature_matching")
    return field.startswith(("discriminator.", "gan.")) or field in names


def of_pairs(field):
    """Whether only a configuration that learns from pairs has a field of the default."""
    groups = ("loss_weights.", "perceptual.", "consistency.", "inference.", "input_channels")
    return field.startswith(groups) and not of_adversary(field)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", NAMES)
def test_configs_are_locked_and_complete(name, variant):
    config = get_config(name, variant)
    assert config.is_locked
    with pytest.raises(AttributeError):
        config.train.bach_size = 4
    flat, reference = flatten(config), flatten(default.get_config())
    own = {field for field in flat if field.startswith(OWN_GROUPS.get(config.task, ()))}
    for is_left_out in (
        *([of_adversary] if "discriminator" not in config else []),
        *([of_pairs] if config.task == "unconditional" else []),
    ):
        reference = {field: v for field, v in reference.items() if not is_left_out(field)}
    for net in ("generator", "discriminator"):  # whose keys are for make_task to check
        if net in config and config[net].name != default.get_config()[net].name:
            own |= {field for field in flat if field.startswith(f"{net}.")}
            reference = {f: v for f, v in reference.items() if not f.startswith(f"{net}.")}
    assert flat.keys() - own == reference.keys()
    for field in reference.keys() - {"train.epochs"}:  # None, or a number
        assert type(flat[field]) is type(reference[field]), field
    assert json.loads(config.to_json())["data"]["data_dir"] is None  # as checkpoints hold it


@pytest.mark.parametrize("variant", ["", "smoke"])
@pytest.mark.parametrize("name", NAMES)
def test_a_config_makes_a_task(name, variant):
    config = get_config(name, variant)
    step = make_task(config, total_steps=10).step
    assert type(step) is (AdversarialStep if "discriminator" in config else SupervisedStep)


@pytest.mark.parametrize("variant", ["supervised", "supervised,smoke", "smoke,supervised"])
@pytest.mark.parametrize("name", NAMES)
def test_supervised_leaves_the_adversary_out(name, variant):
    config = get_config(name, variant)
    if name not in PAIRED:
        with pytest.raises(UserError, match=r"unconditional needs config\.discriminator"):
            make_task(config, total_steps=10)
        return
    task = make_task(config, total_steps=10)
    assert type(task.step) is SupervisedStep
    assert not {"gan", "feature_matching"} & task.step.gen.weights.keys()
    assert any(task.step.gen.weights.values())
    is_smoke = "smoke" in variant
    assert (config.data.name == "cartoon_tfds/sample") == (is_smoke or name == "demo")
    assert (config.train.steps == 8) == is_smoke


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_supervised_changes_nothing_but_the_objective(name):
    ours, baseline = (flatten(get_config(name, variant)) for variant in ("", "supervised"))
    assert not baseline.keys() - ours.keys()
    differing = {field for field in ours if ours[field] != baseline.get(field, object())}
    changed = {field for field in differing if not of_adversary(field)}
    labels = {"segmentation.coding", "generator.out_channels", "loss_weights.cross_entropy"}
    assert changed == (labels if name in LABELS else set())
    assert differing - changed == {field for field in ours if of_adversary(field)}


@pytest.mark.parametrize("name", LABELS)
def test_the_baseline_of_label_maps_learns_logits(name):
    task = make_task(get_config(name, "supervised"), total_steps=10)
    assert isinstance(task.representation, ClassLogits)
    assert task.step.gen.weights["cross_entropy"] == 1.0


@pytest.mark.parametrize("name", NAMES)
def test_a_config_is_made_anew_each_time(name):
    first = get_config(name)
    assert first.to_json() == get_config(name, "").to_json()
    first.train.steps = 3
    assert get_config(name).train.steps != 3


@pytest.mark.parametrize("arg", ["smok", "supervised,smok", "smok,smoke", "smoke supervised"])
@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_variant_is_named(name, arg):
    word = next(word for word in arg.split(",") if word not in ("smoke", "supervised"))
    message = f"no variant '{word}', only supervised and smoke"
    with pytest.raises(ValueError, match=message):
        get_config(name, arg)


def test_the_default_network_fits():
    config = default.get_config()
    module = make_generator(config.generator, config.dtype)
    images = jax.ShapeDtypeStruct((1, 256, 256, 3), np.float32)
    shapes = jax.eval_shape(lambda x: module.init(jax.random.key(0), x, train=True), images)
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes["params"])) <= 15_000_000
    assert config.generator.norm == "batch"
    assert config.train.batch_size >= 8
    assert config.inference.to_dict() == {"statistics": "running", "dropout": False}
    assert not config.evaluation.lpips


def test_the_l1_control_differs_in_its_objective_only():
    ours, control = (flatten(get_config(name)) for name in ("default", "l1"))
    assert not control.keys() - ours.keys()
    differing = {field for field in ours if ours[field] != control.get(field)}
    groups = {field.partition(".")[0] for field in differing}
    assert groups == {"discriminator", "gan", "loss_weights"}


def test_the_paper_is_followed_to_the_letter():
    """Isola et al. 2017, sections 3.3, 3.4, 6.1 and 6.2."""
    expected = {
        "generator.depth": 8,
        "generator.width": 64,
        "generator.norm": "batch",
        "generator.upsample": "transpose",
        "generator.dropout": 0.5,
        "discriminator.depth": 3,
        "discriminator.width": 64,
        "discriminator.norm": "batch",
        "loss_weights.gan": 1.0,
        "loss_weights.l1": 100.0,
        "optimizer.learning_rate": 2e-4,
        "optimizer.schedule": "constant",
        "optimizer.b1": 0.5,
        "optimizer.b2": 0.999,
        "ema_decay": 0.0,
        "inference.statistics": "batch",
        "inference.dropout": True,
        "sizes.crop": 256,
        "augment.flip": True,
        "data.canvas_mode": "resize",
        "sizes.canvas": 286,
        "sizes.evaluation": 256,
        "train.batch_size": 1,
        "train.epochs": 200.0,
    }
    flat = flatten(paper.get_config())
    assert {field: flat[field] for field in expected} == expected


def test_facades_are_the_papers_recipe_on_other_pairs():
    ours, papers = (flatten(get_config(name)) for name in ("facades", "paper"))
    differing = {field for field in papers if ours[field] != papers[field]}
    assert differing == {"data.name", "data.features"}
    assert ours["data.features"] == ("target", "input")  # the photograph lies left


# Their `:smoke` has no part of its own: mid is lite in small, demo, steady and l1 are the default
# with other terms, facades is paper, cityscapes is camvid with paper's network, dcgan is anime
# without DiffAugment, lite_x4_real is lite_x4_clean with degradation, srgan_paper is srgan
# with VGG19, and test_super_resolution.py trains and evaluates srresnet.
ALIKE = (
    *("cityscapes", "dcgan", "demo", "facades", "l1", "lite_x4_real", "mid"),
    *("srgan_paper", "srresnet", "steady"),
)
# Others of the same task are evaluated: default and srgan.
ANOTHER_NETWORK = ("lite_x4", "lite_x4_clean", "resnet", "rrdb")


def mark_long(*names):
    """Returns all configurations as values of a parameter; these only run with the long tests."""
    return [pytest.param(name, marks=[pytest.mark.long] * (name in names)) for name in NAMES]


@pytest.fixture(scope="module")
def workdir(request, trained_once):
    """Where `configs/NAME.py:smoke` was trained."""
    if request.param == "default":
        return trained_once("default")  # the run of test_resume.py
    changes = {
        "paper": {"train__batch_size": 1},  # as published
        "srgan_paper": {"perceptual__net": "vgg16"},
    }.get(request.param, {})
    return trained_once(request.param, f"{request.param}_4", train__steps=4, **changes)


@pytest.mark.parametrize("workdir", mark_long(*ALIKE), indirect=True)
def test_smoke_trains_and_logs(workdir):
    lines = [json.loads(line) for line in (workdir / "log.jsonl").read_text().splitlines()]
    steps = sorted(int(path.name) for path in (workdir / "checkpoints").iterdir())
    config = load_generator(workdir).config
    assert steps == list(range(4, config.train.steps + 1, 4))
    last = {name: v for line in lines if line["step"] == steps[-1] for name, v in line.items()}
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


@pytest.mark.parametrize("workdir", mark_long(*ALIKE, *ANOTHER_NETWORK), indirect=True)
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


@pytest.mark.parametrize("workdir", mark_long(*ALIKE), indirect=True)
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


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "error: missing --config\n"),
        (
            ["--config=configs/demo.py:smoke", "--config.data.data_dir=/none"],
            1,
            "error: No prepared dataset 'cartoon_tfds/sample' (config.data.name) in /none "
            "(config.data.data_dir). Build it with: "
            "python -m cartoon_tfds --config=sample --data_dir=/none\n",
        ),
    ],
)
def test_a_mistake_is_one_line(tmp_path, arguments, code, message):
    flags = [*arguments, f"--workdir={tmp_path / 'run'}"] if arguments else []
    done = run_command("-m", "pix2pix_flax.main", *flags)
    assert (done.returncode, done.stderr) == (code, message)
