r"""SRGAN-VGG54 x4 (Ledig et al. 2017, arXiv:1609.04802, section 3.2), from a trained SRResNet.

    python -m pix2pix_flax.main --config=configs/srgan.py --workdir=runs/srgan \
        --config.init_from=runs/srresnet

From random weights such a GAN does not converge. The paper has VGG19 and the weight 1/12.75; here
is VGG16, whose weights are installed with the extra `lpips`, and a weight calibrated on the data:
at first the term is worth as much as the mean squared error. Written for a GPU; its time at full
size is not measured. A narrow network after 600 steps on a CPU has LPIPS .18 on Set5 and .25 on
Set14, its SRResNet .28 and .40, bicubic .34 and .44 (benchmarks/RESULTS.md).
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
