"""The cartoon training with CycleGAN's generator: 9 residual blocks, 11.4 M parameters."""

import ml_collections

from configs import base, default


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = default.get_config()
    config.unlock()
    config.generator.name = "resnet"
    config.generator.blocks = 9  # exact tiles need a halo of 14 + 8 * blocks pixels
    del config.generator.depth
    return base.variant(config, arg)
