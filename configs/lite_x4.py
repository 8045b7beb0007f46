"""The super-resolution network that comes with the package: 0.39 M parameters, x4, for CPUs.

An SRResNet without BatchNorm, from a first training on L1 alone (docs/weights.md has both
commands). AlexNet's LPIPS and a little GAN make it sharp; the loss `gradient` keeps patterns away
that AlexNet, whose first layer has stride 4, is blind to.
"""

import ml_collections

from configs import base, srgan


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = srgan.get_config()
    config.unlock()
    config.generator.blocks = 16
    config.generator.width = 32
    config.generator.norm = "none"
    config.discriminator.width = 16
    config.loss_weights.l1 = config.loss_weights.lpips = 1.0
    config.loss_weights.gradient = 2.0
    config.loss_weights.gan = 2e-3
    config.loss_weights.perceptual = 0.0
    config.perceptual.net = "alexnet"
    config.perceptual.distance = "l1"
    config.optimizer.learning_rate = 5e-4
    config.ema_decay = 0.99
    config.sizes.crop = config.sizes.canvas = 48
    # Views of photographs of any size: `python -m cartoon_tfds --photos=DIR --name=photos`.
    config.data.name = "cartoon_tfds/photos"
    config.data.features = ("photo",)
    config.train.steps = 1_500
    config.train.eval_every_steps = 500
    return base.variant(config, arg)
