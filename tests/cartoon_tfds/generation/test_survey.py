"""Every photograph is looked at before the first is drawn: what is left out, and why."""

import dataclasses
import json

import pytest

from cartoon_tfds.generation.survey import Skipped, Survey, Used
from cartoon_tfds.recipes.cartoons import Cartoons
from cartoon_tfds.recipes.pairs import ReadyPairs
from cartoon_tfds.recipes.pictures import Pictures
from cartoon_tfds.sources.base import SourceError
from cartoon_tfds.sources.folders import PairFolders
from cartoon_tfds.sources.packaged import Packaged, iter_packaged
from cartoon_tfds.sources.splits import SPLITS, split_of
from tests.cartoon_tfds.generation.surveys import jpeg, names_used, splits_of, survey_of, write

NAMES = ["astronaut", "chelsea", "coffee", "motorcycle", "rocket", "china", "flower"]


def test_splits_of_packaged_photographs_follow_from_their_content():
    survey = survey_of(Packaged())
    photos = list(iter_packaged())
    expected = {photo.key: split_of(photo.sha256) for photo in photos}
    assert survey == Survey({key: Used(split, 1, 1) for key, split in expected.items()}, ())
    assert list(survey.used) == [photo.key for photo in photos]
    assert set(splits_of(survey).values()) == set(SPLITS)
    assert survey.counts() == {}
    names = [photo.photo_id for photo in photos]
    assert names_used(survey, Packaged()) == names
    for split in SPLITS:
        assert names_used(survey, Packaged(), split=split) == [
            photo.photo_id for photo in photos if split_of(photo.sha256) == split
        ]


def test_order_of_names_and_of_sources_is_kept(tmp_path, pictures):
    files = {f"{name}.jpg": jpeg(pictures[name]) for name in reversed(NAMES)}
    first = write(tmp_path / "first", dict(list(files.items())[:4]))
    second = write(tmp_path / "second", dict(list(files.items())[4:]))
    for sources in ((first, second), (second, first)):
        names = [photo.photo_id for source in sources for photo in source.photos()]
        assert len(names) == len(NAMES)
        survey = survey_of(*sources)
        assert names_used(survey, *sources) == names
        keys = [photo.key for source in sources for photo in source.photos()]
        assert list(survey.used) == keys


def test_more_photographs_move_none(tmp_path, pictures):
    files = {f"{name}.jpg": jpeg(pictures[name]) for name in NAMES}
    few = write(tmp_path / "few", dict(list(files.items())[:3]))
    all_of_them = write(tmp_path / "all", files)
    before, after = splits_of(survey_of(few)), splits_of(survey_of(all_of_them))
    assert len(before) == 3
    assert before.items() <= after.items()


@pytest.fixture
def with_bad(tmp_path, pictures):
    """A folder with three photographs that can be used, a duplicate and three that cannot."""
    good = {f"{name}.jpg": jpeg(pictures[name]) for name in NAMES[:3]}
    bad = {
        "half.jpg": good["chelsea.jpg"][:900],
        "sub/Ü 写真.jpg": b"no picture",
        "tiny.png": jpeg(pictures["coffee"].resize((4, 4))),
    }
    return write(tmp_path, {**good, **bad, "zoo.jpg": good["coffee.jpg"]})


BAD = ["half.jpg", "sub/Ü 写真.jpg", "tiny.png"]


def test_all_that_cannot_be_used_are_listed_in_one_error(with_bad):
    with pytest.raises(SourceError) as error:
        survey_of(with_bad)
    first, *lines, last = str(error.value).splitlines()
    assert first == "3 of 7 photographs cannot be used:"
    assert [line.partition(": ")[0].strip() for line in lines] == BAD
    assert [line.partition(": ")[2].split(" ")[0] for line in lines] == ["damaged:", "not", "4x4"]
    assert "--skip_bad" in last


