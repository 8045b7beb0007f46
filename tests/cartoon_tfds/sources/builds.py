"""Builds of the files in a folder, and the files that were named or left out."""

import json
from pathlib import Path

from cartoon_tfds.build import build
from cartoon_tfds.cartoon_tfds_dataset_builder import BuildOptions, CartoonConfig
from cartoon_tfds.recipes.pictures import Pictures
from cartoon_tfds.sources.base import Local


def build_folder(source, data_dir, recipe=None, *, skip_bad=False):
    config = CartoonConfig(
        name="mixed", description="Mixed.", origin=Local(source), recipe=recipe or Pictures()
    )
    options = BuildOptions(skip_bad=skip_bad)
    return build(config, data_dir, overwrite=False, options=options)


def examples_by_id(builder):
    """Returns the examples of all splits, decoded, by id."""
    result = {}
    for split in builder.info.splits:
        for example in builder.as_data_source(split):
            result.setdefault(example["id"].decode(), []).append(example)
    return result


def only(examples):
    (example,) = examples
    return example


def listed_causes(error):
    """Returns what an error lists: the causes by name; checks what it says before and after."""
    first, *lines, last = str(error.value).splitlines()
    assert first.startswith(f"{len(lines)} of ")
    assert first.endswith(" photographs cannot be used:")
    assert "--skip_bad" in last
    return dict(line.strip().split(": ", 1) for line in lines)


def skipped_json(builder):
    return json.loads((Path(builder.data_path) / "skipped.json").read_text(encoding="utf-8"))


def assert_causes(found, expected):
    assert found.keys() == expected.keys()
    for name, cause in expected.items():
        assert found[name].startswith(cause), name
