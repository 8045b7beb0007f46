"""What the image-to-image tasks learn, how they are tested, and what they can be asked for."""

import dataclasses
import functools
import importlib
import itertools

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cartoon_tfds.errors import UserError
from pix2pix_flax import metrics
from pix2pix_flax.image.normalize import denormalize, normalize
from pix2pix_flax.losses.consistency import Consistency
from pix2pix_flax.tasks import paired
from pix2pix_flax.tasks.factory import TASKS, make_task


def make_config(name="default", **changes):
    config = importlib.import_module(f"configs.{name}").get_config("smoke")
    with config.unlocked():
        config.sizes.crop = 16
        for path, value in changes.items():
            *parents, last = path.split("__")
            functools.reduce(getattr, parents, config)[last] = value
    return config


def make_batch(count=4, size=16, seed=0):
    """Smooth pictures and their negatives."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 255, (count, 2, 2, 3))
    ramp = np.linspace(0, 1, size)
    weights = np.stack([1 - ramp, ramp], -1)
    pictures = np.einsum("yi,bijc,xj->byxc", weights, corners, weights).round().astype(np.uint8)
    return {"input": pictures, "target": 255 - pictures}


def start(config, batch, steps=100):
    task = make_task(config, steps)
    return task, jax.jit(task.init)(jax.random.key(0), batch)


def test_one_pair_is_learned_by_heart():
    config = make_config(augment__flip=False, optimizer__learning_rate=3e-3, ema_decay=0.9)
    batch = make_batch(count=1)
    task, state = start(config, batch, steps=150)
    step = jax.jit(task.train_step)
    history = []
    for _ in range(150):
        state, values = step(state, batch)
        history.append(float(values["gen/l1"]))
    assert history[-1] < history[0] / 8
    # And so has the average, on its running statistics, which is what a user gets.
    scores = jax.jit(task.eval_step)(state, batch)
    assert scores["l1"].shape == (1,)
    assert scores["l1"][0] < history[0] / 5


def test_bfloat16_step_is_finite_and_keeps_float32_arrays():
    batch = make_batch()
    task, state = start(make_config(dtype="bfloat16", generator__dropout=0.5), batch)
    step = jax.jit(task.train_step)
    for _ in range(3):
        state, values = step(state, batch)
    assert all(np.isfinite(value) for value in values.values())
    floats = [leaf for leaf in jax.tree.leaves(state.nets) if leaf.dtype != jnp.int32]
    assert {leaf.dtype for leaf in floats} == {jnp.dtype("float32")}
    assert all(np.isfinite(leaf).all() for leaf in floats)


def test_the_random_streams_of_a_step_are_different(monkeypatch):
    step_key, used, fold_in = jax.random.key(0), [], jax.random.fold_in

    def recorded(key, stream):
        used.extend([stream] if key is step_key else [])
        return fold_in(key, stream)

    monkeypatch.setattr(jax.random, "fold_in", recorded)
    Consistency(2, 0.1).views(step_key, jnp.zeros((2, 32, 32, 3)))
    streams = [*used, paired._DISC_STREAM, paired._INPUT_STREAM]
    assert len(used) == 4
    assert len(set(streams)) == 6


def test_supervised_has_no_discriminator():
    task = make_task(make_config("l1"), 100)
    state = jax.eval_shape(task.init, jax.random.key(0), make_batch())
    after, values = jax.eval_shape(task.train_step, state, make_batch())
    assert set(state.nets) == set(after.nets) == {"gen", "gen_ema"}
    assert set(values) == {"gen/loss", "gen/l1", "gen/grad_norm"}


@pytest.fixture(scope="module", params=["default", "paper"])
def tested(request):
    """A task, arrays of which none is at its trivial first value, and how it predicts."""
    task, state = start(make_config(request.param), make_batch())
    bumps = jax.jit(
        functools.partial(
            jax.tree.map, lambda x: x + 0.2 * jnp.sin(jnp.arange(x.size)).reshape(x.shape)
        )
    )
    nets = {name: net.replace(params=bumps(net.params)) for name, net in state.nets.items()}
    return task, state.replace(nets=nets), jax.jit(task.predict)


def test_prediction_depends_on_its_own_picture_only(tested):
    _, state, predict = tested
    pictures = make_batch(count=4, seed=5)["input"]
    variables = state.generator.variables
    together = predict(variables, pictures)
    assert (together.shape, together.dtype) == (pictures.shape, jnp.float32)
    assert np.abs(together).max() <= 1
    np.testing.assert_array_equal(together, predict(variables, pictures))
    others = pictures.copy()
    others[1:] = 255 - others[1:]
    np.testing.assert_allclose(together[0], predict(variables, others)[0], atol=1e-6)
    np.testing.assert_allclose(together[2:3], predict(variables, pictures[2:3]), atol=1e-6)


def test_scores_are_those_of_the_rounded_prediction(tested):
    task, state, predict = tested
    batch = make_batch(seed=5)
    output = normalize(denormalize(predict(state.generator.variables, batch["input"])))
    scores = jax.jit(task.eval_step)(state, batch)
    assert set(scores) == {"l1", "psnr", "ssim"}
    for name, values in scores.items():
        expected = getattr(metrics, name)(output, normalize(batch["target"]))
        np.testing.assert_allclose(values, expected, rtol=1e-4)
    means = task.scores.summarize(jax.device_get(scores))
    assert means == {name: float(np.mean(values)) for name, values in scores.items()}


def test_panel_is_input_target_output(tested):
    task, state, predict = tested
    batch = make_batch(seed=5)
    (panel,) = jax.jit(task.visualize)(state, batch).values()
    assert (panel.shape, panel.dtype) == ((4, 16, 48, 3), jnp.uint8)
    output = denormalize(predict(state.generator.variables, batch["input"]))
    expected = np.concatenate([batch["input"], batch["target"], output], 2)
    np.testing.assert_array_equal(panel, expected)


@pytest.mark.parametrize("tested", ["paper"], indirect=True)
def test_papers_test_mode_takes_statistics_and_dropout_of_the_moment(tested):
    task, state, _ = tested
    outputs = []
    for statistics, dropout in itertools.product(("running", "batch"), (False, True)):
        variant = dataclasses.replace(task, statistics=statistics, dropout=dropout)
        predict = jax.jit(variant.predict)
        outputs.append(predict(state.generator.variables, make_batch(count=2)["input"]))
    for one, other in itertools.combinations(outputs, 2):
        assert np.abs(one - other).max() > 0.01


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("task", "pix3pix", f"config.task must be one of {', '.join(TASKS)}, not 'pix3pix'"),
        (
            "inference__statistics",
            "none",
            "config.inference.statistics must be one of running, batch",
        ),
        ("dtype", "float16", "config.dtype must be one of float32, bfloat16, not 'float16'"),
        ("generator__name", "vnet", "generator.name must be one of unet, resnet, .*not 'vnet'"),
        ("discriminator__name", "d", "config.discriminator.name must be one of patch, .*not 'd'"),
        ("generator__norm", "layer", "norm must be one of batch, instance, group, .*not 'layer'"),
        ("discriminator__norm", "layer", "norm must be one of batch, .*not 'layer'"),
        ("generator__upsample", "nearest", "upsample must be one of resize, .*not 'nearest'"),
        ("generator__kernel_init", "zeros", "kernel_init must be one of normal, .*not 'zeros'"),
        ("discriminator__kernel_init", "zeros", "kernel_init must be one of normal, .*not 'zeros'"),
        ("optimizer__name", "sgd", "config.optimizer.name must be one of adam, adamw, not 'sgd'"),
        ("optimizer__schedule", "poly", "optimizer.schedule must be one of constant, linear"),
    ],
)
def test_unknown_choices_are_named(field, value, message):
    with pytest.raises(UserError, match=message):
        jax.eval_shape(
            make_task(make_config(**{field: value}), 100).init, jax.random.key(0), make_batch()
        )


def test_crop_larger_than_the_pictures_is_named():
    task = make_task(make_config(sizes__crop=17), 100)
    with pytest.raises(ValueError, match=r"config.sizes.crop is 17, but the images are 16x16"):
        jax.eval_shape(task.init, jax.random.key(0), make_batch())


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        ("l1", 1, 3),
        ("l1", 3, 1),
        ("default", 1, 1),
        pytest.param("l1", 1, 1, marks=pytest.mark.long),
        pytest.param("default", 1, 3, marks=pytest.mark.long),
        pytest.param("default", 3, 1, marks=pytest.mark.long),
    ],
)
def test_grey_inputs_and_outputs(name, inputs, outputs):
    changes = {"input_channels": inputs, "generator__out_channels": outputs}
    task = make_task(make_config(name, generator__cel_steps=0, **changes), 8)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    batch = {"input": pixels, "target": pixels[::-1].copy()}
    state = jax.jit(task.init)(jax.random.key(0), batch)
    assert state.nets["gen"].params["down0"]["kernel"].shape[2] == inputs
    state, scalars = jax.jit(task.train_step)(state, batch)
    assert np.isfinite(scalars["gen/l1"])
    output = np.asarray(jax.jit(task.predict)(state.generator.variables, pixels))
    assert output.shape == (4, 16, 16, 3)
    assert (output == output[..., :1]).all() == (outputs == 1)
    grey = cv2.cvtColor(pixels[0], cv2.COLOR_RGB2GRAY)
    made_input = task.representation.to_input(pixels)
    made_target = task.representation.to_target(pixels)
    for made, channels in ((made_input, inputs), (made_target, outputs)):
        wanted = grey[..., None] if channels == 1 else pixels[0]
        np.testing.assert_allclose(made[0], wanted / 127.5 - 1, atol=0.0045)


@pytest.mark.parametrize("key", ["input_channels", "generator__out_channels"])
def test_other_numbers_of_channels_are_refused(key):
    with pytest.raises(UserError, match=rf"config\.{key.replace('__', '.')} must be 3 .* not 2"):
        make_task(make_config(**{key: 2}), 8)
