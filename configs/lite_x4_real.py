r"""A small super-resolution network for real pictures: `compact`, x4, for CPUs.

    python -m cartoon_tfds --images=DIR --name=photos
    python -m pix2pix_flax.main --config=configs/lite_x4_real.py:l1 --workdir=runs/first
    python -m pix2pix_flax.main --config=configs/lite_x4_real.py --workdir=runs/lite_x4_real \
        --config.init_from=runs/first

The first training, `:l1`, learns pixels alone; the second one makes its pictures sharp. `:span` is
the first one with the network `span`, which learns faster (docs/super_resolution.md). Small
pictures are made with blur, noise and JPEG (`config.degradation`). LPIPS of AlexNet, whose first
layer has stride 4, does not see a weave of two or three pixels; VGG16 beside it does, and the
layer before pixel shuffle starts without one. 0.62 M parameters, 1.2 MB in float16. Photographs,
times and scores of the shipped weights in docs/weights.md.
"""

import ml_collections

from configs import base, lite_x4


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = lite_x4.get_config()
    config.unlock()
    config.generator = ml_collections.ConfigDict(
        {
            "name": "compact",
            "blocks": 16,  # exact tiles need a halo of 2 + blocks pixels
            "width": 64,
            "out_channels": 3,
            "scale": 4,  # or 2, or 3
            "kernel_init": "kaiming",
        }
    )
    config.degradation = "light"
    config.loss_weights.lpips = config.loss_weights.perceptual = 0.5
    config.loss_weights.gradient = 1.0
    config.perceptual.net, config.perceptual.lpips_net = "vgg16", "alexnet"
    config.perceptual.layers = (0.5, 0.5, 0.0, 0.0, 0.0)  # deeper maps would double the time
    config.optimizer.learning_rate = 2e-4
    config.optimizer.schedule = "cosine"
    config.ema_decay = 0.999
    config.sizes.crop = config.sizes.canvas = 96
    # As `python -m cartoon_tfds --images=DIR --name=photos` makes them: whole pictures.
    config.data.features = ("image",)
    config.train.batch_size = 4
    config.train.steps = 2_500
    config.train.eval_every_steps = 500
    return base.variant(config, arg, l1=_learn_pixels_alone, span=_span)


def _learn_pixels_alone(config: ml_collections.ConfigDict) -> None:
    """Turns the configuration into the training that comes before it."""
    base.remove_adversary(config)
    for name in ("lpips", "perceptual", "gradient"):
        config.loss_weights[name] = 0.0
    config.optimizer.learning_rate = 1e-3
    config.optimizer.decay_start = 0.3
    config.ema_decay = 0.995
    config.train.batch_size = 8
    config.train.steps = 8_000
    config.train.eval_every_steps = 1_000
    config.train.best_metric = "psnr_y"


def _span(config: ml_collections.ConfigDict) -> None:
    """Turns the configuration into the training that comes before it, of another network."""
    _learn_pixels_alone(config)
    config.generator = ml_collections.ConfigDict(
        {
            "name": "span",
            "blocks": 6,
            "width": 48,
            "out_channels": 3,
            "scale": 4,
            "centred": True,  # subtracts a mean colour
            "residual": True,  # adds the enlarged input
            "kernel_init": "kaiming",
        }
    )
