"""The control of the cartoon training: the same generator on L1 alone."""

import ml_collections

from configs import default


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = default.get_config()
    config.unlock()
    config.task = "supervised"
    del config.discriminator
    del config.loss_weights.gan
    config.loss_weights.l1 = 1.0
    return default.variant(config, arg)
