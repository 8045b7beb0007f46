"""Images from seeds, and the command that writes them."""

import re

import av
import numpy as np
import pytest

from cartoon_tfds.images import read_image
from pix2pix_flax.export.exporter import export_generator
from pix2pix_flax.inference import sampler
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.inference.sampler import SamplerError, load_sampler, parse_seeds
from pix2pix_flax.pretrained.generator import GeneratorFileError, load_generator, to_safetensors
from tests.commands import run_command


def run(*arguments):
    return run_command("scripts/generate.py", *arguments)


def test_the_same_seeds_give_the_same_bytes_in_another_process(trained_gan, tmp_path):
    first = run(
        *(f"--checkpoint={trained_gan}", "--seeds=0-3,20", f"--output={tmp_path / 'one'}"),
        *(f"--grid={tmp_path / 'grid.png'}", f"--interpolate={tmp_path / 'way.mp4'}"),
        *("--seconds=0.25", "--fps=8"),
    )
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("5 images: ")
    second = run(
        *(f"--checkpoint={trained_gan}", "--seeds=20,7", f"--output={tmp_path / 'two'}"),
        *(f"--interpolate={tmp_path / 'short.mp4'}", "--seconds=0.1", "--fps=4"),
    )
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


def test_a_path_through_the_same_latent_twice_stands_still():
    for latent in np.random.default_rng(0).normal(size=(20, 100)).astype(np.float32):
        way = sampler.interpolate(np.stack([latent, latent]), 4)
        np.testing.assert_allclose(way, np.broadcast_to(latent, (8, 100)), rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--seeds=1"], "name at least one of --grid, --output, --interpolate and --neighbours"),
        (["--seeds=1", "--interpolate=x.mp4"], "--interpolate needs two seeds or more"),
        (["--seeds=1,2", "--interpolate=x.gif"], "x.gif: a clip has to end in .mp4, .mkv, .mov"),
        (["--seeds=a-b", "--grid=x.png"], "seeds are numbers and ranges such as 0-63,100, not"),
    ],
)
def test_wrong_flags_are_one_line(arguments, text, tmp_path):
    done = run(f"--checkpoint={tmp_path}", *arguments)
    assert done.returncode == 1
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_neighbours_are_shown_and_counted(trained_gan, vgg16, tmp_path):
    file = tmp_path / "near.png"
    done = run(f"--checkpoint={trained_gan}", "--seeds=5-20", f"--neighbours={file}")
    assert done.returncode == 0, done.stderr
    first, rows, last = done.stdout.splitlines()
    number = r"[\d.e-]+"
    assert re.fullmatch(
        rf"nearest training picture: median distance {number} from 16 generated, {number} from 4 "
        r"unseen pictures \(split validation\)",
        first,
    )
    shown = rows.removeprefix(f"rows of {file}: seeds ").split(", ")
    assert len(set(shown) & {str(seed) for seed in range(5, 21)}) == 12
    assert last == f"16 images: {file}"
    assert read_image(file).shape == (12 * 68, 64 + 12 + 5 * 66 - 2, 3)


def test_neighbours_need_the_dataset(trained_gan, vgg16, tmp_path):
    file = tmp_path / "near.png"
    flags = [f"--neighbours={file}", f"--grid={tmp_path / 'grid.png'}"]
    done = run(f"--checkpoint={trained_gan}", *flags, "--dataset=cartoon_tfds/none")
    assert done.returncode == 1
    assert done.stderr.startswith("error: No prepared dataset 'cartoon_tfds/none'")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_translator_is_no_sampler(trained):
    with pytest.raises(
        SamplerError, match=r"takes images, not seeds: use scripts/translate_images\.py"
    ):
        load_sampler(trained)


def test_what_takes_pictures_refuses_a_sampler(trained_gan, tmp_path):
    message = "makes images from seeds, not from images: use scripts/generate.py"
    with pytest.raises(GeneratorFileError, match=message):
        load_predictor(trained_gan)
    with pytest.raises(GeneratorFileError, match=message):
        export_generator(trained_gan, "onnx", tmp_path / "x.onnx", [])


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
    for text in ("", "1-", "-1", "1,,2", "5-3", "0-4294967296"):
        with pytest.raises(SamplerError):
            parse_seeds(text)


def test_interpolation_passes_through_all_latents_on_circles():
    latents = np.random.default_rng(0).normal(size=(3, 512)).astype(np.float32)
    way = sampler.interpolate(latents, 4)
    assert way.shape == (12, 512)
    np.testing.assert_allclose(way[::4], latents, atol=1e-5)
    lengths = np.linalg.norm(way, axis=1)
    assert lengths.min() > 0.95 * np.linalg.norm(latents, axis=1).min()
