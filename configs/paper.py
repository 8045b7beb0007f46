"""The recipe of Isola et al. 2017 (arXiv:1611.07004), to the letter.

    python -m pix2pix_flax.main --config=configs/paper.py --workdir=runs/paper

Sections 3.3 and 3.4 and the appendix 6.1 and 6.2: 54,414,531 parameters in the generator, 2,768,705
in the discriminator. Written for a GPU; its time at full size is not measured. With 128x128 pixels,
width 16 and 2,000 steps on two CPU cores: L1 .081, PSNR 25.4 dB, SSIM .80, LPIPS .27, like a plain
PyTorch implementation (benchmarks/RESULTS.md).
"""

import ml_collections

from configs import base


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = base.pix2pix()
    config.generator.depth = 8
    config.generator.upsample = "transpose"
    config.generator.dropout = 0.5
    config.optimizer.schedule = "constant"
    config.ema_decay = 0.0
    config.inference.statistics, config.inference.dropout = "batch", True
    config.sizes.crop = 256
    config.data.canvas_mode = "resize"
    config.sizes.canvas = 286
    config.sizes.evaluation = 256
    config.train.batch_size = 1
    config.train.epochs = 200.0
    return base.variant(config, arg)
