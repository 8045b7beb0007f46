"""DCGAN (Radford et al. 2016, arXiv:1511.06434, section 4) on anime faces of 64x64 pixels,
mirrored at random.

    python -m cartoon_tfds --images=FACES --size=64 --name=anime
    python -m pix2pix_flax.main --config=configs/dcgan.py --workdir=runs/dcgan

FACES is a folder or an archive of pictures. Written for a GPU and 150 epochs; its time at full size
is not measured. With a learning rate of 1e-3, the Fréchet distance on VGG16 is 152 with width 16,
71 with width 32 and 57 with width 48 after 150 epochs of 4,026 faces, and 9 between real faces
(docs/anime.md).
"""

import ml_collections

from configs import base


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = base.get_config()
    config.task = "unconditional"
    config.unconditional = ml_collections.ConfigDict(
        {
            "latent_size": 100,
            "distances": True,  # compares sets by VGG16 (extra `lpips`) in validation
        }
    )
    config.generator = ml_collections.ConfigDict(
        {
            "name": "dcgan",
            "depth": 4,  # 4 * 2**depth pixels
            "width": 128,
            "out_channels": 3,
            "norm": "batch",
            "upsample": "transpose",
            "kernel_init": "normal",
        }
    )
    base.add_adversary(config)
    config.discriminator = ml_collections.ConfigDict(
        {
            "name": "dcgan",
            "depth": 4,
            "width": 128,
            "norm": "batch",
            "spectral_norm": False,
            "deviation_group": 0,
            "kernel_init": "normal",
        }
    )
    config.gan.conditional = False
    # Changes of real and generated images before the discriminator: colour, translation, cutout;
    # probability: that an image is changed at all, then by all of them.
    config.diff_augment = ml_collections.ConfigDict({"policy": (), "probability": 1.0})
    config.optimizer.schedule = "constant"
    config.ema_decay = 0.0
    config.sizes.canvas = config.sizes.crop = config.sizes.evaluation = 64
    config.data.name = "cartoon_tfds/anime"
    config.data.features = ("image",)
    config.data.canvas_mode = "resize"
    config.train.batch_size = 128
    config.train.epochs = 150.0
    config.train.eval_every_steps, config.train.eval_every_epochs = 0, 10.0
    config.train.preview_every_epochs = 5.0
    config.train.keep_every_epochs = 50.0
    config.train.eval_examples = 2_000
    config.train.best_metric = "vgg16_frechet"
    return base.variant(config, arg)
