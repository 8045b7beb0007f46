"""Small networks whose tiles the tests compare, and the photographs for them."""

import flax.linen as nn
import jax
import numpy as np
import skimage.data

from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.inference.predictor import Predictor
from pix2pix_flax.models.unet import Unet

# On a CPU, XLA may order the sums of a convolution differently for other shapes, so the floats of
# a tile and of the whole picture may differ in their last bits: in [-1, 1] by 1.2e-7 after few
# layers, and by 3.2e-6 after the layers of a U-Net of depth 5. A grey level is 8e-3.
ROUNDING = 1e-5

COFFEE = np.tile(skimage.data.coffee(), (2, 2, 1))


def photograph(height, width, top=100):
    return COFFEE[np.newaxis, top : top + height, 50 : 50 + width]


def lively(variables, inner=1.0):
    """Returns random variables with which a network's output varies over its whole range."""
    rng = np.random.default_rng(0)

    def draw(path, leaf):
        name = jax.tree_util.keystr(path)
        noise = rng.standard_normal(leaf.shape).astype(np.float32)
        if leaf.ndim > 1:
            gain = inner if "down0" not in name and "up0" not in name else 1.5
            return gain * noise / np.sqrt(np.prod(leaf.shape[:-1]))
        return 1 + 0.2 * np.abs(noise) if "scale" in name or "var" in name else 0.2 * noise

    return jax.tree_util.tree_map_with_path(draw, variables)


def tiny_unet(depth, upsample="resize", norm="batch", inner=1.5, settings=(), **call):
    module = Unet(depth, 8, 3, norm, upsample, dropout=0.5 * bool(call), **dict(settings))
    sample = np.zeros((1, 2**depth, 2**depth, 3), np.float32)
    variables = lively(module.init(jax.random.key(0), sample, train=False), inner)

    def forward(variables, images):
        call_with = {"train": False, **call}
        output = module.apply(variables, normalize(images), **call_with)
        return output[0] if "mutable" in call else output

    return Predictor(forward, variables, module.stride)


class Doubler(nn.Module):
    """Six 3x3 convolutions and a pixel shuffle: stride 1, scale 2, exact halo 6."""

    @nn.compact
    def __call__(self, x):
        for _ in range(5):
            x = x + 0.5 * nn.Conv(4, (3, 3))(nn.relu(nn.Conv(4, (1, 1))(x)))
        batch, height, width, _ = x.shape
        x = nn.Conv(12, (3, 3))(x).reshape(batch, height, width, 2, 2, 3)
        return x.transpose(0, 1, 3, 2, 4, 5).reshape(batch, 2 * height, 2 * width, 3)


def tiny_doubler():
    module = Doubler()

    def forward(variables, images):
        x = normalize(images)
        return module.apply(variables, jax.numpy.concatenate([x, x[..., :1]], axis=-1))

    variables = module.init(jax.random.key(0), np.zeros((1, 8, 8, 4), np.float32))
    return Predictor(forward, variables, 1)
