"""Awkward names and folders: each picture gets a result, or a line that says why it has none."""

import os

import cv2
import numpy as np
import pytest
from PIL import Image

from cartoon_tfds.images import list_files
from pix2pix_flax.inference.images import InputError, translate_images
from tests.commands import run_command

PHOTO = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)


def save(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", PHOTO)[1].tobytes())
    return path


def translate(inputs, output, **options):
    return translate_images(lambda images: 255 - images, inputs, output, progress=False, **options)


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in list_files(folder).files)


@pytest.mark.parametrize("folder", ["photos [1]", "[ab]", "a*b", "was?", "-dash", "Berlin, 2024"])
def test_folders_with_the_signs_of_patterns(tmp_path, monkeypatch, folder):
    for name in ("a1.png", "a2.png", "b.png"):
        save(tmp_path / folder / name)
    assert len(translate([tmp_path / folder / "a*.png"], tmp_path / "out").written) == 2
    monkeypatch.chdir(tmp_path)
    assert len(translate([f"{folder}/a*.png"], "out2").written) == 2
    assert len(translate([folder], "out3").written) == 3
    assert len(translate([f"{folder}/b.png"], "out4").written) == 1


def test_a_pattern_of_folders_still_works(tmp_path):
    for name in ("one/a.png", "two/a.png", "one/deep/a.png"):
        save(tmp_path / name)
    assert len(translate([tmp_path / "*" / "a.png"], tmp_path / "out").written) == 2
    assert len(translate([f"{tmp_path}/**/a.png"], tmp_path / "out2").written) == 3


def test_linked_folders_are_translated(tmp_path):
    save(tmp_path / "album" / "a.png")
    save(tmp_path / "elsewhere" / "b.png")
    (tmp_path / "album" / "2019").symlink_to(tmp_path / "elsewhere")
    assert translate([tmp_path / "album"], tmp_path / "out").complete
    assert names(tmp_path / "out") == ["2019/b.png", "a.png"]


