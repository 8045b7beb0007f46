"""The small network that comes with the package: U-Net of 0.46 M parameters, for CPUs."""

import ml_collections

from configs import base, mid


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = mid.get_config()
    config.unlock()
    config.generator.depth = 4
    config.generator.width = 20
    return base.variant(config, arg)
