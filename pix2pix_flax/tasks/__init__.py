"""What is learned. A new objective is a module in here, a line in `make_task` and a config."""

from typing import Any

from pix2pix_flax.losses import GAN_LOSSES, GanLoss
from pix2pix_flax.models import make_discriminator, make_generator
from pix2pix_flax.optimizers import make_optimizer
from pix2pix_flax.tasks.base import Net, Task
from pix2pix_flax.tasks.colourisation import Colourisation
from pix2pix_flax.tasks.consistency import Consistency
from pix2pix_flax.tasks.discriminator import Discriminator
from pix2pix_flax.tasks.generator import Generator
from pix2pix_flax.tasks.paired import STATISTICS
from pix2pix_flax.tasks.perceptual import TERMS, Perceptual
from pix2pix_flax.tasks.pix2pix import Pix2Pix
from pix2pix_flax.tasks.supervised import Supervised

TASKS = ("pix2pix", "supervised", "colourisation")


def make_task(config, total_steps: int) -> Task:
    """Makes the task of a configuration.

    Args:
      config: the whole configuration.
      total_steps: length of the training, for schedules that end with it.

    Raises:
      ValueError: naming the field that has no such choice.
    """
    if config.task == "pix2pix":
        return Pix2Pix(**_adversarial(config, total_steps))
    if config.task == "supervised":
        if config.loss_weights.get("feature_matching"):
            raise ValueError(
                "config.loss_weights.feature_matching looks through the discriminator, which "
                "config.task supervised does not have."
            )
        return Supervised(**_paired(config, total_steps))
    if config.task == "colourisation":
        settings = config.colourisation.to_dict()
        return Colourisation(**_adversarial(config, total_steps), **settings)
    raise ValueError(f"config.task must be one of {', '.join(TASKS)}, not {config.task!r}.")


def _gen(config, total_steps: int) -> Generator:
    module = make_generator(config.generator, config.dtype)
    net = Net(module, make_optimizer(config.optimizer, total_steps))
    weights = config.loss_weights.to_dict()
    weights = {name: weight for name, weight in weights.items() if weight or name == "gan"}
    if config.consistency.weight:
        weights["consistency"] = config.consistency.weight
    return Generator(net, weights, config.ema_decay)


def _disc(config, total_steps: int) -> Discriminator:
    loss, r1 = _gan_loss(config), config.gan.r1
    if r1 < 0:
        raise ValueError(f"config.gan.r1 must be at least 0, not {r1}.")
    if (r1 or loss.gradient_penalty) and config.discriminator.norm == "batch":
        raise ValueError(
            "config.gan.loss wgan-gp and config.gan.r1 take slopes image by image, which BatchNorm "
            "mixes: config.discriminator.norm must be instance, group or none, not 'batch'."
        )
    module = make_discriminator(config.discriminator, config.dtype)
    return Discriminator(Net(module, make_optimizer(config.optimizer, total_steps)), loss, r1)


def _gan_loss(config) -> GanLoss:
    if config.gan.loss not in GAN_LOSSES:
        choices = ", ".join(GAN_LOSSES)
        raise ValueError(f"config.gan.loss must be one of {choices}, not {config.gan.loss!r}.")
    return GAN_LOSSES[config.gan.loss]


def _adversarial(config, total_steps: int) -> dict[str, Any]:
    return {
        **_paired(config, total_steps),
        "disc": _disc(config, total_steps),
        "conditional": config.gan.conditional,
    }


def _paired(config, total_steps: int) -> dict[str, Any]:
    if config.test.statistics not in STATISTICS:
        raise ValueError(f"config.test.statistics must be one of {', '.join(STATISTICS)}.")
    return {
        "gen": _gen(config, total_steps),
        "augment": config.augment.to_dict(),
        "consistency": _consistency(config),
        "perceptual": _perceptual(config),
        "test_statistics": config.test.statistics,
        "test_dropout": config.test.dropout,
        "test_lpips": config.test.lpips,
    }


def _consistency(config) -> Consistency | None:
    """Makes what `config.consistency` describes, or nothing at weight 0."""
    settings = config.consistency.to_dict()
    return Consistency(**settings) if settings.pop("weight") else None


def _perceptual(config) -> Perceptual | None:
    """Makes the terms of `config.loss_weights` that need a frozen network, if there are any."""
    terms = tuple(name for name in TERMS if config.loss_weights.get(name))
    return Perceptual(terms, config.perceptual.net, config.perceptual.layers) if terms else None
