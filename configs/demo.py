"""What `make demo` trains: a narrow network, minutes on two CPU cores.

Small crops and a fast decay of a high learning rate: in so little time many steps on few pixels
learn more than few steps on many.
"""

import ml_collections

from configs import base, default


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = default.get_config()
    config.unlock()
    config.data.name = "cartoon_tfds/sample"
    config.generator.width = 24
    config.discriminator.width = 16
    config.optimizer.learning_rate = 2e-3
    config.optimizer.decay_start = 0.2
    config.ema_decay = 0.99
    config.sizes.crop = 64
    config.train.steps = 3_000
    config.train.eval_every_steps = 1_000
    config.train.eval_examples = 32
    return base.variant(config, arg)
