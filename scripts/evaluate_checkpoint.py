"""Scores a checkpoint and control rows on a split of a dataset.

    python scripts/evaluate_checkpoint.py --checkpoint=DIR --split=test --output=FILE.json

`--help` lists the flags.
"""

from pix2pix_flax.cli import command, evaluate_checkpoint

if __name__ == "__main__":
    command.run_module(evaluate_checkpoint)
