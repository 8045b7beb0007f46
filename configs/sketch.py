"""A cartoon network of the size of `lite` for the style `sketch`, for CPUs.

    python -m cartoon_tfds --photos=DIR --style=sketch --name=sketch --views_per_photo=32
    python -m pix2pix_flax.main --config=configs/sketch.py --workdir=runs/sketch

Photographs, time and scores in docs/weights.md.
"""

import ml_collections

from configs import base, watercolour


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = watercolour.get_config()
    config.unlock()
    config.data.name = "cartoon_tfds/sketch"
    config.generator.residual = False  # paper is lighter than the photograph nearly everywhere
    config.loss_weights.ink = 0.0  # and so are most strokes
    return base.variant(config, arg)
