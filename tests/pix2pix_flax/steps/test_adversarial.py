"""The one step of all GANs, here from noise to images, against each loss written out."""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from pix2pix_flax.losses import GAN_LOSSES
from pix2pix_flax.models.patch_discriminator import PatchDiscriminator
from pix2pix_flax.sharding import make_mesh, put_batch, replicated
from pix2pix_flax.steps.adversarial import AdversarialStep
from pix2pix_flax.steps.discriminator import DiscriminatorStep
from pix2pix_flax.steps.generator import GeneratorStep
from pix2pix_flax.steps.network import Net, StepBatch
from tests.pix2pix_flax.steps.written_out import COUNT, RATE, beside, write_out

WEIGHTS = {"gan": 2.0, "feature_matching": 3.0}
CASES = {
    "lsgan": {"norm": "batch"},
    "hinge": {"norm": "batch", "spectral_norm": True, "scales": 2},
    "wgan-gp": {"norm": "instance", "scales": 2},
    "vanilla": {"norm": "none", "spectral_norm": True},
}


class FromNoise(nn.Module):
    """Returns images [B, 16, 16, 3] in [-1, 1] for noise [B, 4]."""

    @nn.compact
    def __call__(self, noise, *, train):
        return jnp.tanh(nn.Dense(16 * 16 * 3)(noise)).reshape(-1, 16, 16, 3)


def recording_sgd():
    """SGD that keeps the gradients as its state."""
    return optax.GradientTransformation(
        lambda params: jax.tree.map(jnp.zeros_like, params),
        lambda gradients, state, params: (jax.tree.map(lambda g: -RATE * g, gradients), gradients),
    )


def make_step(loss, *, r1=0.0, weights=WEIGHTS, optimizer=None, **changes):
    settings = {"depth": 1, "width": 4, "norm": "none", "spectral_norm": False, "scales": 1}
    optimizer = optimizer or recording_sgd()
    disc = Net(PatchDiscriminator(**settings | changes, kernel_init="kaiming"), optimizer)
    gen = GeneratorStep(Net(FromNoise(), optimizer), weights, ema_decay=0.0)
    disc = DiscriminatorStep(disc, GAN_LOSSES[loss], r1, r2=0.0)
    return AdversarialStep(gen, disc, conditional=False)


def make_batch(seed):
    """Noise, images of one dark and one bright half, and what they are conditioned on."""
    rng = np.random.default_rng(seed)
    images = rng.uniform(-0.8, -0.2, (COUNT, 16, 16, 3))
    images[:, 8:] += 1
    arrays = {"inputs": rng.normal(size=(COUNT, 4)), "real": images, "condition": images[::-1]}
    return {name: np.float32(array) for name, array in arrays.items()}


def conditioned(batch):
    """Noise has no place beside an image, so the condition comes by the augmentation."""
    return StepBatch(
        inputs=batch["inputs"],
        real=batch["real"],
        terms=lambda outputs: {},
        augment=beside(batch["condition"]),
    )


def play(gan, nets, batch, number):
    return gan(nets, conditioned(batch), {"disc": jax.random.key(number)}, number)


def start(gan, batch):
    return gan.init(jax.random.key(0), conditioned(batch))


class Run(NamedTuple):
    """The last of four steps, and the same written out."""

    loss: str
    compilations: int
    before: dict
    after: dict
    metrics: dict
    naive: dict


@pytest.fixture(scope="module", params=CASES)
def run(request):
    r1 = 5.0 if request.param == "vanilla" else 0.0
    gan = make_step(request.param, r1=r1, **CASES[request.param])
    nets = jax.jit(lambda batch: start(gan, batch))(make_batch(0))
    step = jax.jit(lambda nets, batch, number: play(gan, nets, batch, number))
    for number in range(3):
        nets, _ = step(nets, make_batch(number), number)
    after, metrics = step(nets, make_batch(3), 3)
    naive = jax.jit(lambda nets, batch: write_out(gan, request.param, nets, batch, 3))
    found = naive(nets, make_batch(3))
    return Run(request.param, step._cache_size(), nets, after, metrics, found)


def leaves(tree):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


