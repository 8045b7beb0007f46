"""Super-resolution: what is made of a picture, what is learned, scored and shown."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.color
import skimage.data
import skimage.metrics

from cartoon_tfds.errors import UserError
from configs import default, rrdb, srgan, srresnet
from pix2pix_flax.image.normalize import denormalize, normalize
from pix2pix_flax.image.resampling import imresize
from pix2pix_flax.tasks.factory import make_task

PHOTO = skimage.data.coffee()


def make_config(module=srresnet, **changes):
    config = module.get_config("smoke")
    with config.unlocked():
        config.generator.blocks = 1
        for path, value in changes.items():
            *parents, name = path.split("__")
            node = config
            for parent in parents:
                node = node[parent]
            node[name] = value
    return config


def make_batch(count=4, height=40, width=40):
    pieces = [PHOTO[60 * i :, 90 * i :][:height, :width] for i in range(count)]
    return {"input": np.stack(pieces), "target": np.stack(pieces)}


@pytest.fixture(scope="module")
def task():
    return make_task(make_config(), total_steps=100)


@pytest.fixture(scope="module")
def state(task):
    return jax.jit(task.init)(jax.random.key(0), make_batch())


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_the_input_is_the_target_reduced_in_eight_bits(scale):
    task = make_task(make_config(generator__scale=scale), total_steps=1)
    assert task.resolution.scale == scale
    batch = make_batch(height=43, width=54)
    pair = jax.jit(task.prepare)(batch)
    height, width = 43 // scale, 54 // scale
    target = batch["target"][:, : height * scale, : width * scale]
    np.testing.assert_array_equal(pair["target"], target)
    assert (pair["input"].shape, pair["input"].dtype) == ((4, height, width, 3), np.uint8)
    np.testing.assert_array_equal(pair["input"], imresize(target, height, width))


def test_other_tasks_take_pictures_as_they_are():
    task = make_task(default.get_config("smoke"), total_steps=1)
    batch = make_batch()
    assert (task.prepare(batch), task.resolution.scale) == (batch, 1)


def test_training_lowers_the_error():
    config = make_config(generator__scale=2, optimizer__learning_rate=3e-3)
    task, batch = make_task(config, total_steps=60), make_batch(height=32, width=32)
    state = jax.jit(task.init)(jax.random.key(0), batch)
    step, history = jax.jit(task.train_step), []
    for _ in range(60):
        state, values = step(state, batch)
        history.append(float(values["gen/l2"]))
    assert np.mean(history[-5:]) < history[0] / 5


def test_scores_are_of_luma_and_rgb_without_a_border(task, state):
    batch = make_batch(height=42, width=50)
    pair = task.prepare(batch)
    output = jax.jit(task.predict)(state.generator.variables, pair["input"])
    scores = jax.jit(task.eval_step)(state, batch)
    for index, target in enumerate(np.asarray(pair["target"])):
        pictures = [x[4:-4, 4:-4] for x in (np.asarray(denormalize(output[index])), target)]
        luma = [skimage.color.rgb2ycbcr(x)[..., 0] for x in pictures]  # MATLAB's
        settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        for name, pair_of, axis in (("psnr", pictures, -1), ("psnr_y", luma, None)):
            wanted = skimage.metrics.peak_signal_noise_ratio(*pair_of, data_range=255)
            np.testing.assert_allclose(scores[name][index], wanted, atol=1e-3)
            name = name.replace("psnr", "ssim")
            wanted = skimage.metrics.structural_similarity(
                *pair_of, data_range=255, channel_axis=axis, **settings
            )
            # dm_pix leaves 5 pixels out, of which scikit-image's mean is as well.
            np.testing.assert_allclose(scores[name][index], wanted, atol=2e-3)


def test_the_controls_are_nearest_and_bicubic(task):
    pair = task.prepare(make_batch())
    controls = task.controls(pair)
    assert list(controls) == ["nearest", "bicubic"]
    nearest = np.kron(pair["input"], np.ones((1, 4, 4, 1), np.uint8))
    np.testing.assert_array_equal(denormalize(controls["nearest"]), nearest)
    expected = imresize(pair["input"], 40, 40)
    np.testing.assert_array_equal(denormalize(controls["bicubic"]), expected)


def test_the_panel_is_nearest_bicubic_target_output(task, state):
    batch = make_batch()
    (panel,) = jax.jit(task.visualize)(state, batch).values()
    assert (panel.shape, panel.dtype) == ((4, 40, 160, 3), jnp.uint8)
    low, bicubic, high, output = np.split(np.asarray(panel), 4, axis=2)
    pair = task.prepare(batch)
    np.testing.assert_array_equal(low[:, ::4, ::4], pair["input"])
    np.testing.assert_array_equal(bicubic, denormalize(task.controls(pair)["bicubic"]))
    np.testing.assert_array_equal(high, batch["target"])
    expected = denormalize(task.predict(state.generator.variables, pair["input"]))
    assert np.abs(np.int32(output) - expected).max() <= 1


def test_pictures_are_continued_by_reflection_on_all_sides(task, state):
    """What is made of the middle of a mirrored picture is what is made of the picture."""
    variables = state.generator.variables
    images = task.representation.to_input(make_batch(height=12, width=16)["input"])
    wide = np.pad(images, [(0, 0), (4, 4), (4, 4), (0, 0)], mode="reflect")
    output = task.module.apply(variables, wide, train=False)
    np.testing.assert_allclose(
        task.resolution.run(lambda images: task._generate(variables, images), images),
        output[:, 16:-16, 16:-16],
        atol=1e-5,
    )


TERMS = ("gan", "perceptual", "lpips", "l2")


@pytest.fixture(scope="module")
def moments_of():
    """From a term to the first moments of G's parameters after a step on this term alone."""
    weights = {f"loss_weights__{term}": 1.0 for term in TERMS}
    config = make_config(srgan, perceptual__net="alexnet", generator__norm="none", **weights)
    config.evaluation.lpips = False
    task, batch = make_task(config, total_steps=1), make_batch(height=32, width=32)
    frozen = task.load_frozen()
    state = jax.jit(task.init)(jax.random.key(0), batch, frozen)

    @jax.jit
    def step(weights, state, batch, frozen):
        gen = dataclasses.replace(task.step.gen, weights=weights)
        changed = dataclasses.replace(task, step=dataclasses.replace(task.step, gen=gen))
        return changed.train_step(state, batch, frozen)

    def moments(term):
        after, _ = step({name: float(name == term) for name in TERMS}, state, batch, frozen)
        moments = after.nets["gen"].opt_state[0].mu
        return {jax.tree_util.keystr(p): x for p, x in jax.tree_util.tree_leaves_with_path(moments)}

    return moments


