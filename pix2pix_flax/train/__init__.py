"""The only training loop."""

from pix2pix_flax.train.loop import train
from pix2pix_flax.train.plan import make_plan
from pix2pix_flax.train.trainer import Trainer

__all__ = ["Trainer", "make_plan", "train"]
