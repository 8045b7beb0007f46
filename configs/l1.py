"""The baseline of the cartoon training: the same generator on L1 alone.

    python -m pix2pix_flax.main --config=configs/l1.py --workdir=runs/l1

Time as for configs/default.py. With 128x128 pixels, width 16 and 2,000 steps on two CPU cores: L1
.057, PSNR 27.8 dB, SSIM .86, LPIPS .23 (benchmarks/RESULTS.md): better pixels, softer lines.
"""

import ml_collections

from configs import base


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = base.get_config()
    base.add_translation(config)
    config.loss_weights.l1 = 1.0
    return base.variant(config, arg)
