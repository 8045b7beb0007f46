"""The cartoon training: photo -> cartoon with GAN + L1, and an average that is kept.

`--config=configs/default.py:smoke` shrinks it to seconds, as it does any other config.
"""

import ml_collections
from ml_collections import config_dict


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.task = "pix2pix"
    config.seed = 0
    config.dtype = "float32"  # of the computation; 'bfloat16' for GPUs. Parameters stay float32.

    # A run or a safetensors file whose generator a new training starts from; None: from scratch.
    config.init_from = config_dict.placeholder(str)

    config.input_channels = 3  # of what G is given; 1: pictures made grey
    config.generator = ml_collections.ConfigDict(
        {
            "name": "unet",
            "depth": 5,  # exact tiles need a halo of 2**(depth + 1) pixels
            "width": 64,
            "out_channels": 3,  # 1: targets made grey
            "norm": "batch",
            "upsample": "resize",
            "dropout": 0.0,
            "init": "normal",  # of kernels: N(0, 0.02); or xavier, kaiming, orthogonal
            "remat": False,  # on GPUs: less memory, for a second forward pass in each step
        }
    )
    config.discriminator = ml_collections.ConfigDict(
        {
            "name": "patch",
            "depth": 3,  # 70x70 pixels to a logit; 0: 1, 1: 16x16, 5: 286x286
            "width": 64,
            "norm": "batch",
            "spectral_norm": False,
            "scales": 1,  # more: further networks like it, on the half, the quarter...
            "init": "normal",
        }
    )
    config.gan = ml_collections.ConfigDict(
        {
            "loss": "vanilla",  # or lsgan, hinge, wgan-gp, relativistic
            "conditional": True,  # whether D sees the input beside the output
            # Weights (gamma) of the penalties on D's slopes at real and at generated images; 0:
            # none. With them, and with wgan-gp, D has no BatchNorm.
            "r1": 0.0,
            "r2": 0.0,
        }
    )
    # A term without a weight is not computed. `perceptual` and `lpips` (extra `lpips`) look through
    # a frozen network, calibrated on the data so that their weights compare with that of l1;
    # `feature_matching` looks through D.
    config.loss_weights = ml_collections.ConfigDict(
        {
            "gan": 1.0,
            "feature_matching": 0.0,
            "l1": 100.0,
            "l2": 0.0,
            "gradient": 0.0,
            "cross_entropy": 0.0,  # of supervised_segmentation only, which has no other
            "perceptual": 0.0,
            "lpips": 0.0,
        }
    )
    config.perceptual = ml_collections.ConfigDict(
        {
            "net": "vgg16",  # or alexnet: much faster, less sharp an eye
            "layers": (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0),  # weights of its maps in `perceptual`
            "distance": "l1",  # or l2: of maps, and what the weights of both terms compare with
        }
    )
    # What is asked of G when its input moves a little, for steady videos. Weight 0: nothing.
    config.consistency = ml_collections.ConfigDict({"weight": 0.0, "max_shift": 4, "noise": 0.06})
    config.optimizer = ml_collections.ConfigDict(
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
            "weight_decay": 0.01,  # of adamw, for kernels; adam has none
            "max_grad_norm": 0.0,  # a network's gradients that are longer are cut to it; 0: none
            # Batches whose gradients are averaged for one step of the optimizer; everything else,
            # such as train.steps and ema_decay, goes on by batches.
            "accumulate_steps": 1,
        }
    )
    config.ema_decay = 0.999
    # What BatchNorm and dropout do outside of training; `lpips` adds that score to validation.
    config.test = ml_collections.ConfigDict(
        {"statistics": "running", "dropout": False, "lpips": False}
    )
    # What becomes of the canvas of `config.data` at each step. crop_size: side of a random square
    # of it; 0: all of it.
    config.augment = ml_collections.ConfigDict(
        {"crop_size": 224, "flip": True, "rotate": False}  # rotate: by multiples of 90 degrees
    )

    config.data = ml_collections.ConfigDict(
        {
            "name": "cartoon_tfds/public",  # or cartoon_tfds/sample, which needs no download
            "data_dir": config_dict.placeholder(str),  # None: TFDS's own place
            "features": ("photo", "cartoon"),  # input, target; turn them round for the other way
            "styles": (),  # the examples' styles, for a network that is told of each; (): of none
            "train_split": "train",
            "validation_split": "validation",
            "labels": "",  # which of the features are label maps, and ...
            # ... their classes, one of them `void`: (name, colour, ids); () for ids where maps show
            # the colours. See configs/camvid.py.
            "palette": (),
            # What is made of pictures in training, before `augment`. crop: a random square of
            # canvas_size in the scale of the pixels, for the teacher's lines have one width.
            # resize: the whole picture, squeezed into that square; with a smaller crop_size it is
            # the paper's resize-and-crop. scale_width: the whole picture, scaled to that width.
            # none: the picture as it is. The last two are for pictures of one shape.
            "canvas_mode": "crop",
            "canvas_size": 256,
            # In evaluation: 0 for each picture in its own size, else squeezed into such a square
            # (scale_width: scaled to such a width).
            "eval_size": 0,
            "num_threads": 8,
        }
    )
    config.train = ml_collections.ConfigDict(
        {
            "batch_size": 8,
            "steps": 50_000,
            "epochs": config_dict.placeholder(float),  # instead of steps
            "log_every_steps": 100,
            "eval_every_steps": 2_500,  # evaluation, panel and checkpoint
            "eval_examples": 128,
            # Of larger pictures the middle, of this side, is looked at during the training; 0: all
            # of them. Reports (scripts/evaluate_checkpoint.py) are of whole pictures.
            "eval_crop": 0,
            "panel_examples": 4,
            "keep_checkpoints": 3,  # the last ones; the best one is kept beside them, ...
            "keep_every_minutes": 0.0,  # ... and one that is saved so often; 0: none
            "preview_every_minutes": 0.0,  # pictures also between evaluations; 0: none
            # A run ends in time, with exit code 3, and the same command goes on; 0: any time.
            "max_hours": 0.0,
            "max_rollbacks": 3,  # returns to the last checkpoint, after numbers that are not finite
            "best_metric": "l1",
            "best_is": "min",
        }
    )
    return variant(config, arg)


def variant(config: ml_collections.ConfigDict, arg: str) -> ml_collections.ConfigDict:
    """Returns the config, locked: as it is, or for `smoke` with all sizes shrunk to seconds."""
    if arg not in ("", "smoke"):
        raise ValueError(f'A config has no variant {arg!r}, only "smoke".')
    if arg == "smoke":
        size = "depth" if "depth" in config.generator else "blocks"
        config.generator[size], config.generator.width = 3, 8
        if "discriminator" in config:
            config.discriminator.depth, config.discriminator.width = 1, 8
        config.augment.crop_size = 32
        config.data.name = "cartoon_tfds/sample"
        config.data.features = ("photo", "cartoon")[-len(config.data.features) :]
        if config.data.labels:  # the nearest colours of a cartoon stand for its classes
            config.data.labels = "cartoon"
            config.data.palette = tuple((*entry[:2], ()) for entry in config.data.palette)
        config.data.canvas_size = 40
        config.data.eval_size = 32
        config.train.batch_size = 4
        config.train.steps, config.train.epochs = 8, None
        config.train.log_every_steps = config.train.eval_every_steps = 4
        config.train.eval_examples = config.train.panel_examples = 4
    return config.lock()
