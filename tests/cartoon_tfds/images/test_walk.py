"""Every file of a folder is listed once, through links too."""

import os

import pytest

from cartoon_tfds.images import list_files


@pytest.fixture
def make(tmp_path):
    def write(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    return write


def listed(folder, **options):
    listing = list_files(folder, **options)
    assert not listing.unreadable
    return [path.relative_to(folder).as_posix() for path in listing.files]


def test_linked_folders_are_listed_behind_the_others(make, tmp_path):
    make("album/b.jpg", "album/z/1.jpg", "elsewhere/2019/2.jpg", "elsewhere/2019/deep/3.jpg")
    (tmp_path / "album" / "a").symlink_to(tmp_path / "elsewhere" / "2019")
    assert listed(tmp_path / "album") == ["b.jpg", "z/1.jpg", "a/2.jpg", "a/deep/3.jpg"]


def test_loops_end_and_no_folder_is_listed_twice(make, tmp_path):
    make("album/1.jpg", "album/sub/2.jpg", "other/3.jpg")
    (tmp_path / "album" / "sub" / "up").symlink_to(tmp_path / "album")
    (tmp_path / "album" / "self").symlink_to("self")
    (tmp_path / "album" / "again").symlink_to(tmp_path / "album" / "sub")
    (tmp_path / "album" / "one").symlink_to(tmp_path / "other")
    (tmp_path / "album" / "two").symlink_to(tmp_path / "other")
    (tmp_path / "other" / "back").symlink_to(tmp_path / "album" / "sub")
    assert listed(tmp_path / "album") == ["1.jpg", "self", "sub/2.jpg", "one/3.jpg"]


def test_a_link_to_a_folder_around_it_lists_the_rest_once(make, tmp_path):
    make("top/album/1.jpg", "top/2.jpg")
    (tmp_path / "top" / "album" / "up").symlink_to(tmp_path / "top")
    assert listed(tmp_path / "top" / "album") == ["1.jpg", "up/2.jpg"]


def test_the_skipped_folder_is_not_listed_through_a_link_either(make, tmp_path):
    make("in/1.jpg", "in/out/2.jpg")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "in" / "out")
    assert listed(tmp_path / "in", skipped=tmp_path / "in" / "out") == ["1.jpg"]


def test_hidden_files_and_folders_are_left_out_but_the_folder_itself_may_be_hidden(make, tmp_path):
    make(".in/1.jpg", ".in/.2.jpg", ".in/.deep/3.jpg")
    assert listed(tmp_path / ".in") == ["1.jpg"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_cannot_be_listed_is_reported(make, tmp_path):
    make("in/1.jpg", "in/closed/2.jpg")
    (tmp_path / "in" / "closed").chmod(0)
    listing = list_files(tmp_path / "in")
    assert [path.name for path in listing.files] == ["1.jpg"]
    assert [error.filename for error in listing.unreadable] == [str(tmp_path / "in" / "closed")]
