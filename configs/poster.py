"""A cartoon network of the size of `lite` for the style `poster`, for CPUs.

    python -m cartoon_tfds --photos=DIR --style=poster --name=poster --views_per_photo=32
    python -m pix2pix_flax.main --config=configs/poster.py --workdir=runs/poster

Drawn in layers like `lite`; its shadows are printed in navy, and its lights are the cream of the
paper. Photographs, time and scores in docs/weights.md.
"""

import ml_collections

from configs import base, watercolour


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = watercolour.get_config()
    config.unlock()
    config.data.name = "cartoon_tfds/poster"
    config.generator.cel_steps = 5  # as many as the style has
    config.generator.cel_print = True
    config.loss_weights.ink = 0.0  # it has no lines
    config.train.steps = 8_000
    return base.variant(config, arg)
