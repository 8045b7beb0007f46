"""A cartoon network of the size of `lite` for the style `poster`, for CPUs.

    python -m cartoon_tfds --photos=DIR --style=poster --name=poster --views_per_photo=32
    python -m pix2pix_flax.main --config=configs/poster.py --workdir=runs/poster

Its time is not measured, and no weights are shipped; configs/sketch.py has some.
"""

import ml_collections

from configs import base, watercolour


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = watercolour.get_config()
    config.unlock()
    config.data.name = "cartoon_tfds/poster"
    config.generator.cel_steps = 0  # layers keep grey, which this style prints in navy and cream
    config.generator.residual = True
    config.train.steps = 8_000
    return base.variant(config, arg)
