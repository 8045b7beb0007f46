"""No two results of one call share a file."""

from pathlib import Path

import pytest

from pix2pix_flax.inference.beside import beside, files_beside, files_in, is_folder

WRITABLE = (".png", ".jpg")


def test_a_result_beside_its_source_keeps_a_suffix_that_can_be_written():
    found = [beside(Path(name), WRITABLE, ".png") for name in ("a/b.jpg", "b.JPG", "b.tif", "b")]
    expected = ["a/b-cartoon.jpg", "b-cartoon.JPG", "b-cartoon.png", "b-cartoon.png"]
    assert found == list(map(Path, expected))


def test_equal_results_beside_their_sources_keep_the_suffixes_of_these():
    sources = [Path(name) for name in ("b.png", "a.png", "a.tif", "c/a.tif")]
    expected = ["b-cartoon.png", "a.png-cartoon.png", "a.tif-cartoon.png", "c/a-cartoon.png"]
    assert files_beside(sources, WRITABLE, ".png") == list(map(Path, expected))


def test_results_differ_even_without_case():
    found = files_beside([Path("A.png"), Path("a.tif"), Path("a.png")], WRITABLE, ".png")
    assert len({str(path).casefold() for path in found}) == 3
    assert found[2] == Path("a.png-2-cartoon.png")


def test_one_folder_by_two_names_is_one(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    sources = [tmp_path / "real" / "a.png", tmp_path / "link" / "a.tif"]
    names = [path.name for path in files_beside(sources, WRITABLE, ".png")]
    assert names == ["a.png-cartoon.png", "a.tif-cartoon.png"]


def test_equal_results_in_a_folder():
    names = [Path(name) for name in ("a.mov", "a.mp4", "b/a.mp4", "c.mp4", "a.mp4")]
    expected = ["a.mov.mp4", "a.mp4.mp4", "b/a.mp4", "c.mp4", "a.mp4-2.mp4"]
    assert files_in(Path("out"), names, ".mp4") == [Path("out", name) for name in expected]


@pytest.mark.parametrize(
    ("output", "expected"), [("new.v2/", True), ("new.v2", False), ("old.v2", True)]
)
def test_a_folder_exists_or_ends_in_a_slash(tmp_path, monkeypatch, output, expected):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.v2").mkdir()
    assert is_folder(output) == expected
