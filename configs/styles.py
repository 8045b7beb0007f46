"""All styles in one network: its input says which style to draw, at inference `--style`.

Made for pairs of all styles: `python -m cartoon_tfds --photos=DIR --style=all --name=styles`.
"""

import ml_collections

from configs import base, default


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = default.get_config()
    config.unlock()
    config.styled = ml_collections.ConfigDict({"style": "ink"})  # drawn unless --style names one
    config.data.name = "cartoon_tfds/styles"
    config.data.styles = (
        "ink",
        "soft",
        "watercolour",
        "sketch",
        "poster",
        "opencv",
        "classic",
    )
    return base.variant(config, arg)
