"""The work that `benchmarks.growth` measures, in small."""

import json

import pytest

from benchmarks.growth_subjects import SUBJECTS


@pytest.mark.parametrize("kind", ["photographs", "records", "frames"])
def test_the_work_has_its_size(kind, tmp_path):
    prepare, _ = SUBJECTS[kind]
    work = prepare(50, tmp_path)
    found = work()
    if kind == "frames":
        assert found.frames == 50
        return
    if kind == "photographs":
        description = found / "dataset_info.json"
    else:
        (description,) = tmp_path.rglob("dataset_info.json")
    splits = json.loads(description.read_text())["splits"]
    counts = {split["name"]: sum(map(int, split["shardLengths"])) for split in splits}
    assert sum(counts.values()) == 50 if kind == "photographs" else counts["train"] == 50