@pytest.mark.parametrize("letter", ["x", "é", "写"])
@pytest.mark.parametrize("suffix", [None, ".webp"])
def test_names_of_255_bytes(tmp_path, letter, suffix):
    size = len(letter.encode())
    stem = letter * (251 // size) + "x" * (251 % size)
    first, second = (save(tmp_path / "in" / f"{stem[:-1]}{end}.png") for end in "xy")
    assert len(os.fsencode(first.name)) == 255
    report = translate([tmp_path / "in"], tmp_path / "out", suffix=suffix)
    assert (len(report.written), report.failed) == (2, [])
    report = translate([first, second], None, suffix=suffix)
    assert (len(report.written), report.failed) == (2, [])
    assert all(path.stem[:50] == first.stem[:50] for path in report.written)
    again = translate([first, second], None, suffix=suffix)
    assert (again.written, again.kept) == ([], report.written)


def test_results_of_long_names_with_one_stem_stay_apart(tmp_path):
    for suffix in (".png", ".jpg", ".bmp"):
        save(tmp_path / "in" / f"{'x' * 251}{suffix}")
    assert len(set(translate([tmp_path / "in"], tmp_path / "out").written)) == 3


@pytest.mark.parametrize(
    ("sources", "suffix"), [(("a.png", "a.tif"), None), (("a.jpg", "a.png"), ".png")]
)
def test_results_beside_sources_of_one_stem_stay_apart(tmp_path, sources, suffix):
    for name in sources:
        save(tmp_path / name)
    report = translate([tmp_path], None, suffix=suffix)
    assert (len(set(report.written)), report.kept) == (2, [])
    assert names(tmp_path) == sorted([*sources, *(f"{name}-cartoon.png" for name in sources)])
    again = translate([tmp_path], None, suffix=suffix)
    assert (again.written, again.kept, again.own) == ([], report.written, [])


@pytest.mark.parametrize("pattern", ["*", "**", "**/*.png", "*/*.png"])
def test_a_pattern_passes_over_the_output_folder(tmp_path, pattern):
    for name in ("a.png", "more/b.png", "more/deep/c.png"):
        save(tmp_path / "in" / name)
    output = tmp_path / "in" / "out"
    first = translate([tmp_path / "in" / pattern], output)
    second = translate([tmp_path / "in" / pattern], output)
    assert (second.written, second.kept) == ([], first.written)


def test_a_pattern_inside_the_output_folder_is_used(tmp_path):
    save(tmp_path / "in" / "a.png")
    report = translate([tmp_path / "in" / "*.png"], tmp_path / "in", suffix=".webp")
    assert report.written == [tmp_path / "in" / "a.webp"]


@pytest.mark.parametrize("name", ["new.png/", "new.v2/"])
def test_an_output_with_a_slash_is_a_folder(tmp_path, name):
    source = save(tmp_path / "a.jpg")
    report = translate([source], f"{tmp_path}/{name}")
    assert report.written == [tmp_path / name / "a.png"]


def test_pictures_that_are_taken_for_results_are_named(tmp_path):
    save(tmp_path / "a.png")
    own = save(tmp_path / "my-cartoon.png")
    for _ in range(2):
        report = translate([tmp_path], None)
        assert report.own == [own]  # a-cartoon.png is the result of a.png
    report = translate([own], None)
    assert report.written == []
    assert str(report).splitlines() == [
        "0 images written",
        "left out, called like results: my-cartoon.png (--output=FOLDER translates them too)",
    ]
    assert len(translate([own], tmp_path / "out").written) == 1


def test_pages_and_formats_that_cannot_be_read_are_told(tmp_path):
    save(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.jxl").write_bytes(b"\xff\x0a")
    (tmp_path / "in" / "c.txt").touch()
    pages = [Image.fromarray(np.roll(PHOTO, 3 * n, axis=1)) for n in range(3)]
    pages[0].save(tmp_path / "in" / "pages.tif", save_all=True, append_images=pages[1:])
    report = translate([tmp_path / "in"], tmp_path / "out")
    assert report.complete
    assert str(report).splitlines()[1:] == [
        "only the first page or frame is used; left out: pages.tif (2)",
        "1 JXL file passed over: convert to JPEG or PNG",
    ]
    (tmp_path / "only").mkdir()
    (tmp_path / "in" / "b.jxl").rename(tmp_path / "only" / "b.jxl")
    with pytest.raises(InputError, match=r"no image found \(1 JXL file passed over: convert"):
        translate([tmp_path / "only"], tmp_path / "out")


def test_names_that_are_not_utf8_are_reported(tmp_path):
    folder = os.fsencode(tmp_path / "in")
    os.mkdir(folder)
    good = cv2.imencode(".png", PHOTO)[1].tobytes()
    for name, data in ((b"caf\xe9.png", good), (b"d\xe9but.png", good[:60]), (b"z.png", good)):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
    done = run_command(
        *("scripts/translate_images.py", "--checkpoint=opencv:ink"),
        *(f"--input={tmp_path / 'in'}", f"--output={tmp_path / 'out'}"),
    )
    assert done.returncode == 1
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0].startswith("2 images written: ")
    assert r"caf\udce9.png" in lines[0]
    assert lines[1] == "1 could not be translated:"
    assert r"d\udce9but.png: damaged" in lines[2]


def test_clips_in_a_folder_are_told(tmp_path):
    save(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.MOV").touch()
    lines = str(translate([tmp_path / "in"], tmp_path / "out")).splitlines()
    assert lines[1:] == [f"clips in folders are passed over, name each itself: {tmp_path}/in/b.MOV"]


@pytest.mark.parametrize("target", ["nowhere.png", "b.png"], ids=["broken", "loop"])
@pytest.mark.parametrize("given", ["in", "in/*.png", "in/b.png"])
def test_a_link_to_no_file_fails_alone(tmp_path, target, given):
    save(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.png").symlink_to(target)
    report = translate([tmp_path / given, tmp_path / "in" / "a.png"], tmp_path / "out")
    assert [path.name for path, _ in report.failed] == ["b.png"]
    assert names(tmp_path / "out") == ["a.png"]


def test_a_folder_of_clips_alone_is_told(tmp_path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.mp4").write_bytes(b"")
    with pytest.raises(InputError, match=r"no image found \(clips .* name each itself: .*a.mp4"):
        translate([tmp_path / "clips"], tmp_path / "out")
