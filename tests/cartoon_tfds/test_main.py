"""`python -m cartoon_tfds`: a build without TensorFlow that loses nothing and says what it did."""

import hashlib
import os
import re
import shutil
import subprocess
import sys

import cv2
import pytest
import tensorflow_datasets as tfds

from cartoon_tfds.images import read_image, write_png
from cartoon_tfds.records import manifest
from cartoon_tfds.sources.packaged import iter_packaged
from cartoon_tfds.styles import STYLES
from tests.commands import ROOT, run_command

# The command line with one view a photograph: 64 would take a minute.
COMMAND = """
import errno, sys
from cartoon_tfds import __main__, cartoon_tfds_dataset_builder as builder_module
from cartoon_tfds.recipes.cartoons import Cartoons
builder_module.Builder.BUILDER_CONFIGS[0].recipe = Cartoons(views_per_photo=1)
if {broken}:
    def make_all(*_, **__):
        raise OSError(errno.ENOSPC, "disk full")
    builder_module.LocalRunner.make_all = make_all
__main__.main()
assert "tensorflow" not in sys.modules
"""


def _command(*arguments, broken=False):
    return run_command("-c", COMMAND.format(broken=broken), *arguments)


def _hashes(folder):
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder and the output of a first build."""
    folder = tmp_path_factory.mktemp("data")
    done = _command("--config=sample", f"--data_dir={folder}")
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_build_says_where_the_dataset_is_and_what_is_in_it(built):
    folder, output = built
    assert f"lies in {folder}/cartoon_tfds/sample/2.0.0" in output
    assert "train: 5 examples of 5 pictures: astronaut, china, grace_hopper, motorcycle" in output
    assert "validation: 1 examples of 1 pictures: flower" in output
    assert "test: 2 examples of 2 pictures: chelsea, coffee" in output


def test_the_last_line_is_the_command_of_a_training(built, folder, tmp_path):
    words = "to train on it: pix2pix-flax train --config={} --workdir=runs/{} --config.data.name={}"
    *_, last = built[1].splitlines()
    place = f" --config.data.data_dir={built[0]}"
    assert last == words.format("demo", "sample", "cartoon_tfds/sample") + place
    flags = [f"--photos={folder}", "--style=sketch", "--views_per_photo=1", "--view_size=32"]
    flags.append(f"--data_dir={tmp_path}/my data")
    *_, last = _command(*flags, "--name=trip").stdout.splitlines()
    place = f" '--config.data.data_dir={tmp_path}/my data'"
    assert last.startswith(words.format("demo:sketch", "trip", "cartoon_tfds/trip") + place)
    (tmp_path / "all" / "train").mkdir(parents=True)
    for path in folder.glob("*/*.png"):
        shutil.copy(path, tmp_path / "all" / "train")
    *_, last = _command(f"--photos={tmp_path}/all", *flags[1:]).stdout.splitlines()
    kept = "'--config.data.validation_split=train[:2]' '--config.data.train_split=train[2:]'"
    assert last == words.format("demo:sketch", "all", "cartoon_tfds/all") + f"{place} {kept}"


def test_second_build_changes_nothing_and_says_so(built):
    folder, _ = built
    before = _hashes(folder / "cartoon_tfds")
    done = _command(f"--data_dir={folder}")
    assert done.returncode == 0
    assert "already there" in done.stdout
    assert "test: 2 examples of 2 pictures: chelsea, coffee" in done.stdout
    assert _hashes(folder / "cartoon_tfds") == before


def test_overwrite_builds_again(built):
    folder, _ = built
    before = _hashes(folder / "cartoon_tfds")
    marker = folder / "cartoon_tfds" / "sample" / "2.0.0" / "marker"
    marker.touch()
    done = _command(f"--data_dir={folder}", "--overwrite")
    assert done.returncode == 0, done.stderr
    assert _hashes(folder / "cartoon_tfds") == before  # the marker is gone, nothing is left over


def test_overwrite_that_fails_keeps_the_old_dataset(built):
    folder, _ = built
    before = _hashes(folder / "cartoon_tfds")
    done = _command(f"--data_dir={folder}", "--overwrite", broken=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert "disk full" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert _hashes(folder / "cartoon_tfds") == before


def test_export_writes_whole_photographs_with_their_cartoons(built, tmp_path):
    folder, _ = built
    done = _command(f"--data_dir={folder}", f"--export_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.rglob("*.png"))) == 16
    for kind in ("photo", "cartoon"):
        test = sorted(path.name for path in (tmp_path / "test" / kind).iterdir())
        assert test == ["chelsea.png", "coffee.png"]
        assert read_image(tmp_path / "test" / kind / "coffee.png").shape == (400, 600, 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of four photographs in two folders."""
    folder = tmp_path_factory.mktemp("holiday")
    for theme, photo in zip(("sea", "sea", "hills", "hills"), iter_packaged(), strict=False):
        (folder / theme).mkdir(exist_ok=True)
        pixels = cv2.resize(read_image(photo.data), (120, 90), interpolation=cv2.INTER_AREA)
        write_png(folder / theme / f"{photo.photo_id}.png", pixels)
    return folder


