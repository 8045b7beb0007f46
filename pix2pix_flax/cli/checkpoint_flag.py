"""The flag --checkpoint, which all scripts that load a trained network share."""

from absl import flags

from pix2pix_flax.cli.paths import PATH

CHECKPOINT = flags.DEFINE(
    PATH,
    "checkpoint",
    None,
    "A training run (its best step, else its latest), one of its steps, a .safetensors file, or "
    "the name of a generator that is shipped with the package, e.g. lite or lite_x4_real. "
    "cartoonize, images and video also take opencv:STYLE, a style without a network.",
)
