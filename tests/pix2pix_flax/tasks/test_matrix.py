"""Every representation with every step: each trains, predicts and is scored."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cartoon_tfds.errors import UserError
from configs import anime, base, camvid, comics, default, srresnet, styles
from pix2pix_flax.image.palettes import make_palette
from pix2pix_flax.steps.adversarial import AdversarialStep
from pix2pix_flax.steps.supervised import SupervisedStep
from pix2pix_flax.tasks.factory import make_task

SIZE = 16
STEPS = 3
CONFIGS = {
    "images": default,
    "lab": comics,
    "colours": camvid,
    "logits": camvid,
    "styles": styles,
    "super_resolution": srresnet,
}
CAPTIONS = {
    "images": ("input", "target", "output"),
    "lab": ("grey", "target", "output"),
    "colours": ("photo", "target", "output", "output over photo"),
    "logits": ("photo", "target", "output", "output over photo"),
    "styles": ("input", "target", "output"),
    "super_resolution": ("nearest", "bicubic", "target", "output"),
}
CODINGS = {"colours": (3, 0.0), "logits": (11, 1.0)}  # channels, weight of the cross-entropy


def make_config(name, adversarial):
    config = CONFIGS[name].get_config("smoke")
    with config.unlocked():
        if not adversarial:
            base.remove_adversary(config)
        elif "discriminator" not in config:
            base.add_adversary(config)
        if name in CODINGS:
            config.segmentation.coding = name
            config.generator.out_channels, config.loss_weights.cross_entropy = CODINGS[name]
        if name == "super_resolution":
            config.generator.update(blocks=1, scale=2)
            if adversarial:
                config.gan.conditional = False
        config.generator.width, config.sizes.crop = 4, SIZE
        if adversarial:
            config.discriminator.update(depth=1, width=4)
    return config


def make_batch(name):
    """Coarse patterns; for label maps colours of the palette, for styles a number behind them."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, 256, (2, 4, SIZE // 4, SIZE // 4, 3), np.uint8)
    inputs, target = drawn.repeat(4, axis=2).repeat(4, axis=3)
    if name in CODINGS:
        palette = make_palette(camvid.PALETTE)
        target = palette.colours[rng.integers(0, palette.void + 1, target.shape[:-1])]
    if name == "styles":
        numbers = np.broadcast_to(np.uint8([0, 1, 2, 5])[:, None, None, None], (4, SIZE, SIZE, 1))
        inputs = np.concatenate([inputs, numbers], axis=-1)
    return {"input": inputs, "target": target, "index": np.arange(4, dtype=np.uint32)}


def check_training(task, batch, networks):
    """Trains for a few steps; returns the state if scalars are finite and all networks move."""
    example = {key: batch[key] for key in ("input", "target")}
    before = state = jax.jit(task.init)(jax.random.key(0), example)
    step = jax.jit(task.train_step)
    for _ in range(STEPS):
        state, scalars = step(state, example)
        assert np.isfinite(list(scalars.values())).all(), scalars
    assert {name.split("/")[0] for name in scalars} == networks - {"gen_ema"}
    assert int(state.step) == STEPS
    assert set(before.nets) == set(state.nets) == networks
    for name in networks:
        pairs = zip(
            *(jax.tree.leaves(nets[name].params) for nets in (before.nets, state.nets)), strict=True
        )
        # Biases that a norm takes away stay.
        assert all((a != b).any() for a, b in pairs if a.ndim > 1), name
    return state


def check_results(task, state, batch):
    """Checks the shape of the prediction, and that validation has finite scores."""
    prepared = task.prepare(batch)
    output = jax.jit(task.predict)(state.generator.variables, prepared["input"])
    assert (output.shape, output.dtype) == (prepared["target"].shape, jnp.float32)
    assert np.isfinite(output).all()
    outputs = jax.device_get(jax.jit(task.eval_step)(state, batch))
    assert {len(values) for values in outputs.values()} == {4}
    scores = task.scores.summarize(outputs)
    assert scores
    assert np.isfinite(list(scores.values())).all(), scores


# The other adversarial trainings are in test_smoke.py and test_styled.py.
_QUICK = [("super_resolution", True), *((name, False) for name in CONFIGS)]
_LONG = [(name, True) for name in CONFIGS if name != "super_resolution"]


@pytest.mark.parametrize(
    ("name", "adversarial"), [*_QUICK, *(pytest.param(*p, marks=pytest.mark.long) for p in _LONG)]
)
def test_every_representation_learns_with_every_step(name, adversarial):
    task, batch = make_task(make_config(name, adversarial), total_steps=STEPS), make_batch(name)
    assert type(task.step) is (AdversarialStep if adversarial else SupervisedStep)
    networks = {"gen", "gen_ema"} | ({"disc"} if adversarial else set())
    state = check_training(task, batch, networks)
    scale = 2 if name == "super_resolution" else 1
    assert task.prepare(batch)["input"].shape[1:3] == (SIZE // scale, SIZE // scale)
    check_results(task, state, {key: batch[key] for key in ("input", "target")})
    panel = jax.eval_shape(task.visualize, state, batch)["panel"]
    assert panel.shape == (4, SIZE, len(CAPTIONS[name]) * SIZE, 3)
    assert task.captions == CAPTIONS[name]


def noise_config(variant):
    config = anime.get_config(variant)
    with config.unlocked():
        config.generator.update(depth=2, width=4)
        if "discriminator" in config:
            config.discriminator.update(depth=2, width=4)
        config.sizes.crop, config.unconditional.distances = SIZE, False
    return config


def test_noise_learns_against_an_adversary():
    task, batch = make_task(noise_config("smoke"), total_steps=STEPS), make_batch("images")
    state = check_training(task, batch, {"gen", "gen_ema", "disc"})
    check_results(task, state, {key: batch[key] for key in ("index", "target")})


def test_noise_has_no_supervision():
    with pytest.raises(UserError, match=r"task unconditional needs config\.discriminator"):
        make_task(noise_config("supervised,smoke"), total_steps=STEPS)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("term", ["gan", "feature_matching"])
def test_terms_of_a_discriminator_need_one(name, term):
    config = make_config(name, adversarial=False)
    with config.unlocked():
        config.loss_weights[term] = 1.0
    with pytest.raises(UserError, match=r"need a config\.discriminator"):
        make_task(config, total_steps=STEPS)


@pytest.mark.parametrize(("name", "term"), [("lab", "ink"), ("images", "cross_entropy")])
def test_a_weight_of_a_term_that_the_outputs_do_not_have_is_named(name, term):
    config = CONFIGS[name].get_config("supervised,smoke")
    with config.unlocked():
        config.loss_weights[term] = 5.0
    task = make_task(config, total_steps=1)
    batch = dict.fromkeys(("input", "target"), np.zeros((1, 32, 32, 3), np.uint8))
    state = jax.eval_shape(task.init, jax.random.key(0), batch)
    with pytest.raises(UserError, match=rf"^config\.loss_weights\.{term} is 5, but the outputs of"):
        jax.eval_shape(task.train_step, state, batch)
