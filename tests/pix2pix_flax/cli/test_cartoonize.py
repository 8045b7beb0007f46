"""What is taken for a picture or a clip, and where the results of clips lie."""

import av
import numpy as np
import pytest
import skimage.data
from PIL import Image

from cartoon_tfds.images import read_image
from tests.commands import CONSOLE, run_command
from tests.pix2pix_flax.inference.video.clips import decode, make_clip, pan

PHOTO = skimage.data.chelsea()[60:160, 100:260]


def cartoonize(*words, cwd, program=CONSOLE):
    return run_command("-c", program, "cartoonize", *words, "--checkpoint=opencv:ink", cwd=cwd)


def make_film(path, frames, kind="mp4"):
    """Writes a clip with a name that does not tell its container."""
    path.parent.mkdir(exist_ok=True)
    made = make_clip(path.with_name(f"made.{kind}"), pan(frames))
    return made.rename(path)


def count(path):
    return len(decode(path)[0])


def test_clips_of_one_name_stay_apart_in_a_folder(tmp_path):
    make_film(tmp_path / "a" / "trip.mov", 2, "mov")
    make_film(tmp_path / "b" / "trip.mp4", 3)
    words = "a/trip.mov", "b/trip.mp4", "a/../b/trip.mp4", "--output=out", "--overwrite"
    done = cartoonize(*words, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    found = {path.name: count(path) for path in (tmp_path / "out").iterdir()}
    assert found == {"trip.mov.mp4": 2, "trip.mp4.mp4": 3}


def test_clips_of_one_name_stay_apart_beside_each_other(tmp_path):
    make_film(tmp_path / "trip.mp4", 2)
    make_film(tmp_path / "trip.avi", 3, "avi")
    done = cartoonize("trip.mp4", "trip.avi", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert count(tmp_path / "trip.mp4-cartoon.mp4") == 2
    assert count(tmp_path / "trip.avi-cartoon.mp4") == 3


def test_a_clip_that_is_an_input_is_not_replaced(tmp_path):
    make_film(tmp_path / "trip.mp4", 2)
    before = make_film(tmp_path / "trip-cartoon.mp4", 3).read_bytes()
    done = cartoonize("trip.mp4", "trip-cartoon.mp4", "--overwrite", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "error: trip.mp4: trip-cartoon.mp4 is one of the inputs\n"
    assert (tmp_path / "trip-cartoon.mp4").read_bytes() == before
    assert count(tmp_path / "trip-cartoon-cartoon.mp4") == 3


def test_a_pattern_matches_pictures_and_clips(tmp_path):
    make_film(tmp_path / "trip.mp4", 2)
    Image.fromarray(PHOTO).save(tmp_path / "photo.png")
    for _ in range(2):
        done = cartoonize("*", "--overwrite", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"trip.mp4", "trip-cartoon.mp4", "photo.png", "photo-cartoon.png"}
    assert "left out, called like results: trip-cartoon.mp4" in done.stdout
    done = cartoonize("*.mp4", "--output=out", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "trip.mp4",
        "trip-cartoon.mp4",
    }


def test_an_output_with_a_slash_is_a_folder_for_a_clip(tmp_path):
    make_film(tmp_path / "clip.mp4", 2)
    done = cartoonize("clip.mp4", "--output=cartoons.v2/", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert count(tmp_path / "cartoons.v2" / "clip.mp4") == 2


@pytest.mark.parametrize("name", ["IMG_1234", "photo.backup"])
def test_a_picture_is_known_by_its_content(tmp_path, name):
    Image.fromarray(PHOTO).save(tmp_path / name, "JPEG")
    done = cartoonize(name, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    result = (tmp_path / name).with_name(f"{name.split('.')[0]}-cartoon.png")
    assert read_image(result).shape == PHOTO.shape


def test_pictures_need_no_ffmpeg(tmp_path):
    for name in ("a.png", "b"):
        Image.fromarray(PHOTO).save(tmp_path / name, "PNG")
    program = f"import sys; sys.modules['av'] = None; {CONSOLE}"
    done = cartoonize("a.png", "b", cwd=tmp_path, program=program)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "2 images written: a-cartoon.png, b-cartoon.png\n"


def test_a_clip_is_known_by_its_content(tmp_path):
    make_film(tmp_path / "clip", 2)
    frames = [Image.fromarray(np.roll(PHOTO, shift, 1)) for shift in (0, 4, 8)]
    frames[0].save(tmp_path / "moving", "GIF", save_all=True, append_images=frames[1:], duration=40)
    done = cartoonize("clip", "moving", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert count(tmp_path / "clip-cartoon.mp4") == 2
    assert count(tmp_path / "moving-cartoon.mp4") == 3


def test_a_damaged_picture_without_a_suffix_is_told(tmp_path):
    (tmp_path / "cut").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00")
    (tmp_path / "empty").touch()
    done = cartoonize("cut", "empty", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[:2] == ["0 images written", "2 could not be translated:"]
    assert lines[2].startswith("  cut: damaged: JPEG")
    assert lines[3] == "  empty: the file is empty"


def test_the_reason_of_a_clip_with_another_suffix_is_told(tmp_path):
    make_film(tmp_path / "clip.ogv", 2, "mkv")
    (tmp_path / "clip-cartoon.mp4").touch()
    done = cartoonize("clip.ogv", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "error: clip-cartoon.mp4: exists already (replace it with --overwrite)\n"
    )
    with av.open(str(tmp_path / "song.ogg"), "w") as container:
        stream = container.add_stream("flac", rate=8000, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.int16), "s16", "mono")
        silence.sample_rate, silence.pts = 8000, 0
        container.mux([*stream.encode(silence), *stream.encode(None)])
    done = cartoonize("song.ogg", cwd=tmp_path)
    assert done.stderr.startswith("error: song.ogg: the file has no video stream")


@pytest.mark.parametrize("name", ["notes.txt", "notes", "notes.gif"])
def test_what_is_neither_picture_nor_clip_is_told(tmp_path, name):
    (tmp_path / name).write_text("no picture")
    (tmp_path / "notes-cartoon.mp4").touch()
    done = cartoonize(name, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == f"error: {name} is neither a picture nor a clip\n"
