"""Facades from their labels with the recipe of Isola et al. 2017 (figure 14; appendix 6.2).

Made for pictures with photograph and labels side by side, in this order, as CMP Facades come:
`python -m cartoon_tfds --pairs=DIR --name=facades`.
"""

import ml_collections

from configs import base, paper


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.unlock()
    config.data.name = "cartoon_tfds/facades"
    config.data.features = ("target", "input")  # from what lies right to what lies left
    return base.variant(config, arg)
