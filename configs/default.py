"""The cartoon training: photo -> cartoon with GAN + L1, and a moving average of the generator.

    python -m cartoon_tfds --config=public
    python -m pix2pix_flax.main --config=configs/default.py --workdir=runs/cartoon

`configs/default.py:smoke` shrinks it to seconds and `configs/default.py:supervised` leaves the
discriminator out, and so it is with any other file of this folder.
"""

import ml_collections

from configs import base


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = base.get_config()
    base.add_translation(config)
    base.add_adversary(config)
    return base.variant(config, arg)
