"""Linen networks by name."""

import dataclasses

import flax.linen as nn

from cartoon_tfds.errors import UserError, choose
from pix2pix_flax.models.compact import Compact
from pix2pix_flax.models.dcgan import DCGANDiscriminator, DCGANGenerator
from pix2pix_flax.models.patch_discriminator import PatchDiscriminator
from pix2pix_flax.models.r3gan import R3GANDiscriminator, R3GANGenerator
from pix2pix_flax.models.resnet_generator import ResnetGenerator
from pix2pix_flax.models.rrdb import RRDBNet
from pix2pix_flax.models.span import Span
from pix2pix_flax.models.srgan_discriminator import SRGANDiscriminator
from pix2pix_flax.models.srresnet import SRResNet
from pix2pix_flax.models.unet import Unet

GENERATORS = {
    "unet": Unet,
    "resnet": ResnetGenerator,
    "srresnet": SRResNet,
    "rrdb": RRDBNet,
    "compact": Compact,
    "span": Span,
    "dcgan": DCGANGenerator,
    "r3gan": R3GANGenerator,
}
DISCRIMINATORS = {
    "patch": PatchDiscriminator,
    "srgan": SRGANDiscriminator,
    "dcgan": DCGANDiscriminator,
    "r3gan": R3GANDiscriminator,
}
DTYPES = ("float32", "bfloat16")


_NOT_IN_CONFIG = {"parent", "name", "dtype", "logits", "enlarge"}
"""Attributes of networks that are not keys of a config; the task sets the last two."""


def make_generator(config, dtype: str) -> nn.Module:
    """Makes the network of `config.generator`.

    Args:
      config: `name`, a key of `GENERATORS`, and the attributes of this network.
      dtype: dtype of the computation, one of `DTYPES`.

    Raises:
      UserError: if a value is unknown, or `config` has other keys than the network's attributes.
    """
    return _make(GENERATORS, "generator", config, dtype)


def make_discriminator(config, dtype: str) -> nn.Module:
    """Makes the network of `config.discriminator`.

    Args:
      config: `name`, a key of `DISCRIMINATORS`, and the attributes of this network.
      dtype: dtype of the computation, one of `DTYPES`.

    Raises:
      UserError: if a value is unknown, or `config` has other keys than the network's attributes.
    """
    return _make(DISCRIMINATORS, "discriminator", config, dtype)


def _make(kinds: dict[str, type[nn.Module]], field: str, config, dtype: str) -> nn.Module:
    arguments = config.to_dict()
    name = arguments.pop("name")
    kind = choose(kinds, f"config.{field}.name", name)
    if dtype not in DTYPES:
        raise UserError(f"config.dtype must be one of {', '.join(DTYPES)}, not {dtype!r}.")
    keys = {attribute.name for attribute in dataclasses.fields(kind)} - _NOT_IN_CONFIG
    if arguments.keys() != keys:
        raise UserError(
            f"config.{field} of a {name} has the keys {', '.join(sorted(keys))}, "
            f"not {', '.join(sorted(arguments))}."
        )
    return kind(**arguments, dtype=dtype)
