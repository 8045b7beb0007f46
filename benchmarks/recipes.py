"""Trains several recipes on the same pairs for the same number of steps and prints test scores.

    pip install -e '.[benchmark,lpips]'
    python -m benchmarks.recipes --train=DIR --test=DIR --workdir=DIR --size=128 --width=16

The recipes are `configs/paper.py`; a plain PyTorch pix2pix with the same settings;
`configs/default.py`; and `configs/l1.py`, the default generator trained on L1 alone. A last row
scores the photograph itself, taken as the cartoon. At sizes under 256 the canvases, the crops and
the depths of the generators are reduced as well. The pairs are squares of photographs and their
cartoons. After an interruption the same command continues, but prints times that are too short.
"""

import math
import time
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import tensorflow_datasets as tfds
import torch
from absl import flags

from benchmarks.torch_pix2pix import Pix2Pix
from cartoon_tfds.build import build
from cartoon_tfds.cartoon_tfds_dataset_builder import BuildOptions, CartoonConfig
from cartoon_tfds.images import read_image, write_png
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.sources.base import Local
from cartoon_tfds.sources.folders import PictureFolder
from configs import default, l1, paper
from pix2pix_flax.cli import command
from pix2pix_flax.data.pipeline import eval_batches, make_train_iterator
from pix2pix_flax.evaluation.dataset_choice import DatasetChoice
from pix2pix_flax.evaluation.evaluate import evaluate
from pix2pix_flax.evaluation.panel import Output
from pix2pix_flax.evaluation.report import network_output
from pix2pix_flax.evaluation.scorer_factory import make_scorer
from pix2pix_flax.image.augment import jitter
from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.pretrained.generator import load_generator
from pix2pix_flax.sharding import make_mesh
from pix2pix_flax.train import train
from pix2pix_flax.typing import Batch

_TRAIN = flags.DEFINE_string("train", None, "Folder of photographs to train on.", required=True)
_TEST = flags.DEFINE_string("test", None, "Folder of photographs to test on.", required=True)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder for datasets and runs.", required=True)
_SIZE = flags.DEFINE_integer("size", 256, "Height and width of the pairs: 256, 128 or 64.")
_WIDTH = flags.DEFINE_integer("width", 64, "Features of the first layers; 64 is the paper's.")
_STEPS = flags.DEFINE_integer("steps", 20_000, "Steps of each training.", lower_bound=1)
_VIEWS = flags.DEFINE_integer("views_per_photo", 8, "Training pairs of each photograph.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of networks, order and jitter.")

_RECIPES = {"paper": paper, "default": default, "l1": l1}
_BATCH_SIZE = 8  # of the evaluation


def write_squares(photos: Path, folder: Path) -> Path:
    """Writes the middle square of each photograph; returns the folder.

    Recipes treat whole pictures differently (the paper squeezes them into a square), but squares
    alike.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for photo in sorted(path for path in photos.iterdir() if path.suffix in (".jpg", ".png")):
        pixels = read_image(photo)
        height, width = pixels.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        write_png(folder / f"{photo.stem}.png", pixels[top : top + side, left : left + side])
    return folder


def build_pairs(photos: Path, name: str, views: int, data_dir: Path) -> str:
    """Builds square pairs from the photographs of a folder; returns the dataset's name."""
    squares = write_squares(photos, data_dir / "squares" / name)
    recipe = Cartoons(views_per_photo=views, view_size=_SIZE.value)
    origin = Local(PictureFolder(squares, license="not stated"))
    config = CartoonConfig(name=name, origin=origin, recipe=recipe)
    build(config, data_dir, overwrite=False, options=BuildOptions(progress=True))
    return f"cartoon_tfds/{name}"


def make_config(recipe: ModuleType, dataset: str, data_dir: Path) -> ml_collections.ConfigDict:
    """Returns a recipe's configuration with the size, width and steps of the flags."""
    config = recipe.get_config()
    with config.unlocked():
        config.seed = _SEED.value
        config.generator.width = _WIDTH.value
        if "discriminator" in config:
            config.discriminator.width = _WIDTH.value
        config.generator.depth += round(math.log2(_SIZE.value / 256))
        for name in ("canvas", "crop"):
            config.sizes[name] = config.sizes[name] * _SIZE.value // 256
        config.data.name, config.data.data_dir = dataset, str(data_dir)
        config.data.train_split = "train+validation+test"  # all: the test has other photographs
        config.sizes.evaluation = 0
        config.train.steps, config.train.epochs = _STEPS.value, None
        config.train.eval_every_steps = _STEPS.value
        config.train.eval_examples = _BATCH_SIZE
    return config


