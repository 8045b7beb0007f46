"""All styles in one network: it is told which one to draw, in training and by `--style`.

Made for pairs of all styles: `python -m cartoon_tfds --photos=DIR --style=all --name=styles`.
"""

import ml_collections

from configs import default


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = default.get_config()
    config.unlock()
    config.task = "styled"
    config.styled = ml_collections.ConfigDict({"style": "ink"})  # where --style names none
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
    return default.variant(config, arg)
