"""The baseline of the cartoon training: the same generator on L1 alone.

python -m pix2pix_flax.main --config=configs/l1.py --workdir=runs/l1
"""

import ml_collections

from configs import base


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = base.get_config()
    base.add_translation(config)
    config.loss_weights.l1 = 1.0
    return base.variant(config, arg)
