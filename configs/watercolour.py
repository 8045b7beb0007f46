"""A cartoon network of the size of `lite` for the style `watercolour`, for CPUs.

    python -m cartoon_tfds --photos=DIR --style=watercolour --name=watercolour --views_per_photo=32
    python -m pix2pix_flax.main --config=configs/watercolour.py --workdir=runs/watercolour

The network adds its output to the photograph: a wash has soft shades, so it is not drawn in layers.
Its time is not measured, and no weights are shipped; configs/sketch.py has some.
"""

import ml_collections

from configs import base, lite


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = lite.get_config()
    config.unlock()
    config.data.name = "cartoon_tfds/watercolour"
    config.generator.cel_steps = 0
    config.generator.residual = True
    config.loss_weights.ink = 600.0
    config.train.steps = 8_000
    return base.variant(config, arg)