def assert_same(a, b, relative=2e-5):
    """Relative to the largest of all values: small ones may be differences of large sums."""
    assert jax.tree.structure(a) == jax.tree.structure(b)
    largest = max(np.abs(leaf).max() for leaf in leaves(b))
    for x, y in zip(leaves(a), leaves(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=0, atol=relative * largest)


def test_discriminator_values_and_gradients(run):
    expected = {f"disc/{name}": value for name, value in run.naive["disc"].items()}
    for name, value in expected.items():
        np.testing.assert_allclose(run.metrics[name], value, rtol=1e-4, err_msg=name)
    penalty = {"vanilla": {"disc/r1"}, "wgan-gp": {"disc/gradient_penalty"}}.get(run.loss, set())
    always = {"real", "fake", "loss", "accuracy_real", "accuracy_fake", "grad_norm"}
    assert {name for name in run.metrics if name.startswith("disc/")} == penalty | {
        f"disc/{name}" for name in always
    }
    assert_same(run.after["disc"].opt_state, run.naive["disc_gradients"])


def test_generator_values_and_gradients(run):
    terms = run.naive["terms"]
    for name, (value, gradients) in terms.items():
        np.testing.assert_allclose(run.metrics[f"gen/{name}"], value, rtol=1e-4, err_msg=name)
        assert all(np.abs(leaf).max() > 0 for leaf in leaves(gradients)), name
    total = sum(WEIGHTS[name] * value for name, (value, _) in terms.items())
    np.testing.assert_allclose(run.metrics["gen/loss"], total, rtol=1e-4)
    weighted = [
        jax.tree.map(lambda leaf, name=name: WEIGHTS[name] * leaf, gradients)
        for name, (_, gradients) in terms.items()
    ]
    assert_same(run.after["gen"].opt_state, jax.tree.map(jnp.add, *weighted))


def test_accuracies_are_shares_of_the_logits_that_are_right(run):
    real, fake = run.naive["logits"]
    at = {"lsgan": [0.5], "hinge": [0.0, 0.0], "vanilla": [0.0]}.get(run.loss) or [
        (a.mean() + b.mean()) / 2 for a, b in zip(real, fake, strict=True)
    ]
    right = [np.mean(a > limit) for a, limit in zip(real, at, strict=True)]
    np.testing.assert_allclose(run.metrics["disc/accuracy_real"], np.mean(right), atol=1e-6)
    right = [np.mean(a < limit) for a, limit in zip(fake, at, strict=True)]
    np.testing.assert_allclose(run.metrics["disc/accuracy_fake"], np.mean(right), atol=1e-6)


def test_collections_move_in_the_discriminators_update_only(run):
    after = run.after["disc"].model_state
    assert bool(after) == (run.loss != "wgan-gp")  # which has neither BatchNorm nor vectors here
    for two, expected, three in zip(
        *map(leaves, (after, run.naive["collections"], run.naive["third_pass"])), strict=True
    ):
        np.testing.assert_allclose(two, expected, rtol=1e-4, atol=1e-6)
        assert two.size == 1 or not np.array_equal(two, three)  # a vector of one is 1 or -1


def test_one_compilation_serves_all_steps(run):
    assert run.compilations == 1


@pytest.mark.long  # test_sharding.py compares other networks
def test_one_device_equals_four():
    changes = {"norm": "group", "spectral_norm": True}
    gan = make_step("wgan-gp", r1=5.0, **changes)
    nets = jax.jit(lambda batch: start(gan, batch))(make_batch(0))
    step = jax.jit(lambda nets, batch, number: play(gan, nets, batch, number))

    def train(devices):
        mesh = make_mesh(COUNT, devices)
        current = jax.device_put(nets, replicated(mesh))
        for number in range(3):
            current, metrics = step(current, put_batch(make_batch(number), mesh), number)
        return current, metrics

    one, four = train(jax.devices()[:1]), train(jax.devices())
    assert {len(leaf.devices()) for leaf in jax.tree.leaves(four)} == {4}
    for a, b in zip(jax.tree.leaves(four), jax.tree.leaves(one), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("loss", GAN_LOSSES)
def test_images_become_like_the_real_ones(loss):
    """Grey at first; in the end dark above and bright below. Nothing is given beside the noise."""

    def unconditioned(batch):
        return StepBatch(batch["inputs"], batch["real"], terms=lambda outputs: {})

    gan = make_step(loss, weights={"gan": 1.0}, optimizer=optax.adam(5e-3, b1=0.5))

    @jax.jit
    def learn(nets, batch, number):
        return gan(nets, unconditioned(batch), {"disc": jax.random.key(number)}, number)[0]

    nets = jax.jit(lambda batch: gan.init(jax.random.key(0), unconditioned(batch)))(make_batch(0))
    for number in range(200):
        nets = learn(nets, make_batch(number), number)
    new = make_batch(1000)["inputs"]
    images = gan.gen.net.module.apply(nets["gen"].variables, new, train=False)
    assert images[:, :8].mean() < -0.2 < 0.2 < images[:, 8:].mean()
