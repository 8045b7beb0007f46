"""Larger pictures from small ones, with a GAN or without (Ledig et al. 2017, arXiv:1609.04802)."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from pix2pix_flax import metrics
from pix2pix_flax.image.normalize import denormalize, normalize
from pix2pix_flax.image.padding import reflect_border
from pix2pix_flax.image.resampling import imresize
from pix2pix_flax.steps.state import TrainState
from pix2pix_flax.tasks.paired import PairedTask
from pix2pix_flax.tasks.pix2pix import Pix2Pix
from pix2pix_flax.tasks.supervised import Supervised
from pix2pix_flax.typing import Batch, Metrics, PyTree


@dataclasses.dataclass(frozen=True, eq=False)
class SuperResolution(PairedTask):
    """From the reduced picture to the picture.

    Of an example the target alone is looked at: what is reduced is made of it, as published by
    MATLAB's bicubic `imresize`, in 8 bits.
    """

    border: ClassVar[int] = 4  # zeros beyond a picture spoil about three pixels

    @property
    def scale(self) -> int:
        """Size of what `predict` returns over that of its inputs."""
        return self.gen.net.module.scale

    def prepare(self, batch: Batch) -> Batch:
        """Returns `target`, cut to multiples of the scale at the bottom and right, and `input`."""
        height, width = (size // self.scale for size in batch["target"].shape[1:3])
        target = batch["target"][:, : self.scale * height, : self.scale * width]
        return {"input": imresize(target, height, width), "target": target}

    def generate(self, variables: PyTree, images: jax.Array) -> jax.Array:
        """Returns [B, sH, sW, C] of [B, H, W, C], which is continued by reflection on all sides."""
        shape, start = images.shape, self.scale * self.border
        output = super().generate(variables, reflect_border(images, self.border))
        for axis in (1, 2):
            stop = start + self.scale * shape[axis]
            output = jax.lax.slice_in_dim(output, start, stop, axis=axis)
        return output

    def score(self, output: jax.Array, batch: Batch, frozen: PyTree = ()) -> Metrics:
        """Returns what pairs are scored by, PSNR and SSIM without a border of `scale` pixels.

        Beside `PairedTask.score`, [B]: `psnr_y` and `ssim_y`, likewise, of the luma that papers on
        super-resolution give (ITU-R BT.601, 16 to 235). SSIM is that of Wang et al. 2004; Ledig et
        al. have daala's, which reads .01 to .04 higher.
        """
        border = slice(self.scale, -self.scale), slice(self.scale, -self.scale)
        pictures = normalize(denormalize(output)), normalize(batch["target"])
        inner = [images[:, *border] for images in pictures]
        luma = [metrics.luma(images) for images in inner]
        return super().score(output, batch, frozen) | {
            "psnr": metrics.psnr(*inner),
            "ssim": metrics.ssim(*inner),
            "psnr_y": metrics.psnr(*luma),
            "ssim_y": metrics.ssim(*luma),
        }

    def controls(self, batch: Batch) -> dict[str, jax.Array]:
        """Returns the input enlarged without a network, in [-1, 1]: `nearest` and `bicubic`."""
        images, (height, width) = batch["input"], batch["target"].shape[1:3]
        nearest = images.repeat(self.scale, axis=1).repeat(self.scale, axis=2)
        bicubic = imresize(images, height, width)
        return {"nearest": normalize(nearest), "bicubic": normalize(bicubic)}

    def visualize(self, state: TrainState, batch: Batch) -> dict[str, jax.Array]:
        """Returns `panel`, uint8 [B, H, 3W, 3]: low, in large pixels | output | high."""
        batch = self.prepare(batch)
        output = self.predict(state.generator.variables, batch["input"])
        low, output = map(denormalize, (self.controls(batch)["nearest"], output))
        return {"panel": jnp.concatenate([low, output, batch["target"]], axis=2)}


@dataclasses.dataclass(frozen=True, eq=False)
class SupervisedSuperResolution(SuperResolution, Supervised):
    """Reconstruction losses alone: with `l2`, SRResNet-MSE (equation 4)."""


@dataclasses.dataclass(frozen=True, eq=False)
class AdversarialSuperResolution(SuperResolution, Pix2Pix):
    """SRGAN: features of VGG and a discriminator that sees pictures by themselves (equation 3).

    What equation 3 calls the content loss is `perceptual` with the distance `l2`.
    """
