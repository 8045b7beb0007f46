"""Each configuration is complete, and its variants change what they say; see test_smoke.py."""

import importlib
import json

import jax
import ml_collections
import numpy as np
import pytest

from cartoon_tfds.errors import UserError
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.recipes.pairs import ReadyPairs
from cartoon_tfds.recipes.pictures import Pictures
from cartoon_tfds.styles import STYLES
from configs import default, paper
from pix2pix_flax.cli.config_files import names
from pix2pix_flax.models.registry import make_generator
from pix2pix_flax.steps.adversarial import AdversarialStep
from pix2pix_flax.steps.supervised import SupervisedStep
from pix2pix_flax.tasks.factory import make_task
from pix2pix_flax.tasks.segmentation import ClassLogits
from tests.commands import run_command

NAMES = names()
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
    for field in reference.keys() - {"train.epochs", "init_from"}:  # None, or a value
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


@pytest.mark.parametrize("name", ["default", "demo", "lite", "steady"])
def test_a_style_behind_the_colon_changes_how_it_is_drawn(name):
    assert default.STYLES.keys() == STYLES.keys() - {"ink"} | {"pairs"}
    steps = {style: get_config(name, style).generator.cel_steps for style in default.STYLES}
    assert steps == {
        "watercolour": 100,
        "poster": 5,
        **dict.fromkeys(("sketch", "opencv", "classic", "pairs"), 0),
    }
    assert get_config(name, "pairs").data.features == ("input", "target")
    assert get_config(name, "poster").generator.cel_print


@pytest.mark.parametrize(
    "recipe",
    [*(Cartoons(style) for style in STYLES), Cartoons(",".join(STYLES)), ReadyPairs(), Pictures()],
)
def test_a_dataset_names_the_configuration_that_learns_it(recipe):
    training = recipe.training()
    assert (training is None) == (recipe.input_and_target is None)
    if training:
        config = get_config(*training.split(":"))
        assert config.data.features == recipe.input_and_target
        assert (
            config.data.styles == recipe.styles if training == "styles" else not config.data.styles
        )


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
