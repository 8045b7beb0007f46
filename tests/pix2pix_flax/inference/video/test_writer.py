"""What becomes of the output, whatever goes wrong."""

import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import av
import pytest

import pix2pix_flax
from cartoon_tfds import files
from pix2pix_flax.inference.video import VideoError
from tests.pix2pix_flax.inference.video.clips import (
    audio_packets,
    decode,
    invert,
    keep,
    make_clip,
    pan,
    tone,
    translate,
)

pytestmark = pytest.mark.usefixtures("nothing_is_left")


def test_destinations_that_cannot_be_are_named_before_any_work(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(2))
    before = source.read_bytes()

    def never(images):
        raise AssertionError

    (tmp_path / "there.mp4").write_bytes(b"precious")
    (tmp_path / "folder.mp4").mkdir()
    for name, options, message in (
        ("out.gif", {}, r"a clip in h264 has to end in \.mp4, \.mkv, \.mov"),
        ("there.mp4", {}, r"there\.mp4: exists already .*--overwrite"),
        ("folder.mp4", {"overwrite": True}, "exists already"),
        ("in.mp4", {"overwrite": True}, "same file"),
        ("there.mp4/out.mp4", {}, r"out\.mp4: cannot be written: \w+"),
    ):
        with pytest.raises(VideoError, match=message):
            translate(never, source, tmp_path / name, **options)
    assert (tmp_path / "there.mp4").read_bytes() == b"precious"
    assert source.read_bytes() == before
    translate(keep, source, tmp_path / "there.mp4", overwrite=True)
    assert len(decode(tmp_path / "there.mp4")[0]) == 2


def test_audio_that_the_container_cannot_hold_is_named(tmp_path, caplog):
    with av.open(str(tmp_path / "in.mkv"), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.height, video.width = 96, 128
        sound = container.add_stream("wavpack", rate=8000, layout="mono")
        for image in pan(2):
            container.mux(video.encode(av.VideoFrame.from_ndarray(image)))
        container.mux(video.encode(None))
        container.mux(tone(sound))
    translate(keep, tmp_path / "in.mkv", tmp_path / "out.mp4")
    (line,) = caplog.messages
    assert line.endswith(
        "out.mp4: .mp4 cannot hold the audio (wavpack) unchanged: it was encoded as AAC"
    )
    translate(keep, tmp_path / "in.mkv", tmp_path / "out.mkv")
    assert [p for _, p in audio_packets(tmp_path / "out.mkv")] == [
        p for _, p in audio_packets(tmp_path / "in.mkv")
    ]


NAMES = [
    "a" * 251 + ".mp4",
    "\u00e9" * 125 + "x.mp4",
    "caf\udce9.mp4",  # not UTF-8
    "Berlin, 2024 [1].mp4",
    "-x.mp4",
    "--output=y.mp4",
    "~.mp4",
    "~nobody.mp4",
    "a\nb%d?#.mp4",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_every_kind(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    source = make_clip(tmp_path / "in.mp4", pan(2))
    source.rename(name)
    beside = translate(keep, name, None).destination
    assert beside.parent == Path()
    assert len(decode(tmp_path / beside)[0]) == 2
    (tmp_path / "new").mkdir()
    translate(keep, tmp_path / name, f"new/{name}")
    assert [path.name for path in (tmp_path / "new").iterdir()] == [name]


@pytest.mark.parametrize("name", NAMES[:3])
def test_a_truncated_clip_of_a_long_name_is_kept(tmp_path, name):
    source = make_clip(tmp_path / "in.mp4", pan(50), options={"movflags": "+faststart"})
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    (tmp_path / "new").mkdir()
    with pytest.raises(VideoError, match="truncated"):
        translate(keep, source, tmp_path / "new" / name)
    (partial,) = (tmp_path / "new").iterdir()
    assert 5 < len(decode(partial)[0]) < 50


def test_the_home_is_known_and_no_folder_is_called_so(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    make_clip(tmp_path / "in.mp4", pan(2))
    translate(keep, "in.mp4", "~/new/out.mp4")
    assert len(decode(tmp_path / "home" / "new" / "out.mp4")[0]) == 2
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize("error", [RuntimeError("no memory"), KeyboardInterrupt()])
def test_an_error_in_predict_leaves_nothing(tmp_path, error):
    source = make_clip(tmp_path / "in.mp4", pan(30), audio=True)
    calls = []

    def fail_later(images):
        calls.append(1)
        if len(calls) > 3:
            raise error
        return images

    with pytest.raises(type(error)):
        translate(fail_later, source, tmp_path / "out.mp4", batch_size=2)
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.parametrize(
    "predict", [lambda x: x / 255, lambda x: x[:-1], lambda x: x[..., :1], lambda x: x[0]]
)
def test_a_result_that_is_no_batch_of_images_is_named(tmp_path, predict):
    source = make_clip(tmp_path / "in.mp4", pan(2))
    with pytest.raises(ValueError, match=r"predict returned \w+ \[.*for uint8 \[4, 96, 128, 3\]"):
        translate(predict, source, tmp_path / "out.mp4")


def test_a_result_that_changes_its_size_is_an_error(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(20))
    calls = []

    def shrink(images):
        calls.append(1)
        return images if len(calls) < 3 else images[:, :48]

    with pytest.raises(VideoError, match=r"out\.mp4: cannot be written"):
        translate(shrink, source, tmp_path / "out.mp4", batch_size=2)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_full_disk_leaves_nothing(tmp_path, largest_file, suffix):
    source = make_clip(tmp_path / "in.mp4", pan(30))
    cannot_be_written = pytest.raises(VideoError, match=r"out\.\w+: cannot be written: \w+")
    with largest_file(20_000), cannot_be_written:
        translate(invert, source, tmp_path / f"out{suffix}", crf=1)
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]


def test_a_killed_run_leaves_no_file_under_the_final_name(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(30))
    program = f"""
        import sys, time
        sys.path.insert(0, {str(Path(pix2pix_flax.__file__).parents[1])!r})
        from pix2pix_flax.inference.video import translate_video
        def slow(images):
            print("computing", flush=True)
            time.sleep(0.1)
            return images
        translate_video(slow, {str(source)!r}, {str(tmp_path / "out.mp4")!r})
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        process.stdout.readline()
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "out.mp4").exists()
    assert len(list(tmp_path.glob(".out*"))) == 1
    files._remove_abandoned.cache_clear()  # as in a new process
    translate(keep, source, tmp_path / "out.mp4")


def test_decoding_computing_and_encoding_overlap(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(8))
    threads = []

    def look(images):
        threads.append({t.name.rpartition("_")[0] for t in threading.enumerate()})
        return images

    translate(look, source, tmp_path / "out.mp4", batch_size=1)
    assert {"read-ahead", "write-behind"} <= threads[-1]
