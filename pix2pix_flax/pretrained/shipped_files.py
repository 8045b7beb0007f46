"""The generators that are shipped with this package. This module does not import JAX."""

import json
from pathlib import Path

import ml_collections
import safetensors

from pix2pix_flax.checkpoint import migrations

METADATA = "pix2pix_flax.config"
"""Key of the configuration, as JSON, in the metadata of an exported file."""

FOLDER = Path(__file__).with_name("shipped")

SHIPPED = tuple(sorted(file.stem for file in FOLDER.glob("*.safetensors")))
"""Names of the shipped generators; docs/weights.md has their scores."""


def shipped_file(checkpoint: str | Path) -> Path | None:
    """Returns the file of a shipped generator; None: it is no name of one, or a path has it."""
    is_shipped = str(checkpoint) in SHIPPED and not Path(checkpoint).expanduser().exists()
    return FOLDER / f"{checkpoint}.safetensors" if is_shipped else None


def read_config(path: Path) -> ml_collections.ConfigDict:
    """Returns the configuration in a shipped file, in the layout of today."""
    with safetensors.safe_open(path, framework="numpy") as file:
        return migrations.complete(json.loads(file.metadata()[METADATA]))
