"""Linen networks by name. Images are NHWC; networks compute in `dtype`, parameters are float32."""

import flax.linen as nn

from pix2pix_flax.models.patch_discriminator import PatchDiscriminator
from pix2pix_flax.models.unet import Unet

GENERATORS = {"unet": Unet}
DISCRIMINATORS = {"patch": PatchDiscriminator}
DTYPES = ("float32", "bfloat16")


def _make(kinds: dict[str, type[nn.Module]], field: str, config, dtype: str) -> nn.Module:
    arguments = config.to_dict()
    name = arguments.pop("name")
    if name not in kinds:
        raise ValueError(f"config.{field}.name must be one of {', '.join(kinds)}, not {name!r}.")
    if dtype not in DTYPES:
        raise ValueError(f"config.dtype must be one of {', '.join(DTYPES)}, not {dtype!r}.")
    return kinds[name](**arguments, dtype=dtype)


def make_generator(config, dtype: str) -> nn.Module:
    """Makes the network of `config.generator`: its `name`, and its attributes as the other keys."""
    return _make(GENERATORS, "generator", config, dtype)


def make_discriminator(config, dtype: str) -> nn.Module:
    """Makes the network of `config.discriminator`, in the same way."""
    return _make(DISCRIMINATORS, "discriminator", config, dtype)
