"""A pix2pix training whose U-Net returns RGB: what tests of steps, tiles and reports train."""

from configs import base


def get_config(arg=""):
    return base.variant(base.pix2pix(), arg)
