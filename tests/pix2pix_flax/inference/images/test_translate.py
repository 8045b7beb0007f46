"""Folders, patterns and names of real pictures; `predict` inverts colours."""

import os

import cv2
import numpy as np
import pytest
import skimage.data

from cartoon_tfds.errors import UserError
from cartoon_tfds.images import read_image
from pix2pix_flax.inference.images import InputError, translate_images

PHOTO = cv2.resize(skimage.data.coffee(), (60, 40), interpolation=cv2.INTER_AREA)


def invert(images):
    assert images.dtype == np.uint8
    assert images.shape[0] == 1
    return 255 - images


def save(path, image=PHOTO):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image[..., ::-1])
    return path


def translate(inputs, output, **options):
    return translate_images(invert, inputs, output, progress=False, **options)


def names(report, output):
    return sorted(str(path.relative_to(output)) for path in report.written)


def test_pixels_size_and_name_are_kept(tmp_path):
    source = save(tmp_path / "in" / "coffee cup.png", PHOTO[:39, :51])
    report = translate([source], tmp_path / "out")
    assert report.complete
    assert names(report, tmp_path / "out") == ["coffee cup.png"]
    np.testing.assert_array_equal(read_image(report.written[0]), 255 - PHOTO[:39, :51])


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 2)])
def test_tiny_pictures(tmp_path, size):
    source = save(tmp_path / "in" / "a.png", PHOTO[: size[0], : size[1]])
    report = translate([source], tmp_path / "out")
    assert read_image(report.written[0], min_side=1).shape == (*size, 3)


def test_folders_are_searched_with_their_subfolders(tmp_path):
    folder = tmp_path / "in"
    save(folder / "b.jpg")
    (folder / "chat.jfif").write_bytes((folder / "b.jpg").read_bytes())
    save(folder / "deep" / "down" / "b.JPEG")
    save(folder / ".hidden" / "c.png")
    save(folder / ".d.png")
    (folder / "notes.txt").write_text("not a picture")
    report = translate([folder], tmp_path / "out")
    assert report.complete
    assert names(report, tmp_path / "out") == ["b.png", "chat.png", "deep/down/b.png"]


def test_the_output_inside_the_input_is_not_an_input(tmp_path):
    folder = tmp_path / "in"
    save(folder / "a.jpg")
    for _ in range(2):
        report = translate([folder], folder / "out", overwrite=True)
        assert names(report, folder / "out") == ["a.png"]
    with pytest.raises(InputError, match="is the input and the output folder"):
        translate([folder], folder)


def test_patterns_and_repeated_inputs(tmp_path):
    save(tmp_path / "in" / "a1.jpg")
    save(tmp_path / "in" / "a2.jpg")
    save(tmp_path / "in" / "b[1].png")
    pattern, literal = tmp_path / "in" / "a*.jpg", tmp_path / "in" / "b[1].png"
    report = translate([pattern, literal, tmp_path / "in" / "a1.jpg"], tmp_path / "out")
    assert names(report, tmp_path / "out") == ["a1.png", "a2.png", "b[1].png"]


def test_no_two_pictures_share_a_name(tmp_path):
    save(tmp_path / "one" / "a.jpg")
    save(tmp_path / "one" / "A.png")
    save(tmp_path / "one" / "b.jpg")
    save(tmp_path / "two" / "a.jpg")
    report = translate([tmp_path / "one", tmp_path / "two"], tmp_path / "out")
    assert report.complete
    expected = ["A.png.png", "a.jpg-2.png", "a.jpg.png", "b.png"]
    assert names(report, tmp_path / "out") == expected


def test_nothing_is_overwritten_unless_asked(tmp_path):
    source = save(tmp_path / "in" / "a.jpg")
    old = tmp_path / "out" / "a.png"
    save(old, PHOTO[:8, :8])
    before = old.read_bytes()
    report = translate([source], tmp_path / "out")
    assert (report.written, report.kept, report.complete) == ([], [old], True)
    assert "1 existed already (--overwrite" in str(report)
    assert old.read_bytes() == before
    assert translate([source], tmp_path / "out", overwrite=True).complete
    assert read_image(old).shape == PHOTO.shape


def test_an_input_is_never_overwritten(tmp_path):
    source = save(tmp_path / "in" / "a.png")
    before = source.read_bytes()
    report = translate([source], tmp_path / "in", overwrite=True)
    assert "is one of the inputs" in str(report)
    assert not report.complete
    assert source.read_bytes() == before


