"""Label maps as colours and as logits: what is learned, decoded, scored and shown."""

import dataclasses
from collections.abc import Callable

import jax
import numpy as np
import pytest
import skimage.data
import sklearn.metrics

from cartoon_tfds.errors import UserError
from configs import camvid
from pix2pix_flax import losses
from pix2pix_flax.image.label_colours import nearest_class
from pix2pix_flax.image.normalize import denormalize, normalize
from pix2pix_flax.image.palettes import make_palette
from pix2pix_flax.metrics.segmentation import class_scores
from pix2pix_flax.steps.state import TrainState
from pix2pix_flax.tasks import Task
from pix2pix_flax.tasks.factory import make_task

PALETTE = (
    ("red", (200, 0, 0), ()),
    ("green", (0, 200, 0), ()),
    ("blue", (0, 0, 200), ()),
    ("rare", (200, 200, 200), ()),
    ("void", (0, 0, 0), ()),
)
VOID = 4
VARIANTS = ("smoke", "supervised,smoke")


def make_config(variant="smoke", **changes):
    config = camvid.get_config(variant)
    with config.unlocked():
        config.data.palette = PALETTE
        config.augment.min_scale = config.augment.max_scale = 1.0
        config.generator.out_channels = 4 if config.segmentation.coding == "logits" else 3
        for path, value in changes.items():
            group, name = path.split("__")
            config[group][name] = value
    return config


def make_batch(count=4, size=32):
    """Pieces of a photograph, labelled by brightness; what is darkest is void."""
    photo = skimage.data.coffee()
    inputs = np.stack([photo[60 * i :, 90 * i :][:size, :size] for i in range(count)])
    grey = inputs.mean(axis=-1)
    ranks = np.digitize(grey, np.quantile(grey, [0.15, 0.45, 0.75]))
    return {"input": inputs, "target": colours(np.array([VOID, 0, 1, 2])[ranks])}


def colours(classes):
    return make_palette(PALETTE).colours[classes]


BATCH = make_batch()
STEPS = 80


@dataclasses.dataclass
class Trained:
    """A task, its state after some steps on one batch, and the last one's scalars."""

    task: Task
    state: TrainState
    values: dict[str, jax.Array]
    predict: Callable


@pytest.fixture(scope="module", params=VARIANTS)
def trained(request):
    changes = {"optimizer__learning_rate": 1e-2, "sizes__crop": 0}
    config = make_config(request.param, **changes)
    config.ema_decay = 0.9
    task = make_task(config, total_steps=STEPS)
    state = jax.jit(task.init)(jax.random.key(0), BATCH)
    step = jax.jit(task.train_step)
    for _ in range(STEPS):
        state, values = step(state, BATCH)
    return Trained(task, state, values, jax.jit(task.predict))


@pytest.fixture(scope="module", params=VARIANTS)
def task(request):
    return make_task(make_config(request.param), total_steps=10)


def test_the_nearest_colour_is_that_of_euclid_and_void_is_one_of_them(task):
    images = np.random.default_rng(0).uniform(-1, 1, (2, 9, 7, 3)).astype(np.float32)
    distances = np.square(images[..., None, :] - (colours(np.arange(5)) / 127.5 - 1)).sum(-1)
    palette = task.representation.palette
    found = jax.jit(lambda images: nearest_class(images, palette))(images)
    np.testing.assert_array_equal(found, distances.argmin(axis=-1))
    assert set(np.unique(found)) == set(range(5))
    # Dark pixels would be the darkest class if void were no candidate.
    assert nearest_class(normalize(np.uint8([[[[30, 10, 60]]]])), palette)[0, 0, 0] == VOID


def test_what_a_user_gets_has_the_colours_of_classes_only(trained):
    variables = trained.state.generator.variables
    output = np.asarray(denormalize(trained.predict(variables, BATCH["input"])))
    shown = {tuple(colour) for colour in output.reshape(-1, 3)}
    assert shown <= {colour for _, colour, _ in PALETTE}
    assert len(shown) > 2


def test_what_is_no_number_stays_none(trained):
    """Tiles ask by it how far the network reaches."""
    lost = np.float32(BATCH["input"])
    lost[0, :16] = np.nan
    output = jax.jit(trained.task.predict)(trained.state.generator.variables, lost)
    found = np.isnan(output).all(axis=-1)
    assert found[0, :16].all()
    assert not found[1:].any()


