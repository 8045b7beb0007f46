"""Colours for grey comics: from the lightness of a panel to its colours, with GAN + L1.

    python -m cartoon_tfds --images=PAGES --panels --size=256 --name=comics
    python -m pix2pix_flax.main --config=configs/comics.py --workdir=runs/comics

`:lite`, for CPUs, made the shipped network `comics` in 47 minutes on one core: ab error 14.9, with
20 hints 7.9, where the grey panel has 19.5 (docs/comics.md). The full size is not measured.
"""

import ml_collections

from configs import base


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = base.pix2pix()
    config.task = "colourisation"
    config.sizes.inference = 256  # the short side of the panels in training
    config.generator.out_channels = 2  # a and b
    # BatchNorm's running statistics would fit no number of hints: see docs/comics.md.
    config.generator.norm, config.generator.kernel_init = "none", "kaiming"
    config.generator.fine_width = 8  # so that a small hint is seen in full resolution
    # Colour hints in training: squares of the true colours, as many as a geometric distribution
    # says, none in an eighth of the panels. At inference hints are optional: `--hints`.
    config.hints = ml_collections.ConfigDict(
        {
            "max_points": 64,  # in a panel; 0: a network without hints
            "max_patch": 9,  # largest side of a square, in pixels
        }
    )
    config.data.name = "cartoon_tfds/comics"
    config.data.features = ("image",)
    config.train.best_metric = "ab_mae"
    return base.variant(config, arg, lite=_lite)


def _lite(config: ml_collections.ConfigDict) -> None:
    """Makes the network narrow, for CPUs, and the panels 192 pixels large."""
    config.sizes.inference = 600  # the short side of a page whose panels are as large
    config.sizes.canvas, config.sizes.crop = 192, 160
    config.augment.min_scale, config.augment.max_scale = 0.85, 1.3
    config.generator.depth, config.generator.width = 6, 16
    config.discriminator.width = 16
    config.loss_weights.l1 = 50.0
    config.optimizer.learning_rate = 1e-3
    config.ema_decay = 0.998
    config.train.batch_size = 4
    config.train.steps = 5_000
    config.train.eval_every_steps = 500
    config.train.eval_examples = 30
