"""Linen networks by name."""

import dataclasses

import flax.linen as nn

from pix2pix_flax.models.dcgan import DCGANDiscriminator, DCGANGenerator
from pix2pix_flax.models.patch_discriminator import PatchDiscriminator
from pix2pix_flax.models.resnet_generator import ResnetGenerator
from pix2pix_flax.models.rrdb import RRDBNet
from pix2pix_flax.models.srgan_discriminator import SRGANDiscriminator
from pix2pix_flax.models.srresnet import SRResNet
from pix2pix_flax.models.unet import Unet

GENERATORS = {
    "unet": Unet,
    "resnet": ResnetGenerator,
    "srresnet": SRResNet,
    "rrdb": RRDBNet,
    "dcgan": DCGANGenerator,
}
DISCRIMINATORS = {
    "patch": PatchDiscriminator,
    "srgan": SRGANDiscriminator,
    "dcgan": DCGANDiscriminator,
}
DTYPES = ("float32", "bfloat16")


def _make(kinds: dict[str, type[nn.Module]], field: str, config, dtype: str) -> nn.Module:
    arguments = config.to_dict()
    name = arguments.pop("name")
    if name not in kinds:
        raise ValueError(f"config.{field}.name must be one of {', '.join(kinds)}, not {name!r}.")
    if dtype not in DTYPES:
        raise ValueError(f"config.dtype must be one of {', '.join(DTYPES)}, not {dtype!r}.")
    keys = _keys(kinds[name])
    if arguments.keys() != keys:
        raise ValueError(
            f"config.{field} of a {name} has the keys {', '.join(sorted(keys))}, "
            f"not {', '.join(sorted(arguments))}."
        )
    return kinds[name](kernel_init=arguments.pop("init"), **arguments, dtype=dtype)


def _keys(kind: type[nn.Module]) -> set[str]:
    """Returns the keys that describe a network: its attributes, and `init` for `kernel_init`."""
    attributes = {field.name for field in dataclasses.fields(kind)}
    # `init` is a method of all linen modules; whether there are logits, a task knows.
    return attributes - {"parent", "name", "dtype", "kernel_init", "logits"} | {"init"}


def make_generator(config, dtype: str) -> nn.Module:
    """Makes the network of `config.generator`.

    Args:
      config: its `name`, `init` as its `kernel_init`, and its attributes as the other keys.
      dtype: of its computation.

    Raises:
      ValueError: naming the field that has no such choice, or the keys of this network.
    """
    return _make(GENERATORS, "generator", config, dtype)


def make_discriminator(config, dtype: str) -> nn.Module:
    """Makes the network of `config.discriminator`, in the same way."""
    return _make(DISCRIMINATORS, "discriminator", config, dtype)