@pytest.mark.parametrize("term", TERMS)
def test_every_term_moves_every_parameter_of_the_generator(moments_of, term):
    assert not [name for name, moment in moments_of(term).items() if not np.abs(moment).max() > 0]


def test_the_perceptual_term_is_worth_the_squared_error_at_first():
    task = make_task(make_config(srgan, perceptual__net="alexnet"), total_steps=1)
    weights = task.perceptual.load()
    target = normalize(make_batch(height=64, width=64)["target"])
    scales = task.perceptual.calibrate(weights, target)
    small = imresize(target, 16, 16)
    blurred = jax.image.resize(
        jax.image.resize(target, small.shape, "linear"), target.shape, "linear"
    )
    found = task.perceptual.losses(weights, scales, blurred, target)["perceptual"]
    np.testing.assert_allclose(found, jnp.mean((blurred - target) ** 2), rtol=1e-4)


def test_the_average_moves_by_what_the_decay_leaves(task, state):
    late = state.replace(step=jnp.int32(10**6))
    after, _ = jax.jit(task.train_step)(late, make_batch())
    nets = late.nets["gen_ema"], after.nets["gen"], after.nets["gen_ema"]
    for part in ("params", "model_state"):
        old, new, average = (getattr(net, part) for net in nets)
        expected = jax.tree.map(lambda a, b: a + (1 - 0.999) * (b - a), old, new)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), average, expected)