def test_classes_are_the_nearest_colours_or_the_largest_logits(trained):
    task, variables = trained.task, trained.state.generator.variables
    outputs = jax.jit(task._generate)(variables, normalize(BATCH["input"]))
    if "disc" in trained.state.nets:
        expected = nearest_class(outputs, task.representation.palette)
        assert np.abs(outputs).max() <= 1
    else:
        expected = np.asarray(outputs).argmax(axis=-1)
        assert np.abs(outputs).max() > 1  # no tanh
    found = denormalize(trained.predict(variables, BATCH["input"]))
    np.testing.assert_array_equal(found, colours(np.asarray(expected)))


def test_large_pictures_are_seen_in_the_size_of_the_training(trained):
    resolution = dataclasses.replace(trained.task.resolution, size=16)
    task = dataclasses.replace(trained.task, resolution=resolution)
    variables, photos = trained.state.generator.variables, BATCH["input"]
    output = np.asarray(jax.jit(task.predict)(variables, photos))
    small = jax.image.resize(normalize(photos), (4, 16, 16, 3), "linear")
    outputs = jax.jit(trained.task._generate)(variables, small)
    if "disc" in trained.state.nets:
        classes = np.asarray(task.representation.classify(outputs))
        expected = classes.repeat(2, axis=1).repeat(2, axis=2)
    else:
        expected = jax.image.resize(outputs, (4, 32, 32, 4), "linear").argmax(axis=-1)
    np.testing.assert_array_equal(denormalize(output), colours(np.asarray(expected)))
    resolution = dataclasses.replace(trained.task.resolution, size=32)
    larger = dataclasses.replace(task, resolution=resolution)
    assert (np.asarray(jax.jit(larger.predict)(variables, photos)) != output).any()


def test_cross_entropy_leaves_void_out():
    rng = np.random.default_rng(0)
    logits, classes = rng.normal(size=(2, 5, 6, 4)), rng.integers(0, 5, (2, 5, 6))
    known = classes < VOID
    shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    chosen = np.take_along_axis(shares, np.minimum(classes, 3)[..., None], -1)[..., 0]
    expected = -np.log(chosen[known]).mean()
    np.testing.assert_allclose(losses.cross_entropy(logits, classes), expected, rtol=1e-5)
    slopes = jax.jit(jax.grad(losses.cross_entropy))(np.float32(logits), classes)
    assert (np.abs(slopes).max(-1) > 0).tolist() == known.tolist()
    assert losses.cross_entropy(logits, np.full_like(classes, VOID)) == 0


def test_training_learns_the_classes(trained):
    task, state = trained.task, trained.state
    terms = {"gen/l1", "gen/gan"} if "disc" in state.nets else {"gen/cross_entropy"}
    found = {name for name in trained.values if name.startswith("gen/")}
    assert found == terms | {"gen/loss", "gen/grad_norm"}
    scores = task.scores.summarize(jax.device_get(jax.jit(task.eval_step)(state, BATCH)))
    control = jax.jit(
        lambda batch: task.scores.score(task.controls(batch)["commonest"], batch),
    )(BATCH)
    commonest = task.scores.summarize(jax.device_get(control))
    assert scores["pixel_accuracy"] > 0.7 > commonest["pixel_accuracy"]
    assert scores["mean_iou"] > 1.5 * commonest["mean_iou"]


def test_scores_are_those_of_one_confusion_matrix(task):
    """Against scikit-learn, over all labelled pixels together; void outputs are wrong."""
    rng = np.random.default_rng(0)
    truth = rng.choice([0, 1, 2, VOID], (3, 8, 9), p=[0.6, 0.3, 0.05, 0.05])
    found = np.where(rng.random(truth.shape) < 0.6, truth, rng.integers(0, 5, truth.shape))
    found[found == 3] = 0  # in neither: class 3 does not occur
    batch = {"target": colours(truth)}
    outputs = jax.device_get(jax.jit(task.scores.score)(normalize(colours(found)), batch))
    known = truth != VOID
    for index in range(3):
        wrong = (truth != found)[index][known[index]].mean()
        np.testing.assert_allclose(outputs["pixel_error"][index], wrong, rtol=1e-6)
    pair = truth[known], found[known]
    assert (found[known] == VOID).any()
    iou = sklearn.metrics.jaccard_score(*pair, labels=[0, 1, 2], average=None)
    recall = sklearn.metrics.recall_score(*pair, labels=[0, 1, 2], average=None)
    assert task.scores.summarize(outputs) == pytest.approx(
        {
            "pixel_accuracy": (pair[0] == pair[1]).mean(),
            "class_accuracy": recall.mean(),
            "mean_iou": iou.mean(),
        }
    )
    rows = task.scores.tables(outputs)["classes"]
    assert [row["class"] for row in rows] == ["red", "green", "blue", "rare"]
    assert rows[0]["colour"] == "#c80000"
    np.testing.assert_allclose([row["iou"] for row in rows], [*iou, np.nan])
    np.testing.assert_allclose([row["accuracy"] for row in rows], [*recall, np.nan])
    shares = np.bincount(pair[0], minlength=4) / known.sum()
    np.testing.assert_allclose([row["share"] for row in rows], shares)


