"""What `make demo` trains: a narrow network on small crops, minutes on two CPU cores."""

import ml_collections

from configs import default


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = default.get_config()
    config.unlock()
    config.generator.width = 16
    config.discriminator.width = 16
    config.optimizer.learning_rate = 1e-3
    config.ema_decay = 0.99
    config.augment.crop_size = 128
    config.train.steps = 1_000
    config.train.log_every_steps = 25
    config.train.eval_every_steps = 250
    config.train.eval_examples = 16
    return default.variant(config, arg)
