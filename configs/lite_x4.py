r"""The shipped super-resolution network `lite_x4`: 0.39 M parameters, x4, for CPUs.

    python -m pix2pix_flax.main --config=configs/lite_x4.py --workdir=runs/lite_x4 \
        --config.init_from=FIRST_RUN

An SRResNet without BatchNorm; docs/weights.md has the commands of both trainings, 37 minutes on L1
alone and 18 minutes with this file, on two busy CPU cores. LPIPS of AlexNet and a GAN of little
weight make images sharp; the loss `gradient` prevents patterns that AlexNet does not see, whose
first layer has stride 4. Set5: 29.1 dB, LPIPS .135; Set14: 26.7 dB, .221; bicubic has 28.4 and 26.1
dB, LPIPS .340 and .438.
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
