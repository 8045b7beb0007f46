"""Configurations of older versions, translated for this version.

A checkpoint is read with the configuration that it holds. `complete` adds the keys that came later,
with the value of the older behaviour, and then translates the first layout of the keys (until
November 2026) into the layout of today. A new key needs a line here.
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
"""New keys of the first layout by group. A group that a configuration does not have stays away."""

_FIRST_NETWORKS = ("unet", "resnet", "patch")
"""Networks whose descriptions get new keys; later networks had all keys from their first day."""

_SUPERVISED = {
    "supervised": "translation",
    "segmentation": "segmentation",
    "super_resolution": "super_resolution",
}
_ADVERSARIAL = {
    "pix2pix": "translation",
    "styled": "translation",
    "colourisation": "colourisation",
    "adversarial_segmentation": "segmentation",
    "adversarial_super_resolution": "super_resolution",
    "unconditional": "unconditional",
}
"""Tasks of the first layout by the task of today: one name for the task and its step."""


_LATER_KEYS: dict[str, dict[str, Any]] = {
    # Of U-Nets.
    "generator": {"fine_width": 0, "residual": False, "cel_steps": 0, "cel_print": False},
    "loss_weights": {"ink": 0.0, "white": 0.0},  # of pairs
    "augment": {"min_scale": 1.0, "max_scale": 1.0, "light": 0.0},
    "segmentation": {"class_weights": "none"},
    "hints": {"max_points": 0, "max_patch": 9},  # of colourisation
    "data": {"max_damaged": 0, "cache": "none", "cache_gigabytes": 4.0},
    "perceptual": {"vgg19_file": "", "lpips_net": "", "rectified": True, "map_scale": 0.0},
    "train": {
        "eval_every_minutes": 0.0,
        "eval_every_epochs": 0.0,
        "preview_every_steps": 0,
        "preview_every_epochs": 0.0,
        "keep_every_steps": 0,
        "keep_every_epochs": 0.0,
    },
}
"""New keys of the layout of today by group."""

_LATER_OF_NETWORKS: dict[str, dict[str, dict[str, Any]]] = {
    "generator": {"srresnet": {"unit_range": False}, "rrdb": {"unit_range": False}},
    "discriminator": {"dcgan": {"deviation_group": 0}},
}
"""New keys of both networks by the name of their architecture."""

_LATER_VALUES: dict[str, Any] = {"distributed": False}
"""New keys of the layout of today outside the groups."""


def complete(values: dict[str, Any]) -> ml_collections.ConfigDict:
    """Returns a configuration with all keys of today, in the layout of today.

    Args:
      values: a configuration as any version wrote it. Values that it holds stay unchanged.
    """
    if "sizes" not in values:
        values = _translate(_complete_first_layout(values))
    is_new = {
        "generator": values.get("generator", {}).get("name") == "unet",
        "perceptual": "perceptual" in values,
        "loss_weights": "l1" in values.get("loss_weights", {}),
        "hints": values.get("task") == "colourisation",
        **{name: name in values for name in ("augment", "segmentation", "data", "train")},
    }
    for name, keys in _LATER_KEYS.items():
        if is_new[name]:
            values = {**values, name: {**keys, **values.get(name, {})}}
    for group, later in _LATER_OF_NETWORKS.items():
        if group in values:
            keys = later.get(values[group].get("name"), {})
            values = {**values, group: {**keys, **values[group]}}
    if values.get("task") == "super_resolution":
        values = {"degradation": "clean", **values}
    return ml_collections.ConfigDict(_LATER_VALUES | values)


def _complete_first_layout(values: dict[str, Any]) -> dict[str, Any]:
    values = {**_NEW_VALUES, **values}
    if "loss_weights" in values:  # tasks without came later
        values = {**copy.deepcopy(_NEW_OF_PAIRS), **values}
    for name, new in _NEW_KEYS.items():
        if name in values and not _is_later_network(name, values[name]):
            values[name] = {**new, **values[name]}
    return values


def _is_later_network(group: str, values: dict[str, Any]) -> bool:
    return group in ("generator", "discriminator") and values["name"] not in _FIRST_NETWORKS


def _translate(values: dict[str, Any]) -> dict[str, Any]:
    """Returns the first layout in the layout of today."""
    values = copy.deepcopy(values)
    task = values.pop("task")
    coding = {"segmentation": "logits", "adversarial_segmentation": "colours"}.get(task)
    weights = values.setdefault("loss_weights", {"gan": 1.0, "feature_matching": 0.0})
    if task in _SUPERVISED:
        for name in ("discriminator", "gan"):
            values.pop(name, None)
        for name in ("gan", "feature_matching"):
            weights.pop(name, None)
    values["task"] = (_SUPERVISED | _ADVERSARIAL)[task]
    if task == "unconditional":
        values["gan"]["conditional"] = False
    if "consistency" in values:
        weights["consistency"] = values["consistency"].pop("weight")
    reduced = values.pop("colourisation", {}) | values.pop("segmentation", {})
    if coding:
        values["segmentation"] = {"coding": coding}
    inference = values.pop("test", None)
    values["evaluation"] = {"lpips": inference.pop("lpips") if inference else False}
    if inference:
        values["inference"] = inference
    data, train = values["data"], values["train"]
    values["sizes"] = {
        "canvas": data.pop("canvas_size"),
        "crop": values["augment"].pop("crop_size"),
        "evaluation": data.pop("eval_size"),
        "validation_crop": train.pop("eval_crop"),
        "inference": reduced.get("predict_size", 0),
    }
    train.pop("best_is")
    for network in ("generator", "discriminator"):
        if network in values:
            values[network]["kernel_init"] = values[network].pop("init")
    return values
