r"""The network of `lite_x4_real.py` for clean pictures, which bicubic interpolation has reduced.

    python -m cartoon_tfds --images=DIR --name=photos
    python -m pix2pix_flax.main --config=configs/lite_x4_clean.py:l1 --workdir=runs/first
    python -m pix2pix_flax.main --config=configs/lite_x4_clean.py --workdir=runs/lite_x4_clean \
        --config.init_from=runs/first

The successor of `lite_x4.py`: on Set5, 1 dB more and a lower LPIPS. Photographs, times and scores
of the shipped weights in docs/weights.md.
"""

import ml_collections

from configs import lite_x4_real


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = lite_x4_real.get_config(arg)
    config.unlock()
    config.degradation = "clean"
    return config.lock()
