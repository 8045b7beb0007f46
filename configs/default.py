"""The cartoon training: photo -> cartoon with GAN + L1, and a moving average of the generator.

    python -m cartoon_tfds --config=public
    python -m pix2pix_flax.main --config=configs/default.py --workdir=runs/cartoon

A U-Net of 12.5 M parameters for a GPU, which draws in layers of paint and ink (models/cel.py); its
time at full size is not measured. The same recipe with width 16, on crops of 64x64 pixels, takes
about ten minutes on two CPU cores: benchmarks/RESULTS.md, "Parts of the cartoon training".

`configs/default.py:supervised` leaves the discriminator out, and `configs/default.py:smoke` shrinks
all sizes to seconds; both work with every file of this folder.
"""

import ml_collections

from configs import base


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = base.pix2pix()
    # A drawing in layers, of as many tones as the style `ink` has (benchmarks/RESULTS.md).
    config.generator.fine_width, config.generator.cel_steps = 32, 6
    config.loss_weights.ink, config.loss_weights.gradient = 600.0, 200.0
    return base.variant(config, arg)
