"""Anime faces of 64x64 pixels: DCGAN's networks with what GANs have learned since.

The learning rate ends at zero and an average of G is used, without which pictures stay noisy; and D
sees augmented pictures (Zhao et al. 2020), so that it learns fewer of them by heart.
benchmarks/RESULTS.md has what else was tried. The dataset is that of configs/dcgan.py.
"""

import ml_collections

from configs import base, dcgan


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = dcgan.get_config()
    config.unlock()
    config.optimizer.schedule = "linear_decay"
    config.optimizer.decay_start = 0.4
    config.ema_decay = 0.99
    config.diff_augment.policy = ("colour", "translation", "cutout")
    # min(0.5, 3e-6 * (100,000 - n)) for n training pictures: hardly less for the 17,029 of Kaggle.
    config.diff_augment.probability = 0.3
    return base.variant(config, arg)