def test_a_class_that_only_outputs_have_has_an_iou_of_0_and_no_accuracy():
    accuracy, iou = class_scores(np.array([[6, 2, 0], [0, 0, 0]]))
    np.testing.assert_array_equal(accuracy, [0.75, np.nan])
    np.testing.assert_array_equal(iou, [0.75, 0.0])


def test_targets_that_are_void_everywhere_have_no_scores(task):
    void = np.full((2, 8, 8), VOID)
    batch = {"target": colours(void)}
    outputs = jax.device_get(jax.jit(task.scores.score)(normalize(colours(void)), batch))
    assert np.isnan(outputs["pixel_error"]).all()
    assert np.isnan(list(task.scores.summarize(outputs).values())).all()


def test_the_control_is_the_commonest_class_without_void(task):
    target = np.full((2, 8, 8), VOID)
    target[0, :2], target[0, 2] = 1, 2
    target[1, 3] = 3
    batch = {"input": BATCH["input"][:2, :8, :8], "target": colours(target)}
    (name, control), *rest = task.controls(batch).items()
    assert (name, rest) == ("commonest", [])
    expected = np.broadcast_to(np.array([1, 3])[:, None, None], (2, 8, 8))
    np.testing.assert_array_equal(denormalize(control), colours(expected))


def test_columns_are_photograph_target_output_and_overlay(task):
    found = np.where(np.arange(32)[:, None] < 20, VOID, 1) * np.ones((4, 32, 32), int)
    columns = jax.jit(task.columns)(BATCH, normalize(colours(found)))
    photo, target, output, over = map(np.asarray, columns)
    np.testing.assert_array_equal(photo, BATCH["input"])
    np.testing.assert_array_equal(target, BATCH["target"])
    np.testing.assert_array_equal(output, colours(found))
    np.testing.assert_array_equal(over[:, :20], BATCH["input"][:, :20])
    mean = (np.float32(BATCH["input"]) + colours(found))[:, 20:] / 2
    np.testing.assert_allclose(over[:, 20:], mean, atol=0.51)


def test_training_shows_the_columns(trained):
    shapes = jax.eval_shape(trained.task.visualize, trained.state, BATCH)
    assert {name: found.shape for name, found in shapes.items()} == {"panel": (4, 32, 128, 3)}


@pytest.mark.parametrize(
    ("variant", "changes", "message"),
    [
        ("supervised,smoke", {"generator__out_channels": 3}, "out_channels must be 4 .* not 3"),
        (
            "supervised,smoke",
            {"loss_weights__cross_entropy": 0.0},
            "cross_entropy, which must not be",
        ),
        ("supervised,smoke", {"loss_weights__lpips": 1.0}, "perceptual and lpips must be"),
        (
            "supervised,smoke",
            {"loss_weights__feature_matching": 1.0},
            "need a config.discriminator",
        ),
        (
            "smoke",
            {"segmentation__coding": "ids"},
            "coding must be one of colours, logits, not 'id",
        ),
        ("supervised,smoke", {"data__labels": "photo"}, "labels must be the last .* not 'photo'"),
        ("smoke", {"data__labels": ""}, "'cartoon', not ''"),
        ("smoke", {"evaluation__lpips": True}, "config.evaluation.lpips must be False"),
        ("smoke", {"data__palette": ()}, "and one more named 'void'"),
    ],
)
def test_what_does_not_fit_is_named(variant, changes, message):
    with pytest.raises(UserError, match=message):
        make_task(make_config(variant, **changes), total_steps=10)


def test_both_codings_have_the_same_network_but_for_its_last_layer():
    tasks = [make_task(make_config(name), total_steps=10) for name in VARIANTS]
    modules = [dataclasses.asdict(task.module) for task in tasks]
    differing = {key for key in modules[0] if modules[0][key] != modules[1][key]}
    assert differing == {"out_channels", "logits"}