def test_folder_of_photographs(folder, tmp_path):
    flags = ["--style=poster", "--strength=0.5", "--views_per_photo=3", "--license=CC0"]
    done = _command("build", f"--photos={folder}", "--name=trip", *flags, f"--data_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert f"cartoon_tfds/trip/2.0.0 lies in {tmp_path}/cartoon_tfds/trip/2.0.0" in done.stdout
    examples = list(manifest.read_examples(tmp_path / "cartoon_tfds" / "trip" / "2.0.0"))
    assert len(examples) == 12
    for example in examples:
        assert example["style"] == "poster"
        assert example["strength"] == 0.5
        assert example["license"] == "CC0"
        assert example["id"].startswith(f"{example['theme']}/")
        assert example["theme"] in ("sea", "hills")


def test_several_styles_and_folders_of_splits(folder, tmp_path):
    for name, theme in (("train", "sea"), ("test", "hills")):
        shutil.copytree(folder / theme, tmp_path / "split" / name)
    flags = [f"--photos={tmp_path / 'split'}", "--view_size=32", "--views_per_photo=6"]
    places = [f"--data_dir={tmp_path / 'data'}", f"--export_dir={tmp_path / 'files'}"]
    done = _command(*flags, *places, "--style=all")
    assert done.returncode == 0, done.stderr
    built = tmp_path / "data" / "cartoon_tfds" / "split" / "2.0.0"
    examples = list(manifest.read_examples(built))
    drawn = {(example["id"], example["style"]) for example in examples}
    assert len(drawn) == len(examples) == 4 * len(STYLES)
    assert manifest.read_build(built)["recipe"]["style"] == ",".join(STYLES)
    for name, theme in (("train", "sea"), ("test", "hills")):
        photos = sorted(path.name for path in (folder / theme).iterdir())
        for kind in ("photo", *STYLES):
            found = (tmp_path / "files" / name / kind).rglob("*.png")
            assert sorted(path.name.removesuffix(".png") for path in found) == photos


def test_folder_of_other_files_needs_another_name(folder, tmp_path):
    flags = [f"--images={folder}", "--size=32", f"--data_dir={tmp_path}"]
    assert _command(*flags, "--name=a").returncode == 0
    assert "already there" in _command(*flags, "--name=a").stdout
    (folder / "one_more.png").write_bytes(next(folder.glob("sea/*.png")).read_bytes() + b"more")
    done = _command(*flags, "--name=a")
    (folder / "one_more.png").unlink()
    assert done.returncode == 1
    assert re.fullmatch("error: .* has other settings, photographs: .*\n", done.stderr)


def test_zip_of_pictures(folder, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "faces"), "zip", folder)
    done = _command(f"--images={archive}", "--size=24", f"--data_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    for split in ("train", "validation", "test"):
        if f"{split}: not there" not in done.stdout:
            source = tfds.data_source("cartoon_tfds/faces", split=split, data_dir=tmp_path)
            assert {example["image"].shape for example in source} == {(24, 32, 3)}


def test_without_validation_the_report_says_how_to_get_it(folder, tmp_path):
    (tmp_path / "faces" / "train").mkdir(parents=True)
    for path in folder.glob("*/*.png"):
        shutil.copy(path, tmp_path / "faces" / "train")
    flags = [f"--images={tmp_path / 'faces'}", "--size=24", f"--data_dir={tmp_path / 'data'}"]
    done = _command(*flags)
    assert done.returncode == 0, done.stderr
    assert "train: 4 examples" in done.stdout
    assert "sort the files into subfolders train, val and test" in done.stdout
    assert "--split=validation" not in done.stdout
    named = "--config.data.validation_split='train[:2]' --config.data.train_split='train[2:]'"
    assert named in done.stdout
    next((tmp_path / "faces").rglob("*.png")).rename(tmp_path / "picture.png")
    (tmp_path / "faces" / "val").mkdir()
    (tmp_path / "picture.png").rename(tmp_path / "faces" / "val" / "picture.png")
    done = _command(*flags, "--overwrite")
    assert "validation: 1 examples" in done.stdout
    assert "for scores: add photographs, or evaluate with --split=validation" in done.stdout
    assert "--config" not in done.stdout


def test_ready_made_pairs(folder, tmp_path):
    flags = [f"--pairs={folder}/sea,{folder}/sea", "--name=same", f"--data_dir={tmp_path}"]
    done = _command(*flags)
    assert done.returncode == 0, done.stderr
    done = _command(f"--pairs={folder}/sea", "--name=halves", f"--data_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    example = next(manifest.read_examples(tmp_path / "cartoon_tfds" / "same" / "2.0.0"))
    assert example["input"] == example["target"]
    example = next(manifest.read_examples(tmp_path / "cartoon_tfds" / "halves" / "2.0.0"))
    assert example["input"] != example["target"]


def test_bad_pictures_are_listed_and_can_be_skipped(folder, tmp_path):
    broken = folder / "hills" / "broken.jpg"
    broken.write_text("no picture")
    flags = [f"--images={folder}", "--name=b", f"--data_dir={tmp_path}"]
    done, skipping = _command(*flags), _command(*flags, "--skip_bad")
    broken.unlink()
    assert done.returncode == 1
    assert "error: 1 of 5 photographs cannot be used:\n  hills/broken.jpg: " in done.stderr
    assert skipping.returncode == 0, skipping.stderr
    assert "left out: 1 unusable; " in skipping.stdout


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["--config=nope"], "invalid choice: 'nope'"),
        (["--confg=sample"], "unrecognized arguments: --confg=sample"),
        (["--photo=x"], "unrecognized arguments: --photo=x. Did you mean --photos?"),
        (["demolish"], "unrecognized arguments: demolish"),
        (["--config=sample", "--photos=x"], "not allowed with argument --config"),
        (["--style=oil"], "invalid choice: 'oil'"),
        (["--style=ink,oil"], "invalid choice: 'oil' (choose from all, ink, watercolour,"),
        (["--style=poster"], "sample is the name of a ready-made config: give this dataset"),
        (["--size=64"], "omit --size: it is not for cartoons"),
        (["--name=../x", "--style=poster"], "'../x' cannot be the name of a dataset"),
        (["--strength=2", "--name=x"], "strength must be 0 to 1"),
        (["--views_per_photo=0", "--name=x"], "views_per_photo must be at least 1"),
        (["--view_size=0", "--name=x"], "view_size must be at least 8"),
        (["--line_width=0", "--name=x"], "line_width must be finite and at least 1"),
        (["--workers=0"], "workers must be at least 1"),
        (["--images=/tmp", "--size=-1"], "size must not be negative"),
        (["--images=/tmp", "--export_dir=x"], "--export_dir is for photographs"),
    ],
)
def test_wrong_flags_get_one_clear_line(arguments, cause):
    done = _command(*arguments)
    assert done.returncode == 2
    assert cause in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ([f"--data_dir={os.devnull}"], "Not a directory"),
        (["--photos=/nowhere/at/all"], "/nowhere/at/all"),
        (["--pairs=/nowhere/a,/nowhere/b"], "/nowhere/a: no such folder"),
        (["check", "/nowhere"], "no dataset"),
    ],
)
def test_what_is_not_there_is_named_in_one_line(arguments, cause):
    done = _command(*arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert cause in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_reader_that_stops_early_is_no_error(built):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "cartoon_tfds", "check", built[0]]
    done = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_help():
    done = _command("--help")
    assert done.returncode == 0
    assert "check DATA_DIR" in done.stdout
    assert "--photos" in _command("build", "--help").stdout
