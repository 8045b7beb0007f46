"""Packaged photographs are found without importing their packages, and are the recorded ones."""

import dataclasses
import pickle
import subprocess
import sys

import pytest

from cartoon_tfds.images import read_image
from cartoon_tfds.sources.base import Local, Photo, SourceError
from cartoon_tfds.sources.folders import PairFolders, PictureFolder
from cartoon_tfds.sources.packaged import PACKAGED, Packaged, iter_packaged
from cartoon_tfds.sources.splits import content_hash


def _photo(name="a", data=b"1", **fields):
    return Photo(name, data, **{"source": "test", "license": "none", **fields})


def test_all_packaged_photographs_are_there_and_decode():
    photos = list(iter_packaged())
    assert [photo.photo_id for photo in photos] == [item.photo_id for item in PACKAGED]
    assert len({photo.sha256 for photo in photos}) == len(photos) == 8
    for photo, item in zip(photos, PACKAGED, strict=True):
        assert min(read_image(photo.data).shape[:2]) >= 300
        assert photo.sha256 == content_hash(photo.data) == item.sha256
        assert (photo.license, photo.theme) == (item.license, item.theme)
        assert photo.license
        assert photo.theme
        assert (photo.target, photo.split, photo.problem) == (None, None, "")
        assert photo.source.split()[0] in {"scikit-image", "scikit-learn", "matplotlib"}
        assert photo.source.endswith(f": {item.file}")


def test_the_packages_are_not_imported():
    script = (
        "import sys\nfrom cartoon_tfds.sources.packaged import iter_packaged\n"
        "list(iter_packaged())\n"
        "print([m for m in ('skimage', 'sklearn', 'matplotlib', 'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_missing_packages_are_all_named_with_the_remedy():
    table = (
        *PACKAGED,
        dataclasses.replace(PACKAGED[0], module="no_such_module_b", distribution="package-b"),
        dataclasses.replace(PACKAGED[0], module="no_such_module_a", distribution="package-a"),
    )
    for extra in ("sample", "export"):
        advice = rf"package-a, package-b; pip install 'pix2pix-flax\[{extra}\]'$"
        with pytest.raises(SourceError, match=advice):
            next(iter_packaged(table, extra))


def test_changed_file_is_refused():
    table = (dataclasses.replace(PACKAGED[0], sha256="0" * 64),)
    with pytest.raises(SourceError, match=r"astronaut\.png: not the photograph.*expected 0000"):
        list(iter_packaged(table))


def test_missing_file_is_named():
    table = (dataclasses.replace(PACKAGED[0], file="data/nowhere.png"),)
    with pytest.raises(SourceError, match=r"scikit-image .*data/nowhere\.png: No such file"):
        list(iter_packaged(table))


def test_packaged_can_be_read_often_and_pickled():
    source = Packaged(PACKAGED[1:3])
    for again in (source, source, pickle.loads(pickle.dumps(source))):
        assert [photo.photo_id for photo in again.photos()] == ["chelsea", "coffee"]
    assert list(Packaged().photos()) == list(iter_packaged())


def test_photo_is_known_by_its_content():
    assert _photo().sha256 == content_hash(b"1")
    assert _photo("b", theme="x", split="test").sha256 == content_hash(b"1")
    assert "x" * 100 not in repr(_photo(data=b"x" * 100, target=b"x" * 100))


def test_pair_is_known_by_the_content_of_both_files():
    contents = [(b"1", None), (b"1", b""), (b"1", b"2"), (b"2", b"1"), (b"12", b""), (b"1", b"1")]
    photos = [_photo(data=data, target=target) for data, target in contents]
    assert len({photo.sha256 for photo in photos}) == len(contents)
    assert _photo(data=b"1", target=b"2").sha256 == photos[2].sha256


def test_sha256_follows_a_replaced_field():
    changed = dataclasses.replace(_photo(data=b"1"), data=b"2")
    assert changed.sha256 == content_hash(b"2")


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"photo_id": "b"}, True),
        ({"data": b"2"}, True),
        ({"source": "other"}, True),
        ({"license": "CC0"}, True),
        ({"theme": "faces"}, True),
        ({"target": b"2"}, True),
        ({"split": "test"}, False),
        ({"problem": "x"}, False),
    ],
)
def test_key_changes_with_what_examples_show(change, shown):
    photo = _photo()
    assert (dataclasses.replace(photo, **change).key != photo.key) == shown


def test_key_tells_fields_apart():
    assert _photo("ab", source="c").key != _photo("a", source="bc").key


@pytest.fixture
def folder(tmp_path):
    """Two photographs in two folders."""
    for photo in Packaged(PACKAGED[1:3]).photos():
        path = tmp_path / "photos" / photo.theme / f"{photo.photo_id}.png"
        path.parent.mkdir(parents=True)
        path.write_bytes(photo.data)
    return tmp_path / "photos"


def test_local_gives_its_source_and_downloads_nothing(folder):
    source = PictureFolder(folder, "mine")
    (fetched,) = Local(source).fetch(dl_manager=None)
    assert fetched is source
    assert pickle.loads(pickle.dumps(Local(source))) == Local(source)


def test_local_identity_stays_where_photographs_do(folder):
    identity = Local(PictureFolder(folder, "mine")).identity()
    assert Local(PictureFolder(folder, "mine")).identity() == identity
    moved = folder.rename(folder.with_name("moved"))
    (moved / "notes.txt").write_text("no photograph")
    assert Local(PictureFolder(moved, "mine")).identity() == identity


def test_local_identity_changes_with_content_name_theme_license_and_number(folder):
    def identity(license="mine"):
        return Local(PictureFolder(folder, license)).identity()

    coffee = folder / "objects" / "coffee.png"
    seen = [identity(), identity("theirs")]
    coffee = coffee.rename(coffee.with_name("cup.png"))
    seen.append(identity())
    coffee = coffee.rename(folder / "coffee.png")
    seen.append(identity())
    coffee.write_bytes(coffee.read_bytes() + b"\0")
    seen.append(identity())
    coffee.unlink()
    seen.append(identity())
    assert len(set(seen)) == len(seen)


def test_local_identity_changes_with_the_split_of_a_pair():
    # The names of real folders would change with the split; a source may do otherwise.
    @dataclasses.dataclass(frozen=True)
    class One:
        split: str | None

        def photos(self):
            yield _photo(target=b"2", split=self.split)

    assert len({Local(One(split)).identity() for split in (None, "train", "test")}) == 3


def test_local_identity_of_pairs_changes_with_a_target(folder):
    source = PairFolders(folder / "animals", folder / "animals", license="mine")
    before = Local(source).identity()
    targets = folder / "targets"
    targets.mkdir()
    (targets / "chelsea.png").write_bytes((folder / "objects" / "coffee.png").read_bytes())
    assert Local(dataclasses.replace(source, targets=targets)).identity() != before
