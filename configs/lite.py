"""The shipped cartoon network `lite`: a U-Net of 0.46 M parameters that draws in layers, for CPUs.

    python -m pix2pix_flax.main --config=configs/lite.py --workdir=runs/lite

About an hour on two CPU cores (photographs and scores in docs/weights.md). On the 200 test
photographs of BSDS500: L1 .060, PSNR 24.0 dB, SSIM .85, LPIPS .120, where the photograph itself
has .154, 19.7 dB, .60 and .40.
"""

import ml_collections

from configs import base, mid


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = mid.get_config()
    config.unlock()
    config.generator.depth = 4
    config.generator.width, config.generator.fine_width = 20, 8
    config.loss_weights.consistency = 100.0
    config.train.steps = 16_000
    return base.variant(config, arg)
