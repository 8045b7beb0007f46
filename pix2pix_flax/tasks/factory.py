"""Makes the task of a configuration."""

import dataclasses
from typing import Any

from pix2pix_flax.image.palettes import make_palette
from pix2pix_flax.losses import GAN_LOSSES, GanLoss
from pix2pix_flax.losses.consistency import Consistency
from pix2pix_flax.losses.perceptual import TERMS, Perceptual
from pix2pix_flax.models.registry import make_discriminator, make_generator
from pix2pix_flax.steps.discriminator import Discriminator
from pix2pix_flax.steps.generator import Generator
from pix2pix_flax.steps.network import Net
from pix2pix_flax.steps.optimizers import make_optimizer
from pix2pix_flax.tasks.base import Task
from pix2pix_flax.tasks.colourisation import Colourisation
from pix2pix_flax.tasks.paired import STATISTICS
from pix2pix_flax.tasks.pix2pix import Pix2Pix
from pix2pix_flax.tasks.segmentation import AdversarialSegmentation, SupervisedSegmentation
from pix2pix_flax.tasks.styled import Styled
from pix2pix_flax.tasks.super_resolution import (
    AdversarialSuperResolution,
    SuperResolution,
    SupervisedSuperResolution,
)
from pix2pix_flax.tasks.supervised import Supervised
from pix2pix_flax.tasks.unconditional import Unconditional

TASKS = (
    "pix2pix",
    "supervised",
    "colourisation",
    "super_resolution",
    "adversarial_super_resolution",
    "segmentation",
    "adversarial_segmentation",
    "styled",
    "unconditional",
)


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
        return Supervised(**_supervised(config, total_steps))
    if config.task == "colourisation":
        settings = config.colourisation.to_dict()
        return Colourisation(**_adversarial(config, total_steps), **settings)
    if config.task == "super_resolution":
        return _checked(SupervisedSuperResolution(**_supervised(config, total_steps)), config)
    if config.task == "adversarial_super_resolution":
        return _checked(AdversarialSuperResolution(**_adversarial(config, total_steps)), config)
    if config.task == "segmentation":
        return SupervisedSegmentation(**_classifier(config, total_steps))
    if config.task == "adversarial_segmentation":
        return AdversarialSegmentation(**_labelled(config), **_adversarial(config, total_steps))
    if config.task == "styled":
        names, settings = tuple(config.data.styles), config.styled.to_dict()
        return Styled(**_adversarial(config, total_steps), names=names, **settings)
    if config.task == "unconditional":
        return _unconditional(config, total_steps)
    raise ValueError(f"config.task must be one of {', '.join(TASKS)}, not {config.task!r}.")


def _gen(config, total_steps: int) -> Generator:
    module = make_generator(config.generator, config.dtype)
    _check_scale(config)
    if not hasattr(module, "stride"):
        raise ValueError(
            f"config.generator.name must be one that takes pictures for config.task {config.task}, "
            f"not {config.generator.name!r}, which takes noise."
        )
    net = Net(module, make_optimizer(config.optimizer, total_steps))
    weights = config.loss_weights.to_dict()
    weights = {name: weight for name, weight in weights.items() if weight or name == "gan"}
    if config.consistency.weight:
        weights["consistency"] = config.consistency.weight
    return Generator(net, weights, config.ema_decay)


def _check_scale(config) -> None:
    """Raises a ValueError where the generator enlarges and the task does not, or the reverse."""
    enlarges = config.task in ("super_resolution", "adversarial_super_resolution")
    if enlarges == ("scale" in config.generator):
        return
    kinds = "one with a scale (srresnet, rrdb)" if enlarges else "one without a scale"
    raise ValueError(
        f"config.generator.name must be {kinds} for config.task {config.task}, "
        f"not {config.generator.name!r}."
    )


def _disc(config, total_steps: int) -> Discriminator:
    loss, penalties = _gan_loss(config), {name: config.gan[name] for name in ("r1", "r2")}
    for name, weight in penalties.items():
        if weight < 0:
            raise ValueError(f"config.gan.{name} must be at least 0, not {weight}.")
    if (any(penalties.values()) or loss.gradient_penalty) and config.discriminator.norm == "batch":
        raise ValueError(
            "config.gan.loss wgan-gp, config.gan.r1 and r2 take slopes image by image, which "
            "BatchNorm mixes: config.discriminator.norm must be instance, group or none, not "
            "'batch'."
        )
    module = make_discriminator(config.discriminator, config.dtype)
    net = Net(module, make_optimizer(config.optimizer, total_steps))
    return Discriminator(net, loss, **penalties)


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


