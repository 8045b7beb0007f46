"""Colours for grey comics: from the lightness of a panel to its colours, with GAN + L1.

    python -m cartoon_tfds --images=PAGES --panels --size=256 --name=comics
    python -m pix2pix_flax.main --config=configs/comics.py --workdir=runs/comics

Eight minutes on two busy CPU cores with the narrow network of docs/comics.md: ab error 15.9, where
the grey panel has 19.4. At full size it is not measured.
"""

import ml_collections

from configs import base


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = base.pix2pix()
    config.task = "colourisation"
    config.sizes.inference = 256  # the short side of the panels in training
    config.generator.out_channels = 2  # a and b
    # Colour hints in training: squares of the true colours, as many as a geometric distribution
    # says, none in an eighth of the panels. At inference hints are optional: `--hints`.
    config.hints = ml_collections.ConfigDict(
        {
            "max_points": 64,  # in a panel; 0: a network without hints
            "max_patch": 9,  # largest side of a square, in pixels
        }
    )
    config.data.name = "cartoon_tfds/comics"
    config.data.features = ("image",)
    config.train.best_metric = "ab_mae"
    return base.variant(config, arg)
