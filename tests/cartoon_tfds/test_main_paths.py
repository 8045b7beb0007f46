"""`python -m cartoon_tfds` with awkward names, and what it says of content that is left out."""

import re
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from cartoon_tfds import __main__
from tests.commands import run_command


def fill(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        pixels = np.random.default_rng(zlib.crc32(name.encode())).integers(
            0, 256, (4, 6, 3), dtype=np.uint8
        )
        assert cv2.imwrite(str(folder / name), cv2.resize(pixels, (48, 32)))
    return folder


def config_of(*arguments):
    parser = __main__._make_parser()
    return __main__._make_config(parser.parse_args(["build", *arguments]), parser)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("in", "out"),
        ("Berlin, 2024/in", "Berlin, 2024/out"),
        ("a,b", "c"),
        ("a", "b,c"),
        (",", ",,"),
    ],
)
def test_pairs_in_folders_with_commas(tmp_path, first, second):
    folders = [fill(tmp_path / name, "1.png") for name in (first, second)]
    source = config_of("--name=x", f"--pairs={folders[0]},{folders[1]}").origin.source
    assert [source.inputs, source.targets] == folders
    assert [photo.problem for photo in source.photos()] == [""]


def test_one_folder_of_pairs_with_a_comma(tmp_path):
    folder = fill(tmp_path / "Berlin, 2024", "1.png")
    source = config_of("--name=x", f"--pairs={folder}").origin.source
    assert (source.inputs, source.targets) == (folder, None)


def test_home_in_every_path(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = fill(tmp_path / "photos", "1.png")
    assert config_of("--photos=~/photos").origin.source.folder == folder
    assert config_of("--images=~/photos").origin.source.folder == folder
    assert config_of("--images=~/photos", "--panels").origin.source.folder == folder
    pairs = config_of("--pairs=~/photos,~/photos").origin.source
    assert (pairs.inputs, pairs.targets) == (folder, folder)
    parser = __main__._make_parser()
    args = parser.parse_args(["build", "--data_dir=~/data", "--export_dir=~/png"])
    assert (args.data_dir, args.export_dir) == (tmp_path / "data", tmp_path / "png")
    assert parser.parse_args(["check", "~/data"]).data_dir == tmp_path / "data"


def test_content_that_is_left_out_is_told(tmp_path):
    folder = fill(tmp_path / "mixed", "1.png", "2.png")
    linked = fill(tmp_path / "elsewhere", "3.png")
    (folder / "linked").symlink_to(linked)
    for name in ("a.jxl", "b.CR2", "notes.txt"):
        (folder / name).touch()
    noise = np.random.default_rng(9).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    pages = [Image.fromarray(np.roll(noise, 9 * n, axis=1)) for n in range(3)]
    pages[0].save(folder / "pages.tif", save_all=True, append_images=pages[1:])
    done = run_command(
        *("-m", "cartoon_tfds", f"--images={folder}", f"--data_dir={tmp_path / 'data'}")
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 JXL, 1 CR2 files passed over: convert to JPEG or PNG" in done.stdout
    assert "only the first page or frame is used; left out: pages.tif (2)" in done.stdout
    assert sum(map(int, re.findall(r"(\d+) examples", done.stdout))) == 4


def test_metadata_costs_no_build_and_no_warning(tmp_path):
    folder = fill(tmp_path / "photos", "1.png", "2.png")
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\2\1\x12\0\3\0\0\0\1\0\1\0\0"  # the second tag is missing
    picture = Image.fromarray(np.random.default_rng(5).integers(0, 256, (32, 48, 3), np.uint8))
    picture.save(folder / "3.jpg", exif=exif)
    flags = f"--images={folder}", f"--data_dir={tmp_path / 'data'}"
    done = run_command("-m", "cartoon_tfds", *flags)
    assert (done.returncode, done.stderr) == (0, "")


def test_photographs_with_long_names_are_exported(tmp_path):
    folder = fill(tmp_path / "photos", *(f"{'x' * 250}{n}.png" for n in range(3)))
    flags = (
        f"--photos={folder}",
        f"--data_dir={tmp_path / 'data'}",
        f"--export_dir={tmp_path / 'o'}",
    )
    done = run_command("-m", "cartoon_tfds", *flags, "--views_per_photo=1", "--view_size=16")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((tmp_path / "o").rglob("*.png"))) == 6
