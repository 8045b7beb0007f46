"""The cartoon training for videos: drawings move with what is seen, and noise is not drawn."""

import ml_collections

from configs import base, default


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = default.get_config()
    config.unlock()
    config.loss_weights.consistency = 50.0
    return base.variant(config, arg)
