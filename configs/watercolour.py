"""A cartoon network of the size of `lite` for the style `watercolour`, for CPUs.

    python -m cartoon_tfds --photos=DIR --style=watercolour --name=watercolour --views_per_photo=32
    python -m pix2pix_flax.main --config=configs/watercolour.py --workdir=runs/watercolour

Drawn in layers like `lite`, with more tones, for a wash has soft shades. LPIPS on validation is
.220 after 2,000 steps and .189 at the end; a network that added its output to the photograph had
.237 after 8,000. Photographs, time and scores in docs/weights.md.
"""

import ml_collections

from configs import base, lite


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = lite.get_config()
    config.unlock()
    config.data.name = "cartoon_tfds/watercolour"
    config.generator.cel_steps = 10
    config.loss_weights.ink = 600.0
    config.train.steps = 6_000
    return base.variant(config, arg)
