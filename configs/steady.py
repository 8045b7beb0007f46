"""The cartoon training for videos: drawings move with what is seen, and noise is not drawn."""

import ml_collections

from configs import default


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = default.get_config()
    config.unlock()
    config.consistency.weight = 50.0
    return default.variant(config, arg)
