"""The cartoon training: photo -> cartoon with GAN + L1, and a moving average of the generator.

    python -m cartoon_tfds --config=public
    python -m pix2pix_flax.main --config=configs/default.py --workdir=runs/cartoon

A U-Net of 12.4 M parameters for a GPU; its time at full size is not measured. The same recipe with
128x128 pixels, width 16 and 2,000 steps takes six minutes on two CPU cores: L1 .067, PSNR 26.7 dB,
SSIM .83, LPIPS .22 (benchmarks/RESULTS.md, cartoons of BSDS500).

`configs/default.py:supervised` leaves the discriminator out, and `configs/default.py:smoke` shrinks
all sizes to seconds; both work with every file of this folder.
"""

import ml_collections

from configs import base


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    return base.variant(base.pix2pix(), arg)
