"""All styles in one network: its input says which style to draw, at inference `--style`.

    python -m cartoon_tfds --photos=DIR --style=all --name=styles
    python -m pix2pix_flax.main --config=configs/styles.py --workdir=runs/styles

Nine minutes on two CPU cores with width 24 and the flags in benchmarks/RESULTS.md, which has the
scores by style; at full size it is not measured.
"""

import ml_collections

from configs import base


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = base.pix2pix()
    config.styled = ml_collections.ConfigDict({"style": "ink"})  # drawn unless --style names one
    config.data.name = "cartoon_tfds/styles"
    config.data.styles = (
        "ink",
        "watercolour",
        "sketch",
        "poster",
        "opencv",
        "classic",
    )
    return base.variant(config, arg)
