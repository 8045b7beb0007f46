"""SRResNet x4 with the recipe of Ledig et al. 2017 (arXiv:1609.04802, section 3.2), on DIV2K.

    tfds build div2k/bicubic_x4 --file_format=array_record
    python -m pix2pix_flax.main --config=configs/srresnet.py --workdir=runs/srresnet

For your own photographs: `python -m cartoon_tfds --images=DIR --name=photos`, and here
`--config.data.name=cartoon_tfds/photos --config.data.features="('image',)"`. Written for a GPU; its
time at full size is not measured. A narrow network after 2,189 steps on a CPU has 29.7 dB on Set5
and 26.9 dB on Set14, bicubic 28.4 and 26.1 dB (benchmarks/RESULTS.md).
"""

import ml_collections

from configs import base


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = base.get_config()
    base.add_translation(config)
    config.task = "super_resolution"
    config.generator = ml_collections.ConfigDict(
        {
            "name": "srresnet",
            "blocks": 16,  # exact tiles need a halo of 8 + 2 * blocks pixels
            "width": 64,
            "out_channels": 3,
            "norm": "batch",
            "scale": 4,  # or 2, or 8
            "unit_range": False,  # whether levels are in [0, 1] within the network
            "kernel_init": "normal",
        }
    )
    # How the training makes small pictures: clean (bicubic), light (some blur, noise and JPEG) or
    # real (Real-ESRGAN's two rounds of blur, resizing, noise and JPEG).
    config.degradation = "clean"
    config.loss_weights.l1, config.loss_weights.l2 = 0.0, 1.0
    config.optimizer.learning_rate = 1e-4
    config.optimizer.schedule = "constant"
    config.optimizer.b1 = 0.9
    config.sizes.crop = 96  # of the large picture
    config.augment.rotate = True
    config.data.name = "div2k/bicubic_x4"  # of which the large pictures alone are read
    config.data.features = ("hr",)
    config.sizes.canvas = 96
    config.train.batch_size = 16
    config.train.steps = 1_000_000
    config.train.eval_every_steps = 10_000
    config.train.eval_examples = 16
    config.sizes.validation_crop = 480  # a batch of DIV2K's 2K pictures would take tens of GB
    config.train.best_metric = "psnr_y"
    return base.variant(config, arg)