def test_unreadable_pictures_are_listed_and_the_rest_done(tmp_path):
    folder = tmp_path / "in"
    for name in ("a.png", "z.png"):
        save(folder / name)
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.jpg").write_text("hello")
    whole = save(folder / "cut.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    report = translate([folder], tmp_path / "out")
    assert names(report, tmp_path / "out") == ["a.png", "z.png"]
    assert [path.name for path, _ in report.failed] == ["cut.png", "empty.png", "text.jpg"]
    assert not report.complete
    lines = str(report).splitlines()
    places = ", ".join(str(tmp_path / "out" / name) for name in ("a.png", "z.png"))
    assert lines[:2] == [f"2 images written: {places}", "3 could not be translated:"]
    assert all(str(path) in line for (path, _), line in zip(report.failed, lines[2:], strict=True))
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_a_picture_that_predict_refuses_is_named(tmp_path):
    source = save(tmp_path / "in" / "a.png")

    def refuse(images):
        raise UserError("too many pixels")

    report = translate_images(refuse, [source], tmp_path / "out", progress=False)
    assert report.failed == [(source, f"{source}: too many pixels")]


def test_a_fault_of_the_program_is_not_taken_for_a_bad_picture(tmp_path):
    source = save(tmp_path / "in" / "a.png")
    with pytest.raises(ValueError, match="could not be broadcast"):
        translate_images(
            lambda images: np.zeros(3) + np.zeros(2), [source], tmp_path / "out", progress=False
        )


@pytest.mark.parametrize("given", ["missing.png", "none*.png", "empty"])
def test_nothing_found_is_one_clear_line(tmp_path, given):
    (tmp_path / "empty").mkdir()
    message = r"^[^\n]*: (no image found|no such file or folder)$"
    with pytest.raises(InputError, match=message) as caught:
        translate([tmp_path / given], tmp_path / "out")
    assert given in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_an_output_inside_a_file_is_named(tmp_path):
    source = save(tmp_path / "in" / "a.png")
    with pytest.raises(InputError, match=r"a\.png/out: cannot be used as output folder"):
        translate([source], source / "out")


@pytest.mark.parametrize("name", ["new/one.png", "one.JPG", "one.webp"])
def test_an_output_that_ends_in_a_format_is_a_file(tmp_path, name):
    source = save(tmp_path / "in" / "a.png")
    report = translate([source], tmp_path / name, quality=100)
    assert report.written == [tmp_path / name]
    assert str(report) == f"1 image written: {tmp_path / name}"
    assert np.abs(read_image(tmp_path / name) - (255.0 - PHOTO)).mean() < 5
    with pytest.raises(InputError, match="is one file for 2 images: name a folder instead"):
        translate([source, save(tmp_path / "in" / "b.png")], tmp_path / name)


def test_a_folder_may_be_called_like_a_picture(tmp_path):
    (tmp_path / "out.png").mkdir()
    report = translate([save(tmp_path / "a.jpg")], tmp_path / "out.png")
    assert names(report, tmp_path / "out.png") == ["a.png"]


def test_without_an_output_a_result_lies_beside_its_source(tmp_path):
    for name in ("a.jpg", "b.png", "c.bmp"):
        save(tmp_path / name)
    expected = [tmp_path / name for name in ("a-cartoon.jpg", "b-cartoon.png", "c-cartoon.png")]
    assert translate([tmp_path], None).written == expected
    again = translate([tmp_path], None)  # results are no sources
    assert (again.written, again.kept) == ([], expected)
    assert translate([tmp_path / "a.jpg"], None, suffix=".webp").written == [
        tmp_path / "a-cartoon.webp"
    ]


def test_a_format_for_a_folder(tmp_path):
    report = translate(
        [save(tmp_path / "a.png"), save(tmp_path / "b.jpg")], tmp_path / "o", suffix=".webp"
    )
    assert names(report, tmp_path / "o") == ["a.webp", "b.webp"]


def test_a_tilde_is_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    save(tmp_path / "a.png")
    assert translate(["~/a.png"], "~/out").written == [tmp_path / "out" / "a.png"]


def test_a_result_that_cannot_be_written_is_named(tmp_path):
    source = save(tmp_path / "in" / "a.png")
    (tmp_path / "out" / "a.png").mkdir(parents=True)
    report = translate([source], tmp_path / "out", overwrite=True)
    ((_, reason),) = report.failed
    assert f"{tmp_path / 'out' / 'a.png'}: cannot be written: " in reason
    assert ".part" not in reason


def test_a_folder_without_permission_is_told_before_the_first_picture(tmp_path, monkeypatch):
    source = save(tmp_path / "in" / "a.png")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(InputError, match="out: no permission to write here: name another folder"):
        translate([source], tmp_path / "out")
