r"""A cartoon network of the size of `lite` for the style `poster`, for CPUs.

    python -m cartoon_tfds --photos=DIR --style=poster --name=poster --views_per_photo=32
    python -m pix2pix_flax.main --config=configs/poster.py --workdir=runs/first
    python -m pix2pix_flax.main --config=configs/poster.py:longer --workdir=runs/poster \
        --config.init_from=runs/first

Drawn in layers like `lite`; its shadows are printed in navy, and its lights are the cream of the
paper. The second training, `:longer`, has more LPIPS, and more weight on steady films. Photographs,
time and scores in docs/weights.md.
"""

import ml_collections

from configs import base, lite


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = lite.get_config("poster")
    config.unlock()
    config.data.name = "cartoon_tfds/poster"
    config.train.steps = 8_000
    return base.variant(config, arg, longer=_longer)


def _longer(config: ml_collections.ConfigDict) -> None:
    lite.longer(config, consistency=200.0)