def test_steadiness_is_asked_for_in_pixels_of_the_output():
    config = make_config(loss_weights__consistency=1.0, consistency__noise=0.0, generator__scale=2)
    task = make_task(config, total_steps=1)
    images = jnp.asarray(normalize(make_batch(height=48, width=48)["input"]))
    views = task._views(jax.random.key(3), images)
    doubled = views.repeat(2, axis=1).repeat(2, axis=2)
    pair = {"input": images, "target": jnp.zeros((4, 96, 96, 3))}
    found = task._terms(jax.random.key(3), doubled, pair, ())["consistency"]
    np.testing.assert_allclose(found, 0, atol=1e-6)


@pytest.mark.parametrize(
    ("module", "changes", "message"),
    [
        (srresnet, {"sizes__crop": 30}, "config.sizes.crop is 30: it must be a multiple of .*, 4"),
        (srgan, {"gan__conditional": True}, "config.gan.conditional must be False"),
        (srresnet, {"task": "translation"}, "must be a network of scale 1 .*'srresnet' of scale 4"),
        (
            default,
            {"task": "super_resolution"},
            "must be a network with a scale .* not 'unet' of scale 1",
        ),
        (srresnet, {"loss_weights__feature_matching": 1.0}, "need a config.discriminator, which"),
    ],
)
def test_what_does_not_fit_is_named(module, changes, message):
    changes = {"generator__scale": 4, **changes} if module is not default else changes
    config = make_config(module) if module is not default else default.get_config("smoke")
    with config.unlocked():
        for path, value in changes.items():
            *parents, name = path.split("__")
            node = config[parents[0]] if parents else config
            node[name] = value
    with pytest.raises(UserError, match=message):
        make_task(config, total_steps=1)


def test_the_papers_recipe_is_followed():
    """Section 3.2; VGG16 in place of VGG19, and an average that the paper has not."""
    first, second = srresnet.get_config(), srgan.get_config()
    for config in (first, second):
        assert config.optimizer.learning_rate == 1e-4
        assert config.optimizer.b1 == 0.9
        assert (config.train.batch_size, config.sizes.crop) == (16, 96)
        assert config.generator.to_dict() == first.generator.to_dict()
    weights = {name: weight for name, weight in first.loss_weights.items() if weight}
    assert (weights, first.optimizer.schedule, first.train.steps) == (
        {"l2": 1.0},
        "constant",
        10**6,
    )
    weights = {name: weight for name, weight in second.loss_weights.items() if weight}
    assert weights == {"gan": 1e-3, "perceptual": 1.0}
    assert (second.optimizer.schedule, second.optimizer.step_factor) == ("step", 0.1)
    assert second.train.steps * second.optimizer.step_every == 10**5
    make_task(rrdb.get_config("smoke"), total_steps=1)


def test_a_degradation_is_drawn_anew_for_training_and_once_for_validation():
    config = make_config(degradation="light")
    task, batch = make_task(config, total_steps=1), make_batch()
    batch["index"] = np.arange(4, dtype=np.uint32)
    degraded = jax.jit(task.resolution.degraded)
    keys = [jax.random.split(jax.random.key(seed), 4) for seed in (0, 0, 1)]
    first, again, other = (degraded(each, batch) for each in keys)
    np.testing.assert_array_equal(first["input"], again["input"])
    assert (np.asarray(first["input"]) != other["input"]).any()
    np.testing.assert_array_equal(first["target"], batch["target"])
    np.testing.assert_array_equal(task.prepare(batch)["input"], imresize(batch["target"], 10, 10))
    validation = jax.jit(task._validation_pair)
    wanted = validation(batch)["input"]
    assert (np.asarray(wanted) != task.prepare(batch)["input"]).any()
    turned = {name: images[::-1] for name, images in batch.items()}
    np.testing.assert_array_equal(validation(turned)["input"][::-1], wanted)


def test_an_unknown_degradation_is_named():
    with pytest.raises(UserError, match=r"config\.degradation .*clean, light, real"):
        make_task(make_config(degradation="blurred"), total_steps=1)
