"""The only training loop."""

from pix2pix_flax.train.loop import Trainer, train

__all__ = ["Trainer", "train"]