def train_torch(config: ml_collections.ConfigDict) -> Pix2Pix:
    """Trains the plain PyTorch pix2pix on the batches and with the jitter of `configs/paper.py`."""
    torch.manual_seed(config.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = Pix2Pix(config, device)
    batches = make_train_iterator(config, batch_size=config.train.batch_size, seed=config.seed)
    settings = {"crop_size": config.sizes.crop, **config.augment.to_dict()}
    augment = jax.jit(partial(jitter, **settings))
    for step, batch in zip(range(config.train.steps), batches, strict=False):
        pair = augment(jax.random.key(step), batch)
        model.step(_to_torch(pair["input"], device), _to_torch(pair["target"], device))
    return model


def torch_output(model: Pix2Pix) -> Output:
    """Returns a function that runs the PyTorch generator per image, with dropout as in training."""
    device = next(model.gen.parameters()).device

    def output(batch: Batch) -> jax.Array:
        with torch.no_grad():
            images = [model.gen(image[None]) for image in _to_torch(batch["input"], device)]
        return jnp.asarray(torch.cat(images).permute(0, 2, 3, 1).cpu().numpy())

    return output


def _to_torch(images: jax.Array, device: Any) -> torch.Tensor:
    """Converts images uint8 [B, H, W, 3] to [B, 3, H, W] in [-1, 1]."""
    normalized = np.array(normalize(images).transpose(0, 3, 1, 2))
    return torch.from_numpy(normalized).to(device)


def main(argv: list[str]) -> None:
    """Trains all recipes and prints a Markdown table of their scores."""
    del argv
    tfds.disable_progress_bar()
    workdir = Path(_WORKDIR.value).expanduser()
    data_dir = workdir / "data"
    dataset = build_pairs(Path(_TRAIN.value), "training", _VIEWS.value, data_dir)
    test = build_pairs(Path(_TEST.value), "testing", 1, data_dir)
    configs = {name: make_config(of, dataset, data_dir) for name, of in _RECIPES.items()}
    outputs: dict[str, Output] = {}
    minutes: dict[str, float] = {}

    start = time.perf_counter()
    outputs["PyTorch"] = torch_output(train_torch(configs["paper"]))
    minutes["PyTorch"] = (time.perf_counter() - start) / 60
    for name, config in configs.items():
        start = time.perf_counter()
        if train(config, workdir / name):
            raise SystemExit("Stopped by a signal.")
        minutes[name] = (time.perf_counter() - start) / 60
        outputs[name] = network_output(load_generator(workdir / name))
    outputs["input"] = lambda batch: normalize(batch["input"])

    choice = DatasetChoice("train+validation+test", name=test)
    config = choice.apply(configs["default"])
    batches = eval_batches(config, split=choice.split, batch_size=_BATCH_SIZE)
    scorer, mesh = make_scorer(config, vgg16=False), make_mesh(_BATCH_SIZE)
    result = evaluate(scorer, scorer.rows(outputs, mesh), batches, mesh)
    print(
        f"{len(result.ids)} test pairs of {_SIZE.value}x{_SIZE.value}, width {_WIDTH.value}, "
        f"{_STEPS.value} steps, seed {_SEED.value}, {jax.devices()[0].device_kind}\n"
    )
    print(as_markdown(result.summary, minutes))


def as_markdown(summary: dict[str, dict[str, float]], minutes: dict[str, float]) -> str:
    """Returns a Markdown table: a line for each row of the summary."""
    metrics = ("l1", "psnr", "ssim", "lpips")
    lines = [f"| | {' | '.join(metrics)} | minutes |", "|---" * (len(metrics) + 2) + "|"]
    for name, scores in summary.items():
        cells = [f"{scores[metric]:.4f}" for metric in metrics]
        took = f"{minutes[name]:.1f}" if name in minutes else ""
        lines.append(f"| {' | '.join([name, *cells, took])} |")
    return "\n".join(lines)


if __name__ == "__main__":
    command.run(main)
