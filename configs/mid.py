"""A cartoon network of 1.7 M parameters for CPUs, steady on video; its training has no GAN.

    python -m pix2pix_flax.main --config=configs/mid.py --workdir=runs/mid

Its time is not measured, and no weights are shipped; see configs/lite.py for the shipped network.
"""

import ml_collections

from configs import base, default


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = default.get_config("supervised")
    config.unlock()
    config.generator.width, config.generator.fine_width = 24, 16
    config.loss_weights.ink = 2400.0
    config.loss_weights.lpips = 60.0
    config.perceptual.net = "alexnet"
    config.loss_weights.consistency = 40.0
    config.consistency.noise = 0.03
    config.optimizer.learning_rate = 1e-3
    config.optimizer.decay_start = 0.2
    config.sizes.crop = 64
    config.train.steps = 12_000
    config.train.eval_every_steps = 1_000
    config.train.eval_examples = 64
    config.evaluation.lpips = True
    return base.variant(config, arg)
