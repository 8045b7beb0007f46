"""Imports a generator that pytorch-CycleGAN-and-pix2pix trained; PyTorch is not needed.

    python scripts/import_pytorch.py --input=latest_net_G.pth --output=facades.safetensors

`--help` lists the flags.
"""

from pix2pix_flax.cli import command, import_pytorch

if __name__ == "__main__":
    command.run_module(import_pytorch)
