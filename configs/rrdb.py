"""The network of ESRGAN (Wang et al. 2018, arXiv:1809.00219, section 4.1) on L1, x4, on DIV2K.

    python -m pix2pix_flax.main --config=configs/rrdb.py --workdir=runs/rrdb

Slower than SRResNet and better. A GAN starts from it as from SRResNet: `configs/srgan.py` with this
generator. Written for a GPU; time and scores are not measured here.
"""

import ml_collections

from configs import base, srresnet


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = srresnet.get_config()
    config.unlock()
    config.generator = ml_collections.ConfigDict(
        {
            "name": "rrdb",
            "blocks": 23,  # exact tiles need a halo of 4 + 15 * blocks pixels
            "width": 64,
            "out_channels": 3,
            "scale": 4,  # or 2, or 8
            "unit_range": True,  # so PyTorch's programs can open the network
            "kernel_init": "kaiming",
        }
    )
    config.loss_weights.l1, config.loss_weights.l2 = 1.0, 0.0
    config.optimizer.learning_rate = 2e-4
    config.optimizer.schedule = "step"
    config.optimizer.step_every, config.optimizer.step_factor = 0.2, 0.5
    config.sizes.crop = config.sizes.canvas = 128
    return base.variant(config, arg)
