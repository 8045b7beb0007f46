"""Colours for grey comics: from the lightness of a panel to its colours, with GAN + L1.

Made for panels whose short side is 256 pixels:
`python -m cartoon_tfds --images=PAGES --panels --size=256 --name=comics`. docs/comics.md has more.
"""

import ml_collections

from configs import default


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = default.get_config()
    config.unlock()
    config.task = "colourisation"
    # Short side in pixels at which G looks at larger pictures, here that of the panels in training;
    # 0: at every picture as it is.
    config.colourisation = ml_collections.ConfigDict({"predict_size": 256})
    config.generator.out_channels = 2  # a and b
    config.data.name = "cartoon_tfds/comics"
    config.data.features = ("image",)
    config.train.best_metric = "ab_mae"
    return default.variant(config, arg)
