"""Configurations that older versions wrote, completed for this one.

A checkpoint is read with the configuration that lies in it. Keys that it could not have yet get the
value that says what was done before there was a choice. New keys need a line here.
"""

import copy
from typing import Any

import ml_collections

_NEW_VALUES: dict[str, Any] = {"init_from": None}
_NEW_OF_PAIRS: dict[str, Any] = {
    "input_channels": 3,
    "consistency": {"weight": 0.0, "max_shift": 4, "noise": 0.06},
    "gan": {"loss": "vanilla", "conditional": True, "r1": 0.0, "r2": 0.0},
    "perceptual": {"net": "vgg16", "layers": (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0), "distance": "l1"},
}
_NEW_KEYS: dict[str, dict[str, Any]] = {
    "loss_weights": {
        "feature_matching": 0.0,
        "l2": 0.0,
        "gradient": 0.0,
        "cross_entropy": 0.0,
        "perceptual": 0.0,
        "lpips": 0.0,
    },
    "gan": {"r2": 0.0},
    "perceptual": {"distance": "l1"},
    "test": {"lpips": False},
    "augment": {"rotate": False},
    "data": {"labels": "", "palette": (), "styles": ()},
    "generator": {"init": "normal", "remat": False},
    "discriminator": {"init": "normal", "spectral_norm": False, "scales": 1},
    "optimizer": {
        "name": "adam",
        "warmup": 0.0,
        "step_every": 0.25,
        "step_factor": 0.1,
        "weight_decay": 0.01,
        "max_grad_norm": 0.0,
        "accumulate_steps": 1,
    },
    "train": {
        "eval_crop": 0,
        "keep_every_minutes": 0.0,
        "preview_every_minutes": 0.0,
        "max_hours": 0.0,
        "max_rollbacks": 3,
    },
}
"""By group; in groups that a configuration does not have they have no place, ..."""
_FIRST_NETWORKS = ("unet", "resnet", "patch")
"""... nor in the description of a network that came later than these."""


def complete(values: dict[str, Any]) -> ml_collections.ConfigDict:
    """Returns a configuration with all keys of today.

    Args:
      values: as any version wrote it; what is in it stays as it is.
    """
    values = {**_NEW_VALUES, **values}
    if "loss_weights" in values:  # tasks without came later
        values = {**copy.deepcopy(_NEW_OF_PAIRS), **values}
    for name, new in _NEW_KEYS.items():
        if name in values and not _is_later_network(name, values[name]):
            values[name] = {**new, **values[name]}
    return ml_collections.ConfigDict(values)


def _is_later_network(group: str, values: dict[str, Any]) -> bool:
    return group in ("generator", "discriminator") and values["name"] not in _FIRST_NETWORKS
