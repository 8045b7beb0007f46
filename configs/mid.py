"""A cartoon network of 1.7 M parameters for CPUs: GAN, L1, LPIPS, gradients and consistency.

    python -m pix2pix_flax.main --config=configs/mid.py --workdir=runs/mid

Its time is not measured, and no weights are shipped; see configs/lite.py for the shipped network.
"""

import ml_collections

from configs import base, steady


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = steady.get_config()
    config.unlock()
    config.generator.width = 24
    config.discriminator.width = 16
    # Lines and flat colours are what L1 does not see and a cartoon lives by.
    config.loss_weights.l1 = 50.0
    config.loss_weights.lpips = 50.0
    config.loss_weights.gradient = 50.0
    config.perceptual.net = "alexnet"
    config.loss_weights.consistency = 20.0
    config.consistency.noise = 0.03
    config.optimizer.learning_rate = 2e-3
    config.optimizer.decay_start = 0.2
    config.sizes.crop = 64
    config.train.steps = 8_000
    config.train.eval_examples = 64
    return base.variant(config, arg)
