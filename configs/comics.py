"""Colours for grey comics: from the lightness of a panel to its colours, with GAN + L1.

Made for panels whose short side is 256 pixels:
`python -m cartoon_tfds --images=PAGES --panels --size=256 --name=comics`. docs/comics.md has more.
"""

import ml_collections

from configs import base, default


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = default.get_config()
    config.unlock()
    config.task = "colourisation"
    config.sizes.inference = 256  # the short side of the panels in training
    config.generator.out_channels = 2  # a and b
    config.data.name = "cartoon_tfds/comics"
    config.data.features = ("image",)
    config.train.best_metric = "ab_mae"
    return base.variant(config, arg)
