"""The baseline of the cartoon training: the same generator on L1 alone.

    python -m pix2pix_flax.main --config=configs/l1.py --workdir=runs/l1

Time as for configs/default.py. L1 hardly counts lines and small details, so compare what the other
terms of the loss add (benchmarks/RESULTS.md has the ablation).
"""

import ml_collections

from configs import base, default


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = default.get_config("supervised")
    config.unlock()
    config.loss_weights.l1 = 1.0
    config.loss_weights.ink = config.loss_weights.gradient = 0.0
    return base.variant(config, arg)
