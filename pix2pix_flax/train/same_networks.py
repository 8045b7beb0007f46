"""Refuses to go on with a run whose networks compute something else now."""

import json
from collections.abc import Mapping
from typing import Any

from cartoon_tfds.errors import UserError
from pix2pix_flax.checkpoint import migrations

_GROUPS = ("generator", "discriminator")
_FREE = ("dropout", "kernel_init", "remat")  # of later steps, or without an effect on the results


def check_networks(run: Mapping[str, Any], config) -> None:
    """Raises a UserError if a run was saved with other settings of its networks.

    Their arrays may be equal: a drawing in 6 tones and one in 100 come from the same arrays.

    Args:
      run: the values for JSON in a checkpoint of any version.
      config: the whole configuration.
    """
    before = migrations.complete(run["config"]).to_dict()
    now = json.loads(json.dumps(config.to_dict()))  # tuples are lists in JSON
    before = json.loads(json.dumps(before))
    changed = [
        f"config.{group}.{name} was {before[group][name]!r} and is {value!r}"
        for group in _GROUPS
        for name, value in now.get(group, {}).items()
        if name not in _FREE and before.get(group, {}).get(name, value) != value
    ]
    if changed:
        raise UserError(
            f"This run cannot be resumed, for its networks are others now: {'; '.join(changed)}. "
            "Set them as before, or take a new --workdir."
        )
