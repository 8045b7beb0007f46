"""A cartoon network of 1.7 M parameters for CPUs: GAN, L1, LPIPS, gradients and consistency.

    python -m pix2pix_flax.main --config=configs/mid.py --workdir=runs/mid

Its time is not measured, and no weights are shipped; see configs/lite.py for the shipped network.
"""

import ml_collections

from configs import base, steady


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = steady.get_config()
    config.unlock()
    config.generator.width, config.generator.fine_width = 24, 16
    config.discriminator.width = 16
    config.loss_weights.consistency = 40.0
    config.consistency.noise = 0.03
    config.optimizer.learning_rate = 2e-3
    config.optimizer.decay_start = 0.2
    config.sizes.crop = 64
    config.train.steps = 8_000
    config.train.eval_examples = 64
    return base.variant(config, arg)
