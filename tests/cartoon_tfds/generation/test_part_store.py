"""Parts of examples in zip files: complete or not there."""

import itertools
import zipfile

import pytest

from cartoon_tfds.generation.part_store import PartStore

EXAMPLES = [
    ("a-0", {"photo": b"\x89PNG first", "view": [0, 0, 2, 3], "id": "Ü 写真", "strength": 0.7}),
    ("a-1", {"photo": b"\x89PNG second", "view": [1, 0, 2, 2], "id": "x", "strength": 0.1}),
]


def _parts(folder):
    return sorted(folder.rglob("*.zip"))


@pytest.fixture
def part(tmp_path):
    """A part store and the file of a part in it."""
    store = PartStore(tmp_path)
    store.save("key-0", EXAMPLES)
    (path,) = _parts(tmp_path)
    return store, path


def test_part_is_loaded_as_it_was_saved(part):
    store, path = part
    assert store.holds("key-0")
    assert store.load("key-0") == EXAMPLES
    assert not store.holds("key-1")
    store.save("key-0", EXAMPLES[:1])
    assert store.load("key-0") == EXAMPLES[:1]
    assert [file for file in path.parent.parent.rglob("*") if file.is_file()] == [path]


def test_any_zip_tool_shows_the_pictures_of_a_part(part):
    with zipfile.ZipFile(part[1]) as file:
        assert sorted(file.namelist()) == ["a-0.photo.png", "a-1.photo.png", "examples.json"]
        assert file.read("a-1.photo.png") == b"\x89PNG second"
        assert {info.compress_type for info in file.infolist()} == {zipfile.ZIP_STORED}


@pytest.mark.parametrize("length", [0, 1, 20, 100, 0.5, 0.9, -1])
def test_truncated_part_is_not_there(part, length):
    store, path = part
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * length) if isinstance(length, float) else length])
    assert not store.holds("key-0")


def test_zip_file_without_an_index_is_no_part(part):
    store, path = part
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a-0.photo.png", b"1")
    assert not store.holds("key-0")


def test_part_with_any_bit_flipped_is_not_there_or_unharmed(part):
    store, path = part
    data = path.read_bytes()
    damaged = 0
    for position, bit in itertools.product(range(len(data)), (0, 3, 7)):
        changed = bytearray(data)
        changed[position] ^= 1 << bit
        path.write_bytes(changed)
        if store.holds("key-0"):
            assert store.load("key-0") == EXAMPLES, (position, bit)
        else:
            damaged += 1
    assert damaged > len(data)


def test_part_that_cannot_be_written_leaves_nothing(part):
    store, path = part
    before = path.read_bytes()
    for key in ("key-0", "key-1"):
        with pytest.raises(TypeError):
            store.save(key, [*EXAMPLES, ("a-2", {"photo": b"1", "view": {1, 2}})])
    assert [file for file in path.parent.parent.rglob("*") if file.is_file()] == [path]
    assert path.read_bytes() == before


def test_part_is_not_there_before_it_is_complete(tmp_path):
    store, seen = PartStore(tmp_path), []

    def examples():
        yield EXAMPLES[0]
        seen.append((store.holds("key-0"), [path.name[0] for path in tmp_path.glob("*/*")]))
        yield EXAMPLES[1]

    store.save("key-0", examples())
    assert seen == [(False, ["."])]
    assert store.holds("key-0")
