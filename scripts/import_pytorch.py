"""Imports a generator that pytorch-CycleGAN-and-pix2pix trained; PyTorch is not needed.

    python scripts/import_pytorch.py --input=latest_net_G.pth --output=facades.safetensors

What can be imported is told in docs/import.md.
"""

from pathlib import Path

from absl import flags
from ml_collections import config_flags

from pix2pix_flax.cli import command

_INPUT = flags.DEFINE_string(
    "input", None, "A state dict, *_net_G.pth, or a safetensors file of it.", required=True
)
_OUTPUT = flags.DEFINE_string("output", None, "File that ends in .safetensors.", required=True)
_PAPER_TEST = flags.DEFINE_bool(
    "paper_test",
    False,
    "BatchNorm takes the statistics of each test image and dropout stays on, as that project's "
    "test.py does without --eval; such a network cannot be exported.",
)
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace the output if it is there already.")
_CONFIG = config_flags.DEFINE_config_file(
    "config",
    str(Path(__file__).resolve().parents[1] / "configs" / "default.py"),
    "What the file shall say of all that a state dict does not tell, such as the dataset.",
)


def main(argv: list[str]) -> None:
    """Imports what the flags name."""
    del argv
    output = Path(_OUTPUT.value).expanduser()
    if output.suffix != ".safetensors":
        raise ValueError(f"--output={output} does not end in .safetensors")
    if output.exists() and not _OVERWRITE.value:
        raise ValueError(f"{output} is there already (--overwrite replaces it)")
    # Imported here: a wrong flag is told at once, not after the seconds that JAX takes to load.
    from cartoon_tfds.files import appearing
    from pix2pix_flax.pretrained.generator import to_safetensors
    from pix2pix_flax.pretrained.pytorch_import import import_generator

    generator = import_generator(_INPUT.value, _CONFIG.value, paper_test=_PAPER_TEST.value)
    output.parent.mkdir(parents=True, exist_ok=True)
    with appearing(output) as partial:
        partial.write_bytes(to_safetensors(generator))
    network = generator.config.generator
    size = f"{network.depth} levels" if "depth" in network else f"{network.blocks} blocks"
    print(f"{output}: {network.name} of {size}, width {network.width}, norm {network.norm}")


if __name__ == "__main__":
    command.run(main)
