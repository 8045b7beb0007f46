"""The cartoon training with the generator of CycleGAN: 9 residual blocks, 11.4 M parameters.

    python -m pix2pix_flax.main --config=configs/resnet.py --workdir=runs/resnet

Written for a GPU; its time and scores are not measured.
"""

import ml_collections

from configs import base


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = base.pix2pix()
    config.generator.name = "resnet"
    config.generator.blocks = 9  # exact tiles need a halo of 14 + 8 * blocks pixels
    for name in ("depth", "fine_width", "residual", "cel_steps", "cel_print"):  # of a U-Net
        del config.generator[name]
    return base.variant(config, arg)
