"""Scores of super-resolution, as its papers give them (Ledig et al. 2017, arXiv:1609.04802)."""

import dataclasses

import jax

from pix2pix_flax import metrics
from pix2pix_flax.image.normalize import denormalize, normalize
from pix2pix_flax.tasks.scores import ImageScores
from pix2pix_flax.typing import Batch, Metrics, PyTree


@dataclasses.dataclass(frozen=True)
class SuperResolutionScores(ImageScores):
    """Scores of images, PSNR and SSIM without the border, and the same of luma.

    Attributes:
      scale: size of the target divided by the size of the input; the border has as many pixels.
    """

    scale: int

    def score(self, output: jax.Array, batch: Batch, frozen: PyTree = ()) -> Metrics:
        """Returns `ImageScores.score`, with `psnr` and `ssim` taken without the border, [B] each.

        Two more scores, without the border as well: `psnr_y` and `ssim_y` of luma (ITU-R BT.601, 16
        to 235), which papers on super-resolution give. SSIM is the one of Wang et al. 2004; Ledig
        et al. use daala's, which is .01 to .04 higher.
        """
        border = slice(self.scale, -self.scale), slice(self.scale, -self.scale)
        images = normalize(denormalize(output)), normalize(batch["target"])
        inner = [image[:, *border] for image in images]
        luma = [metrics.luma(image) for image in inner]
        return super().score(output, batch, frozen) | {
            "psnr": metrics.psnr(*inner),
            "ssim": metrics.ssim(*inner),
            "psnr_y": metrics.psnr(*luma),
            "ssim_y": metrics.ssim(*luma),
        }
