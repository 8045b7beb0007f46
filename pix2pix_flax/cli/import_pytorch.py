"""Imports a generator that PyTorch trained, of pix2pix, CycleGAN, ESRGAN or SRResNet.

    python scripts/import_pytorch.py --input=latest_net_G.pth --output=facades.safetensors
    python scripts/import_pytorch.py --input=RealESRGAN_x4plus.pth --output=x4plus.safetensors

PyTorch is not needed. docs/import.md lists the networks that can be imported.
"""

import importlib
from pathlib import Path

from absl import flags
from ml_collections import config_flags

from cartoon_tfds.errors import UserError
from pix2pix_flax.cli import config_files
from pix2pix_flax.cli.paths import PATH

REQUIRED = ("input", "output")
_INPUT = flags.DEFINE(
    PATH,
    "input",
    None,
    "State dict of the generator: *_net_G.pth, RealESRGAN_*.pth, or the same as safetensors.",
)
_OUTPUT = flags.DEFINE(PATH, "output", None, "File to write, ending in .safetensors.")
_PAPER_TEST = flags.DEFINE_bool(
    "paper_test",
    False,
    "Use the statistics of each test image in BatchNorm and keep dropout on, like that project's "
    "test.py without --eval. Such a network cannot be exported.",
)
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace the output if it exists.")
_CONFIG = config_flags.DEFINE_config_file(
    "config",
    None,
    "Config for the settings that a state dict does not hold, such as the dataset; else paper.",
)


def main(argv: list[str]) -> None:
    """Imports the state dict and writes the safetensors file."""
    del argv
    output = Path(_OUTPUT.value)
    if output.suffix != ".safetensors":
        raise UserError(f"--output={output} does not end in .safetensors")
    if output.exists() and not _OVERWRITE.value:
        raise UserError(f"{output} exists already (replace it with --overwrite)")
    # Imported here, so that a wrong flag fails at once, before JAX takes seconds to load.
    from cartoon_tfds.files import atomic_write
    from pix2pix_flax.pretrained.generator import to_safetensors
    from pix2pix_flax.pretrained.pytorch_import import import_generator

    config_files.folder()  # makes `configs` importable
    config = _CONFIG.value or importlib.import_module("configs.paper").get_config()
    generator = import_generator(_INPUT.value, config, paper_test=_PAPER_TEST.value)
    output.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(output) as partial:
        partial.write_bytes(to_safetensors(generator))
    network = generator.config.generator
    size = f"{network.depth} levels" if "depth" in network else f"{network.blocks} blocks"
    rest = f", norm {network.norm}" if "norm" in network else ""
    rest += f", x{network.scale}" if "scale" in network else ""
    print(f"{output}: {network.name} of {size}, width {network.width}{rest}")
