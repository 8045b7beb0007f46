"""The settings that all trainings share, and the groups that a training adds to them.

This is no training by itself: `get_config` has neither a task nor networks. Every default lives in
this file and in the file of its training.
"""

import ml_collections
from ml_collections import config_dict

from cartoon_tfds.errors import UserError


def get_config() -> ml_collections.ConfigDict:
    """Returns the shared settings, unlocked."""
    config = ml_collections.ConfigDict()
    config.seed = 0
    config.dtype = "float32"  # of the computation; bfloat16 for GPUs. Parameters stay float32.
    # Whether several processes train together. The same command starts each: docs/scaling.md.
    config.distributed = False
    # A run or a safetensors file whose generator the training starts from; None: random weights.
    config.init_from = config_dict.placeholder(str)
    config.optimizer = _optimizer()
    config.ema_decay = 0.999  # of the generator's moving average; 0: no average

    config.sizes = _sizes()
    # Random changes of the training images, apart from the crop.
    config.augment = ml_collections.ConfigDict(
        {
            "flip": True,
            "rotate": False,  # by multiples of 90 degrees
            # A part of the canvas is scaled to the crop by a random factor. A factor below 1 needs
            # a canvas that is larger than the crop.
            "min_scale": 1.0,
            "max_scale": 1.0,
            "light": 0.0,  # strength of random brightness, contrast and saturation, up to 1
        }
    )
    # Whether validation scores LPIPS too (extra `lpips`).
    config.evaluation = ml_collections.ConfigDict({"lpips": False})
    config.data = _data()
    config.train = _train()
    return config


def pix2pix() -> ml_collections.ConfigDict:
    """Returns the settings of a pix2pix training: a U-Net, a PatchGAN and L1; unlocked."""
    config = get_config()
    add_translation(config)
    add_adversary(config)
    return config


def _optimizer() -> ml_collections.ConfigDict:
    """Returns the optimizer of each network, and its learning rate."""
    return ml_collections.ConfigDict(
        {
            "name": "adam",  # or adamw
            "learning_rate": 2e-4,
            "warmup": 0.0,  # share of the training in which the rate rises to learning_rate
            "schedule": "linear_decay",  # or constant, step, cosine
            "decay_start": 0.5,  # share of the training before linear_decay or cosine begins
            "step_every": 0.25,  # share of the training after which step changes the rate, ...
            "step_factor": 0.1,  # ... by this factor
            "b1": 0.5,
            "b2": 0.999,
            "weight_decay": 0.01,  # of the kernels, by adamw; adam has none
            "max_grad_norm": 0.0,  # longer gradients of a network are scaled to it; 0: no limit
            # Number of batches whose gradients are averaged for one optimizer step. train.steps,
            # ema_decay and all else count batches.
            "accumulate_steps": 1,
        }
    )


def _sizes() -> ml_collections.ConfigDict:
    """Returns all sizes, in pixels."""
    return ml_collections.ConfigDict(
        {
            # Side of the square canvas that the loader makes of an image; see data.canvas_mode.
            "canvas": 256,
            # Side of the random square that each step cuts from the canvas; 0: the whole canvas.
            "crop": 224,
            # Evaluation squeezes each image into a square of this side (data.canvas_mode
            # scale_width: scales it to this width); 0: each image keeps its size.
            "evaluation": 0,
            # Validation takes the central square of this side; 0, and in reports: whole images.
            "validation_crop": 0,
            # Larger images are shrunk to this short side for the network, and its output is
            # enlarged again; 0: never. For pictures by a U-Net, a half, a third, ... of the size is
            # taken, whichever is nearest, and the enlarged edges stay sharp.
            "inference": 0,
        }
    )


