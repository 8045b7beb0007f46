"""The GAN without a condition: its networks, its step, what is scored, and images from seeds."""

import math
import subprocess
import sys
from pathlib import Path

import av
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pix2pix_flax
from cartoon_tfds.images import read_image
from configs import anime, dcgan, default
from pix2pix_flax.generators import GeneratorFileError, load_generator, to_safetensors
from pix2pix_flax.inference import sampler
from pix2pix_flax.inference.export import export_generator
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.inference.sampler import SamplerError, load_sampler, parse_seeds
from pix2pix_flax.losses import GAN_LOSSES, relative
from pix2pix_flax.report import evaluate_checkpoint
from pix2pix_flax.tasks import make_task
from pix2pix_flax.train import train

ROOT = Path(pix2pix_flax.__file__).parents[1]


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
    config = config_of(anime, **{f"gan__{name}": 1.0})
    task = make_task(config, 8)
    state = jax.jit(task.init)(jax.random.key(0), batch())
    _, metrics = jax.jit(task.train_step)(state, batch())
    assert metrics[f"disc/{name}"] > 0
    halves = metrics["disc/real"] + metrics["disc/fake"] + metrics[f"disc/{name}"]
    np.testing.assert_allclose(metrics["disc/loss"], 0.5 * halves, rtol=1e-5)


def test_generators_of_the_other_kind_are_refused():
    noise, pictures = config_of(dcgan), default.get_config("smoke")
    with noise.unlocked(), pictures.unlocked():
        noise.generator, pictures.generator = pictures.generator, noise.generator
    with pytest.raises(ValueError, match=r"takes noise for config.task unconditional, not 'unet'"):
        make_task(noise, 1)
    with pytest.raises(ValueError, match=r"takes pictures for config.task pix2pix, not 'dcgan'"):
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


def test_noise_of_validation_follows_from_the_pictures():
    task = make_task(config_of(anime), 8)
    state = jax.jit(task.init)(jax.random.key(0), batch())
    seen = []
    generate = task.generate

    def recorded(variables, latents):
        seen.append(np.asarray(latents))
        return generate(variables, latents)

    object.__setattr__(task, "generate", recorded)
    cropped = [{"target": batch(seed)["target"][:, :32, :32]} for seed in (0, 0, 1)]
    scores = [task.eval_step(state, pixels) for pixels in cropped]
    assert np.array_equal(seen[0], seen[1])
    assert not np.array_equal(seen[0], seen[2])
    assert {name: value.shape for name, value in scores[0].items()} == {
        "accuracy_real": (4,),
        "accuracy_fake": (4,),
    }


def test_summary_of_too_few_pictures_is_not_a_number():
    task = make_task(config_of(anime), 8)
    features = np.random.default_rng(0).normal(size=(40, 2, 8))
    outputs = {"accuracy_real": np.array([1.0, 0.0]), "features": features}
    found = task.summarize(outputs)
    assert found["accuracy_real"] == 0.5
    assert found["vgg16_frechet"] > 0
    few = task.summarize(outputs | {"features": features[:5]})
    assert few.keys() == found.keys()
    assert math.isnan(few["vgg16_frechet"])


@pytest.fixture(scope="module")
def trained_gan(tmp_path_factory, smoke_config):
    workdir = tmp_path_factory.mktemp("gan")
    data = smoke_config().data
    config = config_of(anime, data__name=data.name, data__data_dir=data.data_dir)
    with config.unlocked():
        config.train.best_metric = "accuracy_real"
    assert train(config, workdir) == 0
    return workdir


def run(*arguments):
    command = [sys.executable, "scripts/generate.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_same_seeds_give_the_same_bytes_in_another_process(trained_gan, tmp_path):
    first = run(
        *(f"--checkpoint={trained_gan}", "--seeds=0-3,20", f"--output={tmp_path / 'one'}"),
        *(f"--grid={tmp_path / 'grid.png'}", f"--interpolate={tmp_path / 'way.mp4'}"),
        *("--seconds=0.25", "--fps=8"),
    )
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("5 images: ")
    second = run(f"--checkpoint={trained_gan}", "--seeds=20", f"--output={tmp_path / 'two'}")
    assert second.returncode == 0, second.stderr
    names = [path.name for path in sorted((tmp_path / "one").iterdir())]
    assert names == ["seed-0.png", "seed-1.png", "seed-2.png", "seed-20.png", "seed-3.png"]
    one, two = (tmp_path / folder / "seed-20.png" for folder in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    grid = read_image(tmp_path / "grid.png")
    assert grid.shape == (2 * 34 - 2, 3 * 34 - 2, 3)
    assert np.array_equal(grid[34:, 34:66], read_image(one))  # the fifth, and then white
    assert (grid[34:, 68:] == 255).all()
    with av.open(str(tmp_path / "way.mp4")) as clip:
        assert clip.streams.video[0].average_rate == 8
        frames = [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)]
    assert len(frames) == 10
    assert np.abs(frames[0].astype(int) - read_image(tmp_path / "one/seed-0.png")).mean() < 16


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--seeds=1"], "name at least one of --grid, --output and --interpolate"),
        (["--seeds=1", "--interpolate=x.mp4"], "--interpolate needs two seeds or more"),
        (["--seeds=a-b", "--grid=x.png"], "seeds are numbers and ranges such as 0-63,100, not"),
    ],
)
def test_wrong_flags_are_one_line(arguments, text, tmp_path):
    done = run(f"--checkpoint={tmp_path}", *arguments)
    assert done.returncode == 1
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_a_translator_is_no_sampler(trained):
    with pytest.raises(SamplerError, match="makes images of pictures, not of seeds"):
        load_sampler(trained)


def test_what_takes_pictures_refuses_a_sampler(trained_gan, tmp_path):
    message = "makes pictures of noise, not of pictures: use scripts/generate.py"
    with pytest.raises(GeneratorFileError, match=message):
        load_predictor(trained_gan)
    with pytest.raises(GeneratorFileError, match=message):
        export_generator(trained_gan, "onnx", tmp_path / "x.onnx", [])
    with pytest.raises(GeneratorFileError, match=message):
        evaluate_checkpoint(
            trained_gan, split="test", data_dir=None, baseline=None, vgg16=False, panel_rows=1
        )


def test_a_safetensors_file_gives_the_same_images(trained_gan, tmp_path):
    file = tmp_path / "gan.safetensors"
    file.write_bytes(to_safetensors(load_generator(trained_gan)))
    one, two = load_sampler(trained_gan), load_sampler(file)
    assert np.array_equal(one(one.latents(range(3))), two(two.latents(range(3))))


def test_truncated_latents_lie_within(trained_gan):
    sample = load_sampler(trained_gan)
    latents = sample.latents(range(50), 0.7)
    assert latents.shape == (50, 100)
    assert 0.69 < np.abs(latents).max() <= 0.7
    assert np.abs(sample.latents(range(50))).max() > 3


def test_parse_seeds():
    assert parse_seeds("0-3, 7") == [0, 1, 2, 3, 7]
    for text in ("", "1-", "-1", "1,,2", "5-3"):
        with pytest.raises(SamplerError):
            parse_seeds(text)


def test_interpolation_passes_through_all_latents_on_circles():
    latents = np.random.default_rng(0).normal(size=(3, 512)).astype(np.float32)
    way = sampler.interpolate(latents, 4)
    assert way.shape == (12, 512)
    np.testing.assert_allclose(way[::4], latents, atol=1e-5)
    lengths = np.linalg.norm(way, axis=1)
    assert lengths.min() > 0.95 * np.linalg.norm(latents, axis=1).min()
