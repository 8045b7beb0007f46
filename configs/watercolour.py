r"""A cartoon network of the size of `lite` for the style `watercolour`, for CPUs.

    python -m cartoon_tfds --photos=DIR --style=watercolour --name=watercolour --views_per_photo=32
    python -m pix2pix_flax.main --config=configs/watercolour.py --workdir=runs/first
    python -m pix2pix_flax.main --config=configs/watercolour.py:longer --workdir=runs/watercolour \
        --config.init_from=runs/first

Drawn in layers like `lite`, with more tones, for a wash has soft shades. The second training,
`:longer`, has more LPIPS and more ink. Photographs, time and scores in docs/weights.md.
"""

import ml_collections

from configs import base, lite


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = lite.get_config("watercolour")
    config.unlock()
    config.data.name = "cartoon_tfds/watercolour"
    config.loss_weights.ink = 600.0
    config.train.steps = 6_000
    return base.variant(config, arg, longer=_longer)


def _longer(config: ml_collections.ConfigDict) -> None:
    lite.longer(config, consistency=20.0)
    config.loss_weights.ink = 2400.0