def _data() -> ml_collections.ConfigDict:
    """Returns the dataset, and how examples are read from it."""
    return ml_collections.ConfigDict(
        {
            "name": "cartoon_tfds/public",  # or cartoon_tfds/sample, which needs no download
            "data_dir": config_dict.placeholder(str),  # None: the default folder of TFDS
            "features": ("photo", "cartoon"),  # input, target; swap them for the other direction
            "styles": (),  # styles of the examples, if the network shall draw each of them
            "train_split": "train",
            "validation_split": "validation",
            "labels": "",  # the feature that holds label maps, if one does, and ...
            # ... their classes, one of them `void`: (name, colour, ids); ids are () if the maps
            # show the colours. See configs/camvid.py.
            "palette": (),
            # How the loader makes the canvas of an image. crop: a random square in the scale of
            # the pixels, for the lines of a cartoon have one width. resize: the whole image,
            # squeezed; with a smaller sizes.crop this is the paper's resize-and-crop. scale_width:
            # the whole image, scaled to the width. none: the image unchanged. The last two need
            # images of one shape.
            "canvas_mode": "crop",
            "num_threads": 8,
            # Where decoded examples are kept for later epochs; the batches are the same. none:
            # nowhere. host: in memory. disk: in the user's cache folder, for later trainings too.
            # device: all of them in the memory of each device; an error if they do not fit.
            "cache": "none",
            "cache_gigabytes": 4.0,  # host and disk keep so much and no more
            # So many damaged records are passed over, but not the first and last of a file.
            "max_damaged": 0,
        }
    )


def _train() -> ml_collections.ConfigDict:
    """Returns the length of the training, and the work that is due during it."""
    return ml_collections.ConfigDict(
        {
            "batch_size": 8,
            "steps": 50_000,
            "epochs": config_dict.placeholder(float),  # instead of steps
            "log_every_steps": 100,
            # Three kinds of work are due by each of the units that are set; 0: not by this unit.
            "eval_every_steps": 2_500,  # evaluation, preview and checkpoint; also at the end
            "eval_every_minutes": 0.0,
            "eval_every_epochs": 0.0,
            "preview_every_steps": 0,  # previews between evaluations too
            "preview_every_minutes": 0.0,
            "preview_every_epochs": 0.0,
            "keep_every_steps": 0,  # checkpoints that are never deleted
            "keep_every_minutes": 0.0,
            "keep_every_epochs": 0.0,
            "eval_examples": 128,  # 0: the whole split
            "panel_examples": 4,  # in a preview; 0: the whole split
            "keep_checkpoints": 3,  # the last checkpoints; the best one is kept too
            # The run ends before, with exit code 3; the same command resumes it. 0: no limit.
            "max_hours": 0.0,
            "max_rollbacks": 3,  # returns to the last checkpoint after numbers that are not finite
            "best_metric": "l1",  # the validation score that ranks checkpoints
        }
    )


def add_translation(config: ml_collections.ConfigDict) -> None:
    """Adds a U-Net that learns images from images, by reconstruction losses."""
    config.task = "translation"
    config.input_channels = 3  # of the generator's input; 1: images are made grey
    config.generator = ml_collections.ConfigDict(
        {
            "name": "unet",
            "depth": 5,  # exact tiles need a halo of 2**(depth + 1) pixels
            "width": 64,
            "out_channels": 3,  # 1: targets are made grey
            "norm": "batch",
            "upsample": "resize",
            "dropout": 0.0,
            "fine_width": 0,  # channels of convolutions at full resolution; 0: none
            "residual": False,  # whether the network adds its output to its input
            "cel_steps": 0,  # steps of the tone of a drawing in layers of paint and ink; 0: RGB
            "cel_print": False,  # whether its shadows are navy and its lights cream
            "kernel_init": "normal",  # N(0, 0.02); or xavier, kaiming, orthogonal
            "remat": False,  # on GPUs: saves memory by a second forward pass in each step
        }
    )
    # A term of weight 0 is not computed. `perceptual` and `lpips` (extra `lpips`) compare features
    # of a frozen network, calibrated on the data so that their weights compare with that of l1.
    # `cross_entropy` is the only term of segmentation by logits. `consistency` steadies videos.
    config.loss_weights = ml_collections.ConfigDict(
        {
            "l1": 100.0,
            "l2": 0.0,
            "gradient": 0.0,
            "ink": 0.0,  # l1 once more, where the target is darker than the input
            "white": 0.0,  # l1 once more, where the target is white
            "cross_entropy": 0.0,
            "perceptual": 0.0,
            "lpips": 0.0,
            "consistency": 0.0,
        }
    )
    config.perceptual = ml_collections.ConfigDict(
        {
            # The network of `perceptual`: vgg16, alexnet, which is much faster and less exact, or
            # vgg19, whose weights are in the file `vgg19_file` (docs/super_resolution.md).
            "net": "vgg16",
            "vgg19_file": "",
            "lpips_net": "",  # vgg16 or alexnet, the network of `lpips`; "": the same as `net`
            "layers": (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0),  # weights of its maps in `perceptual`
            "rectified": True,  # whether maps of vgg19 are taken after their activation
            # Factor of the maps in `perceptual`, such as 1 / 12.75 (Ledig et al. 2017); 0: the term
            # is calibrated on the data. `lpips` always is.
            "map_scale": 0.0,
            "distance": "l1",  # or l2: the distance of maps, and the unit of both terms
        }
    )
    # The movements and the noise of the loss `consistency`.
    config.consistency = ml_collections.ConfigDict({"max_shift": 4, "noise": 0.06})
    # The statistics of BatchNorm (running or batch) and dropout at inference.
    config.inference = ml_collections.ConfigDict({"statistics": "running", "dropout": False})


