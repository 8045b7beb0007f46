"""Anime faces of 64x64 pixels: a stronger recipe for networks of DCGAN's size.

Hinge loss with a spectrally normalised D (Miyato et al. 2018), differentiable augmentation (Zhao et
al. 2020) and an average of G. The dataset is that of configs/dcgan.py.
"""

import ml_collections

from configs import dcgan, default


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = dcgan.get_config()
    config.unlock()
    config.generator.upsample = "resize"
    config.discriminator.norm = "none"
    config.discriminator.spectral_norm = True
    config.gan.loss = "hinge"
    config.diff_augment.policy = ("colour", "translation", "cutout")
    config.ema_decay = 0.999
    return default.variant(config, arg)
