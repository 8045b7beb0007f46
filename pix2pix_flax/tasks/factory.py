"""Makes the task of a configuration: a representation, a step and scores."""

import functools
from collections.abc import Callable

import flax.linen as nn

from cartoon_tfds.errors import UserError, choose
from pix2pix_flax.data.readers import label_names
from pix2pix_flax.image.degradation import PRESETS
from pix2pix_flax.image.palettes import Palette, make_palette
from pix2pix_flax.losses import GAN_LOSSES
from pix2pix_flax.losses.consistency import Consistency
from pix2pix_flax.losses.perceptual import TERMS, Perceptual
from pix2pix_flax.models import make_discriminator, make_generator
from pix2pix_flax.steps.adversarial import AdversarialStep
from pix2pix_flax.steps.discriminator import DiscriminatorStep
from pix2pix_flax.steps.generator import GeneratorStep
from pix2pix_flax.steps.network import Net
from pix2pix_flax.steps.optimizers import make_optimizer
from pix2pix_flax.steps.supervised import SupervisedStep
from pix2pix_flax.tasks.base import Task
from pix2pix_flax.tasks.class_weights import CLASS_WEIGHTS, ClassWeights
from pix2pix_flax.tasks.colourisation import HintedLab, Lab, LabScores
from pix2pix_flax.tasks.paired import STATISTICS, PairedTask
from pix2pix_flax.tasks.representation import Images, Representation
from pix2pix_flax.tasks.resolution import Enlarged, Redrawn, Reduced, SameSize
from pix2pix_flax.tasks.scores import ImageScores, Scores
from pix2pix_flax.tasks.segmentation import ClassLogits, ColourMaps, LabelScores
from pix2pix_flax.tasks.styled import Styled, StyledScores
from pix2pix_flax.tasks.super_resolution import SuperResolutionScores
from pix2pix_flax.tasks.unconditional import SetScores, Unconditional


def make_task(config, total_steps: int) -> Task:
    """Makes the task of a configuration.

    Args:
      config: the whole configuration. It has an adversary if it has a `discriminator`.
      total_steps: length of the training in steps, for schedules that end with it.

    Raises:
      UserError: naming a field whose value does not fit.
    """
    return choose(TASKS, "config.task", config.task)(config, total_steps)


def _translation(config, total_steps: int) -> PairedTask:
    channels = config.input_channels, config.generator.out_channels
    lpips, names = config.evaluation.lpips, tuple(config.data.styles)
    if names and "styled" not in config:
        raise UserError(
            "config.data.styles needs config.styled.style, the style that images without a style "
            "get: start from configs/styles.py, or leave config.data.styles empty."
        )
    if "styled" in config:
        representation = Styled(*channels, names, config.styled.style)
        scores = StyledScores(lpips, names)
    else:
        representation, scores = Images(*channels), ImageScores(lpips)
    return _paired(config, total_steps, representation, _reduced(config, representation), scores)


def _super_resolution(config, total_steps: int) -> PairedTask:
    representation = Images(config.input_channels, config.generator.out_channels)
    if "scale" not in config.generator:
        raise UserError(
            "config.generator.name must be a network with a scale (srresnet, rrdb, compact, span) "
            f"for config.task super_resolution, not {config.generator.name!r} of scale 1."
        )
    scale = config.generator.scale
    if config.sizes.crop % scale:
        raise UserError(
            f"config.sizes.crop is {config.sizes.crop}: it must be a multiple of "
            f"config.generator.scale, {scale}."
        )
    scores = SuperResolutionScores(config.evaluation.lpips, scale)
    degradation = choose(PRESETS, "config.degradation", config.degradation)
    resolution = Enlarged(scale, degradation)
    return _paired(config, total_steps, representation, resolution, scores)


def _colourisation(config, total_steps: int) -> PairedTask:
    representation, scores = Lab(), LabScores(config.evaluation.lpips)
    if config.hints.max_points:
        if config.loss_weights.consistency:
            raise UserError(
                "config.loss_weights.consistency must be 0 for a network with hints "
                "(config.hints.max_points): it would add noise to the hints."
            )
        representation = HintedLab(**config.hints.to_dict())
    resolution = _reduced(config, representation)
    return _paired(config, total_steps, representation, resolution, scores)


def _segmentation(config, total_steps: int) -> PairedTask:
    if config.data.labels != config.data.features[-1]:
        raise UserError(
            "config.task segmentation learns label maps: config.data.labels must be the last of "
            f"config.data.features, {config.data.features[-1]!r}, not {config.data.labels!r}."
        )
    if config.evaluation.lpips:
        raise UserError("config.evaluation.lpips must be False: LPIPS does not fit label maps.")
    palette, coding = make_palette(config.data.palette), config.segmentation.coding
    make_representation = choose(LABEL_CODINGS, "config.segmentation.coding", coding)
    representation = make_representation(config.input_channels, palette)
    if coding == "logits":
        _check_logits(config, palette.void)
    resolution = _reduced(config, representation)
    weights, scores = _class_weights(config, palette), LabelScores(palette)
    return _paired(config, total_steps, representation, resolution, scores, weights)


def _class_weights(config, palette: Palette) -> ClassWeights | None:
    name = config.segmentation.class_weights
    power = choose(CLASS_WEIGHTS, "config.segmentation.class_weights", name)
    if not power:
        return None
    # Imported here, because inference reads no dataset, and the readers take a second to load.
    from pix2pix_flax.data.pipeline import eval_batches

    split = config.data.train_split
    read = functools.partial(eval_batches, config, split=split, batch_size=_COUNTED_TOGETHER)
    return ClassWeights(palette, power, read)


