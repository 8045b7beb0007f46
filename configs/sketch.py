r"""A cartoon network of the size of `lite` for the style `sketch`, for CPUs.

    python -m cartoon_tfds --photos=DIR --style=sketch --name=sketch --views_per_photo=32
    python -m pix2pix_flax.main --config=configs/sketch.py --workdir=runs/first
    python -m pix2pix_flax.main --config=configs/sketch.py:longer --workdir=runs/sketch \
        --config.init_from=runs/first

The second training, `:longer`, has more LPIPS, for darker and sharper strokes. Photographs, time
and scores in docs/weights.md.
"""

import ml_collections

from configs import base, lite


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = lite.get_config("sketch")
    config.unlock()
    config.data.name = "cartoon_tfds/sketch"
    config.train.steps = 8_000
    return base.variant(config, arg, longer=_longer)


def _longer(config: ml_collections.ConfigDict) -> None:
    lite.longer(config, consistency=20.0)
