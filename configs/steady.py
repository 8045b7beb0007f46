"""The cartoon training for videos: lines move with the scene, and noise is not drawn.

    python -m pix2pix_flax.main --config=configs/steady.py --workdir=runs/steady

The loss `consistency` asks for G(T(x)) = T(G(x)) for small shifts and noise T; it doubles the
generator's batch. Time at full size is not measured.
"""

import ml_collections

from configs import base, default


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = default.get_config()
    config.unlock()
    config.loss_weights.consistency = 50.0
    return base.variant(config, arg, **default.STYLES)
