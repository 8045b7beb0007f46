"""R3GAN (Huang et al. 2024, arXiv:2501.05441) on anime faces of 64x64 pixels.

    python -m cartoon_tfds --images=FACES --size=64 --name=anime
    python -m pix2pix_flax.main --config=configs/r3gan.py --workdir=runs/r3gan

Residual networks without norms, the relativistic loss, and gradient penalties at real and at
generated images, which make a step several times as long (benchmarks/RESULTS.md).
The authors move the penalties, Adam's b2 and the augmentation over the training; here they are
constant, near the middle of these ranges. For GPUs, on which time and scores are not measured: on
two CPU cores a step with width 16 and 4 pictures takes 0.52 s, a tenth of the time that XLA needs
for convolutions in groups (models/grouped_conv.py), but 150 epochs would still take a day.
"""

import ml_collections

from configs import anime, base


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = anime.get_config()
    config.unlock()
    config.unconditional.latent_size = 64
    networks = {"name": "r3gan", "depth": 4, "width": 384, "blocks": 2, "group_width": 16}
    config.generator = ml_collections.ConfigDict({**networks, "out_channels": 3})
    config.discriminator = ml_collections.ConfigDict(networks)
    config.gan.loss = "relativistic"
    # Twice the authors' gamma, for both halves of D's loss are equal: 0.5, they have 2 to 0.2.
    config.gan.r1 = config.gan.r2 = 1.0
    config.optimizer.schedule = "cosine"
    config.optimizer.decay_start = 0.0
    config.optimizer.b1, config.optimizer.b2 = 0.0, 0.99
    config.ema_decay = 0.999
    return base.variant(config, arg)
