r"""The shipped cartoon network `lite`: a U-Net of 0.46 M parameters that draws in layers, for CPUs.

    python -m pix2pix_flax.main --config=configs/lite.py --workdir=runs/first
    python -m pix2pix_flax.main --config=configs/lite.py:steady --workdir=runs/lite \
        --config.init_from=runs/first

The first training, about an hour on two CPU cores, draws already. The second one, `:steady`, has
losses that make films steadier and whites whiter; they were not tried from the first step on. The
parts of the shipped network's training, photographs and scores are in docs/weights.md.
"""

import ml_collections

from configs import base, default


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = default.get_config("supervised")
    config.unlock()
    config.generator.depth = 4
    config.generator.width, config.generator.fine_width = 20, 8
    config.loss_weights.ink = 2400.0
    config.loss_weights.lpips = 60.0
    config.perceptual.net = "alexnet"
    config.loss_weights.consistency = 100.0
    config.consistency.noise = 0.03
    config.optimizer.learning_rate = 1e-3
    config.optimizer.decay_start = 0.2
    config.sizes.crop = 64
    config.train.steps = 16_000
    config.train.eval_every_steps = 1_000
    config.train.eval_examples = 64
    config.evaluation.lpips = True
    return base.variant(config, arg, steady=_steady, **default.STYLES)


def longer(config: ml_collections.ConfigDict, consistency: float) -> None:
    """Turns the first training of another style into the one that comes after it.

    Args:
      config: of `sketch`, `watercolour` or `poster`, unlocked.
      consistency: weight of the loss that makes films steady, and strokes paler.
    """
    config.loss_weights.lpips = 130.0
    config.loss_weights.consistency = consistency
    config.optimizer.learning_rate = 5e-4
    config.train.steps = 7_000


def _steady(config: ml_collections.ConfigDict) -> None:
    """Turns the configuration into the training that comes after it."""
    config.loss_weights.consistency = 400.0
    config.loss_weights.ink = 3200.0
    config.loss_weights.white = 1200.0
    config.loss_weights.lpips = 90.0
    config.consistency.noise = 0.06
    config.optimizer.learning_rate = 4e-4
    config.train.steps = 5_000