def _check_logits(config, classes: int) -> None:
    if config.generator.out_channels != classes:
        raise UserError(
            f"config.generator.out_channels must be {classes} for config.segmentation.coding "
            f"logits, one for each class of config.data.palette, not "
            f"{config.generator.out_channels}."
        )
    weights = config.loss_weights
    if not weights.cross_entropy or any(weights.get(name) for name in TERMS):
        raise UserError(
            "config.segmentation.coding logits learns by config.loss_weights.cross_entropy, which "
            "must not be 0; perceptual and lpips must be 0."
        )


def _unconditional(config, total_steps: int) -> Unconditional:
    step = _step(config, total_steps, _module(config, input_kind="latent"))
    if not isinstance(step, AdversarialStep) or step.conditional:
        raise UserError(
            "config.task unconditional needs config.discriminator, and config.gan.conditional must "
            "be False: noise has no target, and there is no image to condition on."
        )
    return Unconditional(
        step=step,
        scores=SetScores(config.unconditional.distances),
        augment=_augment(config),
        diff_augment=config.diff_augment.to_dict(),
        latent_size=config.unconditional.latent_size,
    )


_COUNTED_TOGETHER = 8  # label maps

LABEL_CODINGS = {"colours": ColourMaps, "logits": ClassLogits}
TASKS: dict[str, Callable[..., Task]] = {
    "translation": _translation,
    "colourisation": _colourisation,
    "segmentation": _segmentation,
    "super_resolution": _super_resolution,
    "unconditional": _unconditional,
}


def _paired(
    config,
    total_steps: int,
    representation: Representation,
    resolution: SameSize,
    scores: Scores,
    class_weights: ClassWeights | None = None,
) -> PairedTask:
    if config.inference.statistics not in STATISTICS:
        raise UserError(f"config.inference.statistics must be one of {', '.join(STATISTICS)}.")
    module = _module(config, input_kind="image", scale=resolution.scale)
    if isinstance(representation, ClassLogits):
        module = module.clone(logits=True)
    step = _step(config, total_steps, module)
    if resolution.scale > 1 and isinstance(step, AdversarialStep) and step.conditional:
        raise UserError(
            "config.gan.conditional must be False for super-resolution: input and output differ in "
            "size."
        )
    weight = config.loss_weights.consistency
    terms = tuple(name for name in TERMS if config.loss_weights.get(name))
    return PairedTask(
        step=step,
        representation=representation,
        resolution=resolution,
        scores=scores,
        augment=_augment(config),
        consistency=Consistency(**config.consistency.to_dict()) if weight else None,
        perceptual=Perceptual(terms, **config.perceptual.to_dict()) if terms else None,
        class_weights=class_weights,
        **config.inference.to_dict(),
    )


def _augment(config) -> dict:
    labels = label_names(config.data)
    return {"crop_size": config.sizes.crop, "labels": labels, **config.augment.to_dict()}


def _reduced(config, representation: Representation) -> Reduced | Redrawn:
    """Returns how large images reach the generator: shrunk to `config.sizes.inference`."""
    size = config.sizes.inference
    if config.task == "translation" and config.generator.name == "unet":
        return Redrawn(size)
    return Reduced(size, representation.enlarged_by, representation.shrink)


def _step(config, total_steps: int, module: nn.Module) -> SupervisedStep | AdversarialStep:
    """Makes the step: adversarial if and only if there is a `config.discriminator`."""
    weights = {name: w for name, w in config.loss_weights.to_dict().items() if w or name == "gan"}
    net = Net(module, make_optimizer(config.optimizer, total_steps))
    gen = GeneratorStep(net, weights, config.ema_decay)
    if "discriminator" in config:
        return AdversarialStep(gen, _disc(config, total_steps), config.gan.conditional)
    if weights.keys() & {"gan", "feature_matching"}:
        raise UserError(
            "config.loss_weights.gan and feature_matching need a config.discriminator, which this "
            "configuration does not have."
        )
    return SupervisedStep(gen)


def _module(config, *, input_kind: str, scale: int = 1) -> nn.Module:
    """Makes the generator; raises a UserError unless its inputs and its scale fit the task."""
    module = make_generator(config.generator, config.dtype)
    name = config.generator.name
    if module.input_kind != input_kind:
        raise UserError(
            f"config.generator.name must be a network of {input_kind}s for config.task "
            f"{config.task}, not {name!r}, a network of {module.input_kind}s."
        )
    if input_kind == "image" and module.scale != scale:
        raise UserError(
            f"config.generator.name must be a network of scale {scale} for config.task "
            f"{config.task}, not {name!r} of scale {module.scale}."
        )
    return module


def _disc(config, total_steps: int) -> DiscriminatorStep:
    loss = choose(GAN_LOSSES, "config.gan.loss", config.gan.loss)
    penalties = {name: config.gan[name] for name in ("r1", "r2")}
    norm = config.discriminator.get("norm")
    for name, weight in penalties.items():
        if weight < 0:
            raise UserError(f"config.gan.{name} must be at least 0, not {weight}.")
    if (any(penalties.values()) or loss.gradient_penalty) and norm == "batch":
        raise UserError(
            "config.gan.loss wgan-gp, config.gan.r1 and r2 take gradients image by image, which "
            "BatchNorm mixes: config.discriminator.norm must be instance, group or none, not "
            "'batch'."
        )
    module = make_discriminator(config.discriminator, config.dtype)
    net = Net(module, make_optimizer(config.optimizer, total_steps))
    return DiscriminatorStep(net, loss, **penalties)
