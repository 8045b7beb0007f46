"""Facades from their labels with the recipe of Isola et al. 2017 (figure 14; appendix 6.2).

    python -m cartoon_tfds --pairs=DIR --name=facades
    python -m pix2pix_flax.main --config=configs/facades.py --workdir=runs/facades

Each picture of DIR holds photograph and labels side by side, in this order, like the CMP Facades.
The 200 epochs are for a GPU. benchmarks/RESULTS.md describes the first 11 of them, which took two
hours on a busy CPU core, and a narrow network after nine minutes.
"""

import ml_collections

from configs import base, paper


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = paper.get_config()
    config.unlock()
    config.data.name = "cartoon_tfds/facades"
    config.data.features = ("target", "input")  # from what lies right to what lies left
    return base.variant(config, arg)
