"""What is learned. A new objective is a module in here, a line in `make_task` and a config."""

from pix2pix_flax.tasks.base import Task
from pix2pix_flax.tasks.factory import make_task

__all__ = ["Task", "make_task"]
