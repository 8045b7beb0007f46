"""The cartoon training: photo -> cartoon with GAN + L1, and a moving average of the generator.

    python -m cartoon_tfds --config=public
    python -m pix2pix_flax.main --config=configs/default.py --workdir=runs/cartoon

The network draws in layers: flat paint in few tones, and ink above (pix2pix_flax/models/cel.py). A
U-Net of 12.4 M parameters for a GPU; its time at full size is not measured. configs/demo.py is
the same recipe for CPUs; configs/lite.py has no discriminator, but more losses.

`configs/default.py:supervised` leaves the discriminator out, and `configs/default.py:smoke` shrinks
all sizes to seconds; both work with every file of this folder. `default`, `demo`, `lite` and
`steady` draw as the style `ink` is drawn. For another style, write its name after the colon, as in
`configs/demo.py:watercolour`, and `pairs` for drawings of your own.
"""

import ml_collections

from configs import base


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    config = base.pix2pix()
    config.generator.fine_width = 32
    config.generator.cel_steps = 6  # as many as the style `ink` has
    # Lines cover few pixels, which L1 hardly counts.
    config.loss_weights.ink, config.loss_weights.gradient = 600.0, 200.0
    # A line has one width in pixels, so larger pictures are drawn at a part of their size.
    config.sizes.inference = 512
    return base.variant(config, arg, **STYLES)


def _watercolour(config: ml_collections.ConfigDict) -> None:
    config.generator.cel_steps = 100  # so its tones are as soft as the washes of the style


def _poster(config: ml_collections.ConfigDict) -> None:
    config.generator.cel_steps = 5  # as many as the style has
    config.generator.cel_print = True
    config.loss_weights.ink = 0.0  # it has no lines


def _rgb(config: ml_collections.ConfigDict) -> None:
    """Turns the drawing in layers, whose colours are those of the photograph, into plain RGB."""
    config.generator.cel_steps = 0
    config.loss_weights.ink = 0.0  # strokes may be lighter than the photograph


def _pairs(config: ml_collections.ConfigDict) -> None:
    _rgb(config)
    config.data.features = ("input", "target")  # as `--pairs` of cartoon_tfds names them


STYLES = {"watercolour": _watercolour, "poster": _poster, "pairs": _pairs} | dict.fromkeys(
    ("sketch", "opencv", "classic"), _rgb
)
"""Variants of a configuration for other styles than `ink`, by the words of `base.variant`."""
