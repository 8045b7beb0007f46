r"""The cartoon network `mid`: `lite` with twice the channels, 1.84 M parameters.

    python -m pix2pix_flax.main --config=configs/mid.py --workdir=runs/first
    python -m pix2pix_flax.main --config=configs/mid.py:longer --workdir=runs/mid \
        --config.init_from=runs/first

Training begins with the shipped `lite`, which grows: the trained channels are copied, and the new
ones are not seen at first (`pix2pix_flax/pretrained/growth.py`). So the first step draws already.
The second training, `:longer`, goes on with smaller steps, more LPIPS and steadier films; the
shipped network was made in four trainings (docs/weights.md).
"""

import ml_collections

from configs import base, lite


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = lite.get_config("steady")
    config.unlock()
    config.init_from = "lite"
    config.generator.width, config.generator.fine_width = 40, 16
    config.optimizer.learning_rate = 6e-4
    config.train.steps = 9_000
    return base.variant(config, arg, longer=_longer)


def _longer(config: ml_collections.ConfigDict) -> None:
    """Turns the configuration into the training that comes after it."""
    config.loss_weights.lpips = 130.0
    config.loss_weights.consistency = 700.0
    config.optimizer.learning_rate = 4e-4
    config.train.steps = 6_000
