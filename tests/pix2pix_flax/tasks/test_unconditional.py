"""The GAN without a condition: its networks, its step, and what is scored in training."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cartoon_tfds.errors import UserError
from configs import anime, dcgan, default
from pix2pix_flax.image.normalize import denormalize
from pix2pix_flax.losses import GAN_LOSSES, relative
from pix2pix_flax.metrics.feature_sets import SetsError, features_of_both
from pix2pix_flax.tasks.factory import make_task


def config_of(module, **changes):
    config = module.get_config("smoke").copy_and_resolve_references()
    with config.unlocked():
        config.unconditional.distances = False
        for name, value in changes.items():
            group, _, key = name.partition("__")
            config[group][key] = value
    return config


def batch(seed=0, count=4):
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 40, 40, 3), dtype=np.uint8)
    return {"input": pixels, "target": pixels}


def count(module):
    task = make_task(module.get_config(), 1)
    pixels = {"target": np.zeros((2, 64, 64, 3), np.uint8)}
    nets = jax.eval_shape(task.init, jax.random.key(0), pixels).nets
    return {name: sum(x.size for x in jax.tree.leaves(net.params)) for name, net in nets.items()}


def test_networks_are_those_of_the_paper():
    # G: 100 to 4x4x1024, then 512, 256, 128 and 3 channels by 4x4 kernels, with scale and bias of
    # BatchNorm after all but the last; D is its mirror.
    kernels = 100 * 16 * 1024 + 16 * (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3)
    gen = kernels + 2 * (1024 + 512 + 256 + 128) + 3
    kernels = 16 * (3 * 128 + 128 * 256 + 256 * 512 + 512 * 1024 + 1024)
    disc = kernels + 128 + 2 * (256 + 512 + 1024) + 1
    assert count(dcgan) == {"gen": gen, "disc": disc}


@pytest.mark.parametrize("module", [dcgan, anime])
def test_a_step_moves_both_networks(module):
    task = make_task(config_of(module), 8)
    state = jax.jit(task.init)(jax.random.key(0), batch())
    moved, metrics = jax.jit(task.train_step)(state, batch())
    assert int(moved.step) == 1
    for name in ("gen", "disc"):
        old, new = (
            jax.tree.leaves(state.nets[name].params),
            jax.tree.leaves(moved.nets[name].params),
        )
        assert all((a != b).any() for a, b in zip(old, new, strict=True)), name
    assert metrics["gen/grad_norm"] > 0
    assert {"disc/accuracy_real", "disc/accuracy_fake", "disc/loss", "gen/gan"} <= metrics.keys()


def test_only_the_target_is_looked_at():
    task = make_task(config_of(anime), 8)
    state = jax.jit(task.init)(jax.random.key(0), batch())
    step = jax.jit(task.train_step)
    other = batch() | {"input": batch(1)["input"]}
    same, different = step(state, other)[1], step(state, batch(1))[1]
    expected = step(state, batch())[1]
    assert same == expected
    assert different["disc/real"] != expected["disc/real"]


def test_learns_the_colour_of_pictures():
    config = config_of(dcgan, optimizer__learning_rate=2e-3)
    task = make_task(config, 60)
    red = np.broadcast_to(np.array([220, 40, 90], np.uint8), (4, 40, 40, 3))
    pixels = {"input": red, "target": red}
    state = jax.jit(task.init)(jax.random.key(0), pixels)
    step = jax.jit(task.train_step, donate_argnums=0)
    for _ in range(60):
        state, _ = step(state, pixels)
    made = np.asarray(jax.jit(task.visualize)(state, pixels)["grid"])
    assert made.shape == (1, 8 * 32, 8 * 32, 3)
    assert np.abs(made.mean((0, 1, 2)) - [220, 40, 90]).max() < 60


def test_diff_augment_is_what_the_discriminator_sees():
    plain, cut = (
        make_task(config_of(anime, diff_augment__policy=policy), 8) for policy in ((), ("cutout",))
    )
    state = jax.jit(plain.init)(jax.random.key(0), batch())
    (a, b) = (jax.jit(task.train_step)(state, batch())[1] for task in (plain, cut))
    assert a["disc/real"] != b["disc/real"]
    assert a["gen/gan"] != b["gen/gan"]


@pytest.mark.parametrize("name", ["r1", "r2"])
def test_slope_penalties_are_terms_of_the_discriminator(name):
    changes = {f"gan__{name}": 1.0, "discriminator__norm": "none"}
    config = config_of(anime, **changes)
    task = make_task(config, 8)
    state = jax.jit(task.init)(jax.random.key(0), batch())
    _, metrics = jax.jit(task.train_step)(state, batch())
    assert metrics[f"disc/{name}"] > 0
    halves = metrics["disc/real"] + metrics["disc/fake"] + metrics[f"disc/{name}"]
    np.testing.assert_allclose(metrics["disc/loss"], 0.5 * halves, rtol=1e-5)


def test_generated_and_training_images_of_two_sizes_are_refused():
    task = make_task(config_of(dcgan, generator__depth=4), 1)
    message = "makes images of 64x64, and the training images have 32x32: set config.sizes.canvas"
    with pytest.raises(UserError, match=message):
        jax.eval_shape(task.init, jax.random.key(0), batch())


def test_generators_of_the_other_kind_are_refused():
    noise, pictures = config_of(dcgan), default.get_config("smoke")
    with noise.unlocked(), pictures.unlocked():
        noise.generator, pictures.generator = pictures.generator, noise.generator
    with pytest.raises(
        UserError,
        match=r"of latents for config.task unconditional, not 'unet', a network of images",
    ):
        make_task(noise, 1)
    with pytest.raises(
        UserError, match=r"of images for config.task translation, not 'dcgan', a network of latents"
    ):
        make_task(pictures, 1)


def test_relativistic_loss_is_of_pairs():
    loss = GAN_LOSSES["relativistic"]
    real, fake = [jnp.array([1.0, -2.0])], [jnp.array([0.5, 3.0])]
    (gap,) = relative(loss, real, fake)
    np.testing.assert_allclose(gap, [0.5, -5.0])
    (back,) = relative(loss, fake, real)
    expected = np.log1p(np.exp(-np.array([0.5, -5.0])))
    np.testing.assert_allclose(loss.real(gap), expected, rtol=1e-5)
    np.testing.assert_allclose(loss.fake(back), expected, rtol=1e-5)
    np.testing.assert_allclose(loss.gen(back), np.log1p(np.exp([0.5, -5.0])), rtol=1e-5)
    assert relative(GAN_LOSSES["vanilla"], real, fake) is real


def test_relativistic_step_tells_how_often_the_real_one_is_ahead():
    task = make_task(config_of(anime, gan__loss="relativistic"), 8)
    state = jax.jit(task.init)(jax.random.key(0), batch())
    _, metrics = jax.jit(task.train_step)(state, batch())
    np.testing.assert_allclose(metrics["disc/real"], metrics["disc/fake"], rtol=1e-6)
    assert metrics["disc/accuracy_real"] == metrics["disc/accuracy_fake"]


def test_seeds_of_validation_are_the_places_of_examples():
    task = make_task(config_of(anime), 8)
    state = jax.jit(task.init)(jax.random.key(0), batch())
    seeds = np.array([7, 0, 2, 7], np.uint32)
    pixels = {"target": batch()["target"][:, :32, :32], "index": seeds}
    scores = task.eval_step(state, pixels)
    assert {name: value.shape for name, value in scores.items()} == {
        "accuracy_real": (4,),
        "accuracy_fake": (4,),
    }
    prepared = task.prepare(pixels)
    variables = jax.tree.map(lambda x: 4 * x, state.generator.variables)  # strong colours
    net = state.nets["gen_ema"].replace(params=variables.pop("params"), model_state=variables)
    state = state.replace(nets=state.nets | {"gen_ema": net})
    made = np.asarray(task.predict(state.generator.variables, prepared["input"]))
    grid = np.asarray(task.visualize(state, batch())["grid"])[0].reshape(8, 32, 8, 32, 3)
    preview = grid.swapaxes(1, 2).reshape(64, 32, 32, 3)
    shown = preview[seeds].astype(int)
    np.testing.assert_allclose(shown, denormalize(made), atol=1)
    assert np.abs(shown[0] - shown[1]).mean() > 10
    assert prepared["target"] is pixels["target"]


def test_a_seed_has_one_latent():
    task = make_task(config_of(anime), 8)
    seeds = np.array([3, 0, 2**32 - 1], np.uint32)
    found = task.latents(seeds)
    expected = [jax.random.normal(jax.random.key(seed), (100,)) for seed in seeds]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(task.latents(seeds[1:]), found[1:])


def test_images_compare_with_pictures_of_their_size_only():
    with pytest.raises(SetsError, match="Images of 64x48 do not compare with the images of 32x32"):
        features_of_both({}, jnp.zeros((1, 48, 64, 3)), jnp.zeros((1, 32, 32, 3), jnp.uint8))


def test_summary_of_too_few_pictures_is_not_a_number():
    task = make_task(config_of(anime), 8)
    features = np.random.default_rng(0).normal(size=(40, 2, 8))
    outputs = {"accuracy_real": np.array([1.0, 0.0]), "features": features}
    found = task.scores.summarize(outputs)
    assert found["accuracy_real"] == 0.5
    assert found["vgg16_frechet"] > 0
    few = task.scores.summarize(outputs | {"features": features[:5]})
    assert few.keys() == found.keys()
    assert math.isnan(few["vgg16_frechet"])