def test_skip_bad_leaves_them_out_and_lists_them(with_bad, tmp_path):
    survey = survey_of(with_bad, skip_bad=True)
    assert names_used(survey, with_bad) == [f"{name}.jpg" for name in sorted(NAMES[:3])]
    assert survey.counts() == {"duplicate": 1, "unusable": 3}
    path = tmp_path / "skipped.json"
    survey.write_skipped(path)
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written["counts"] == {"duplicate": 1, "unusable": 3}
    listed = [Skipped(**photograph) for photograph in written["photographs"]]
    assert tuple(listed) == survey.skipped
    reasons = {skipped.photo_id: skipped.reason for skipped in listed}
    assert reasons == {**dict.fromkeys(BAD, "unusable"), "zoo.jpg": "duplicate"}
    assert all(skipped.detail.strip() for skipped in listed)
    assert "Ü 写真" in path.read_text(encoding="utf-8")  # for people to read


def test_what_is_unusable_depends_on_the_recipe(tmp_path, pictures):
    source = write(tmp_path, {"odd.jpg": jpeg(pictures["coffee"].resize((95, 64)))})
    assert len(survey_of(source).used) == 1
    with pytest.raises(SourceError, match=r"odd\.jpg: 95 pixels wide"):
        survey_of(source, recipe=ReadyPairs())


@dataclasses.dataclass(frozen=True)
class _Unread(Pictures):
    def read(self, photo):
        assert not photo.problem, "it is known already"
        return super().read(photo)


def test_known_problems_are_listed_without_decoding(tmp_path, pictures):
    write(tmp_path / "inputs", {"one.jpg": jpeg(pictures["coffee"])})
    write(tmp_path / "targets", {"two.jpg": jpeg(pictures["coffee"])})
    source = PairFolders(tmp_path / "inputs", tmp_path / "targets", license="mine")
    with pytest.raises(SourceError) as error:
        survey_of(source, recipe=_Unread())
    assert str(error.value).startswith("2 of 2 photographs cannot be used:")
    assert "  one: not in " in str(error.value)
    assert "  two: not in " in str(error.value)


def test_nothing_that_can_be_used(tmp_path):
    source = write(tmp_path, {"a.jpg": b"no picture", "b.jpg": b""})
    with pytest.raises(SourceError, match="2 of 2 photographs cannot be used"):
        survey_of(source, skip_bad=True)
    with pytest.raises(SourceError, match="the sources contain no photographs"):
        survey_of()


def test_nothing_that_can_be_used_says_why(tmp_path):
    # Nothing is written that would list them, so the error has to.
    source = write(tmp_path, {"a.jpg": b"no picture", "b.jpg": b""})
    with pytest.raises(SourceError) as error:
        survey_of(source, skip_bad=True)
    assert "a.jpg: not a picture" in str(error.value)
    assert "b.jpg: the file is empty" in str(error.value)


def test_number_of_workers_changes_nothing(with_bad, tmp_path, pictures):
    copies = {
        f"{name}-{number}.jpg": jpeg(pictures[name].resize((60 + number, 40)), f"{number}")
        for name in NAMES
        for number in range(12)
    }
    other = write(tmp_path / "copies", copies)
    one = survey_of(with_bad, other, skip_bad=True, workers=1)
    assert {skipped.reason for skipped in one.skipped} == {
        "unusable",
        "duplicate",
        "near duplicate",
    }
    many = survey_of(with_bad, other, skip_bad=True, workers=7)
    assert many == one
    assert list(many.used) == list(one.used)


def test_first_of_each_split():
    survey = survey_of(Packaged(), recipe=Cartoons(view_size=64))
    in_order = {
        split: [key for key, found in splits_of(survey).items() if found == split]
        for split in SPLITS
    }
    for count in (1, 2, 3, 100):
        first = survey.first(count)
        assert first.skipped == survey.skipped
        assert list(splits_of(first).items()) == [
            (key, split)
            for key, split in splits_of(survey).items()
            if key in in_order[split][:count]
        ]
    assert len(survey.first(1).used) == 3
    assert survey.first(100) == survey
    assert len(names_used(survey.first(2), Packaged(), split="train")) == 2
