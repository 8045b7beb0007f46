"""Refuses to go on with a run whose networks compute something else now."""

import json
from collections.abc import Mapping
from typing import Any

from cartoon_tfds.errors import UserError
from pix2pix_flax.checkpoint import migrations
from pix2pix_flax.data.order import changed_settings

_GROUPS = ("generator", "discriminator")
_FREE = ("dropout", "kernel_init", "remat")  # of later steps, or without an effect on the results


def check_networks(run: Mapping[str, Any], config) -> None:
    """Raises a UserError if a run was saved with other settings of its networks.

    Their arrays may be equal: a drawing in 6 tones and one in 100 come from the same arrays.

    Args:
      run: the values for JSON in a checkpoint of any version.
      config: the whole configuration.
    """
    saved = json.loads(migrations.complete(run["config"]).to_json())
    names = [
        f"{group}.{name}"
        for group in _GROUPS
        for name in config.get(group, {})
        if name not in _FREE
    ]
    if changed := changed_settings(saved, config, names):
        raise UserError(
            f"This run cannot be resumed, for its networks are others now: {changed}. "
            "Set them as before, or take a new --workdir."
        )
