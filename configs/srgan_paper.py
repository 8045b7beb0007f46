r"""SRGAN-VGG54 x4 to the letter (Ledig et al. 2017, arXiv:1609.04802, section 3), on DIV2K.

    python -m pix2pix_flax.main --config=configs/srgan_paper.py --workdir=runs/srgan_paper \
        --config.init_from=runs/srresnet --config.perceptual.vgg19_file=vgg19-dcbb9e9d.pth

VGG19's relu5_4 with its maps times 1/12.75, and 16 blocks, from `configs/srresnet.py`. The paper's
factor fits Keras's file, whose levels are those of the authors' Caffe network; with torchvision's,
the term is several times smaller (docs/super_resolution.md). Deviations: DIV2K in place of 350,000
photographs of ImageNet (`--config.data.name=coco/2017 --config.data.features="('image',)"` for
COCO), small pictures in [-1, 1], and no biases before BatchNorm. Written for a GPU; not measured.
"""

import ml_collections

from configs import base, srgan


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = srgan.get_config()
    config.unlock()
    config.loss_weights.gan, config.loss_weights.perceptual = 1e-3, 1.0
    config.perceptual.net, config.perceptual.map_scale = "vgg19", 1 / 12.75
    config.ema_decay = 0.0  # the paper keeps no average
    config.augment.flip = config.augment.rotate = False
    config.evaluation.lpips = False
    config.train.best_metric = "psnr_y"
    return base.variant(config, arg)
