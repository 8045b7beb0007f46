"""The only training loop."""

from pix2pix_flax.train.loop import Trainer, train
from pix2pix_flax.train.plan import make_plan

__all__ = ["Trainer", "make_plan", "train"]
