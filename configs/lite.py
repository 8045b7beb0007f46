"""The shipped cartoon network `lite`: a U-Net of 0.46 M parameters, for CPUs.

    python -m pix2pix_flax.main --config=configs/lite.py --workdir=runs/lite

28 minutes on two busy CPU cores (8,000 steps, flags and photographs in docs/weights.md). On the 200
test photographs of BSDS500: PSNR 30.5 dB, SSIM .91, LPIPS .10, where the photograph itself has 26.7
dB, .75 and .28.
"""

import ml_collections

from configs import base, mid


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = mid.get_config()
    config.unlock()
    config.generator.depth = 4
    config.generator.width, config.generator.fine_width = 20, 12
    return base.variant(config, arg)
