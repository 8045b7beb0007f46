"""SRGAN-VGG54 x4 (Ledig et al. 2017, arXiv:1609.04802, section 3.2), from a trained SRResNet.

`--config.init_from=RUN` names it: from scratch a GAN finds no way to pictures. Where the paper has
VGG19 and 1/12.75, here are VGG16, the weights of which are at hand, and a weight from the data: at
first the term is worth as much as the mean squared error.
"""

import ml_collections

from configs import base, srresnet


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = srresnet.get_config()
    config.unlock()
    base.add_adversary(config)
    config.discriminator = ml_collections.ConfigDict(
        {"name": "srgan", "depth": 4, "width": 64, "norm": "batch", "kernel_init": "normal"}
    )
    config.gan.conditional = False
    config.loss_weights.gan, config.loss_weights.l2, config.loss_weights.perceptual = 1e-3, 0.0, 1.0
    config.perceptual.layers = (0.0, 0.0, 0.0, 0.0, 1.0)  # relu5_3
    config.perceptual.distance = "l2"
    config.optimizer.schedule = "step"  # 1e-4, then 1e-5
    config.optimizer.step_every = 0.5
    config.evaluation.lpips = True
    config.train.steps = 200_000
    config.train.eval_every_steps = 5_000
    config.train.best_metric = "lpips"
    return base.variant(config, arg)