def _supervised(config, total_steps: int) -> dict[str, Any]:
    if config.loss_weights.get("feature_matching"):
        raise ValueError(
            "config.loss_weights.feature_matching looks through the discriminator, which "
            f"config.task {config.task} does not have."
        )
    return _paired(config, total_steps)


def _checked(task: SuperResolution, config) -> SuperResolution:
    """Returns a task for super-resolution; raises a ValueError for what does not fit it."""
    if config.augment.crop_size % task.scale:
        raise ValueError(
            f"config.augment.crop_size is {config.augment.crop_size}: it must be a multiple of "
            f"config.generator.scale, {task.scale}."
        )
    if config.task != "super_resolution" and config.gan.conditional:
        raise ValueError(
            "config.gan.conditional must be False for super-resolution: the discriminator sees "
            "pictures by themselves."
        )
    return task


def _labelled(config) -> dict[str, Any]:
    """Makes what tasks have whose targets are label maps."""
    if config.data.labels != config.data.features[-1]:
        raise ValueError(
            f"config.task {config.task} learns label maps: config.data.labels must be the last of "
            f"config.data.features, {config.data.features[-1]!r}, not {config.data.labels!r}."
        )
    if config.test.lpips:
        raise ValueError("config.test.lpips must be False for label maps, which are no pictures.")
    return {"palette": make_palette(config.data.palette), **config.segmentation.to_dict()}


def _classifier(config, total_steps: int) -> dict[str, Any]:
    """Makes what a task has whose generator returns a logit for each class."""
    settings = {**_labelled(config), **_supervised(config, total_steps)}
    gen, classes = settings["gen"], settings["palette"].void
    if config.generator.out_channels != classes:
        raise ValueError(
            f"config.generator.out_channels must be {classes} for config.task segmentation, a "
            "logit for each class of config.data.palette, not "
            f"{config.generator.out_channels}."
        )
    if settings["perceptual"] or "cross_entropy" not in gen.weights:
        raise ValueError(
            "config.task segmentation learns by config.loss_weights.cross_entropy, which must not "
            "be 0; perceptual and lpips must be."
        )
    net = dataclasses.replace(gen.net, module=gen.net.module.clone(logits=True))
    return {**settings, "gen": dataclasses.replace(gen, net=net)}


def _paired(config, total_steps: int) -> dict[str, Any]:
    if config.test.statistics not in STATISTICS:
        raise ValueError(f"config.test.statistics must be one of {', '.join(STATISTICS)}.")
    return {
        "gen": _gen(config, total_steps),
        "augment": config.augment.to_dict(),
        "input_channels": config.input_channels,
        "consistency": _consistency(config),
        "perceptual": _perceptual(config),
        "test_statistics": config.test.statistics,
        "test_dropout": config.test.dropout,
        "test_lpips": config.test.lpips,
    }


def _unconditional(config, total_steps: int) -> Unconditional:
    module = make_generator(config.generator, config.dtype)
    if hasattr(module, "stride"):
        raise ValueError(
            "config.generator.name must be one that takes noise for config.task unconditional, "
            f"not {config.generator.name!r}, which takes pictures."
        )
    net = Net(module, make_optimizer(config.optimizer, total_steps))
    return Unconditional(
        gen=Generator(net, {"gan": 1.0}, config.ema_decay),
        disc=_disc(config, total_steps),
        augment=config.augment.to_dict(),
        diff_augment=config.diff_augment.to_dict(),
        **config.unconditional.to_dict(),
    )


def _consistency(config) -> Consistency | None:
    """Makes what `config.consistency` describes, or nothing at weight 0."""
    settings = config.consistency.to_dict()
    return Consistency(**settings) if settings.pop("weight") else None


def _perceptual(config) -> Perceptual | None:
    """Makes the terms of `config.loss_weights` that need a frozen network, if there are any."""
    terms = tuple(name for name in TERMS if config.loss_weights.get(name))
    return Perceptual(terms, **config.perceptual.to_dict()) if terms else None