def add_adversary(config: ml_collections.ConfigDict) -> None:
    """Adds a PatchGAN discriminator and the weights of its losses."""
    config.discriminator = ml_collections.ConfigDict(
        {
            "name": "patch",
            "depth": 3,  # a logit sees 70x70 pixels; 0: 1, 1: 16x16, 5: 286x286
            "width": 64,
            "norm": "batch",
            "spectral_norm": False,
            "scales": 1,  # more: one more discriminator on the image halved, quartered, ...
            "kernel_init": "normal",
        }
    )
    config.gan = ml_collections.ConfigDict(
        {
            "loss": "vanilla",  # or lsgan, hinge, wgan-gp, relativistic
            "conditional": True,  # whether the discriminator sees the generator's input too
            # Weights (gamma) of the gradient penalties at real and at generated images; 0: none.
            # With them, and with wgan-gp, the discriminator must not have BatchNorm.
            "r1": 0.0,
            "r2": 0.0,
        }
    )
    if "loss_weights" not in config:
        config.loss_weights = ml_collections.ConfigDict()
    config.loss_weights.gan = 1.0
    config.loss_weights.feature_matching = 0.0  # compares features of the discriminator


def remove_adversary(config: ml_collections.ConfigDict) -> None:
    """Turns an adversarial configuration into its supervised baseline.

    Label maps are then learned as a logit for each class, by cross-entropy.
    """
    if "discriminator" in config:
        del config.discriminator, config.gan
        del config.loss_weights.gan, config.loss_weights.feature_matching
    if config.task == "segmentation":
        config.segmentation.coding = "logits"
        config.generator.out_channels = len(config.data.palette) - 1  # without void
        config.loss_weights.cross_entropy = 1.0


def variant(config: ml_collections.ConfigDict, arg: str, **own) -> ml_collections.ConfigDict:
    """Returns a variant of a configuration, locked.

    Args:
      config: the configuration, complete.
      arg: the words after the colon of `--config=FILE:WORDS`, with commas between: `supervised`
        (no discriminator), `smoke` (small sizes; the dataset sample, unless flags name another).
      **own: a function for each further word; these are applied first.

    Raises:
      UserError: for another word.
    """
    shared = {"supervised": remove_adversary, "smoke": _shrink}
    words, known = [word for word in arg.split(",") if word], own | shared
    for word in words:
        if word not in known:
            listed = ", ".join([" and ".join(shared), *own])
            note = "; without a word, the style is ink" if "watercolour" in own else ""
            raise UserError(f"A config has no variant {word!r}, only {listed}{note}.")
    for word, change in known.items():
        if word in words:
            change(config)
    return config.lock()


def _shrink(config: ml_collections.ConfigDict) -> None:
    config.init_from = None  # it has another size
    config.generator.update({"depth": 3} if "depth" in config.generator else {"blocks": 1})
    config.generator.width = 8
    if config.generator.get("fine_width"):
        config.generator.fine_width = 4
    if "discriminator" in config:
        config.discriminator.depth, config.discriminator.width = 1, 8
    config.sizes.canvas, config.sizes.crop, config.sizes.evaluation = 40, 32, 32
    config.data.name = "cartoon_tfds/sample"
    config.data.features = ("photo", "cartoon")[-len(config.data.features) :]
    if config.data.labels:  # the nearest colours of a cartoon stand for its classes
        config.data.labels = "cartoon"
        config.data.palette = tuple((*entry[:2], ()) for entry in config.data.palette)
    config.train.batch_size = 4
    config.train.steps, config.train.epochs = 8, None
    config.train.log_every_steps = config.train.eval_every_steps = 4
    config.train.eval_examples = config.train.panel_examples = 4
