"""The training of `make demo`: a narrow network, on photographs that need no download.

    python -m cartoon_tfds --config=sample
    python -m pix2pix_flax.main --config=configs/demo.py --workdir=runs/demo

About nine minutes on two CPU cores. Expect L1 .062, PSNR 24.2 dB, SSIM .80 and LPIPS .15 on the
test split, where the photograph itself has .155, 19.5 dB, .59 and .38 (README.md).

Small crops and a fast decay of a high learning rate: in so little time, many steps on few pixels
learn more than few steps on many pixels.
"""

import ml_collections

from configs import base, default


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = default.get_config()
    config.unlock()
    config.data.name = "cartoon_tfds/sample"
    config.generator.width, config.generator.fine_width = 16, 12
    config.discriminator.width = 16
    config.optimizer.learning_rate = 2e-3
    config.optimizer.decay_start = 0.2
    config.ema_decay = 0.99
    config.sizes.crop = 64
    config.train.steps = 4_500
    config.train.eval_every_steps = 1_500
    config.train.eval_examples = 32
    return base.variant(config, arg, **default.STYLES)
