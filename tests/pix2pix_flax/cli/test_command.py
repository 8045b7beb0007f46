"""A user's mistake is one line; ours is a traceback."""

import pytest

from tests.commands import CONSOLE, run_command

PROGRAM = """
import errno
import json
from absl import flags
from ml_collections import config_flags

from cartoon_tfds.errors import UserError
from pix2pix_flax.cli import command

first = flags.DEFINE_string("first", None, "", required=True)
second = flags.DEFINE_integer("second", None, "", required=True)

config = config_flags.DEFINE_config_file("config")

class OurError(UserError):
    pass

def main(argv):
    match first.value:
        case "ours":
            raise OurError("photo.png:\\nis empty")
        case "file":
            open("/no/such/file")
        case "full":
            raise OSError(errno.ENOSPC, "No space left on device")
        case "bug":
            json.loads("{")
        case "losses":
            from pix2pix_flax import losses
            losses.feature_matching([], [[]])
        case "stopped":
            raise KeyboardInterrupt
        case "one":
            return 1

if __name__ == "__main__":
    command.run(main)
"""

WITH_WORDS = """
import sys
from absl import flags
from pix2pix_flax.cli import command

one = flags.DEFINE_string("one", None, "")
many = flags.DEFINE_multi_string("many", None, "")

def main(argv):
    print(argv[1:], one.value, many.value)

name = sys.argv.pop(1)
command.run(main, required=(name,), words_flag=name)
"""

CONFIG = """
import ml_collections

def get_config(arg=""):
    if arg == "broken":
        import no_such_module
    if arg:
        raise ValueError(f"no variant {arg}")
    return ml_collections.ConfigDict({"train": {"batch_size": 8, "steps": 10}})
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp("program") / "program.py"
    path.write_text(PROGRAM)
    path.with_name("config.py").write_text(CONFIG)

    def run(*arguments):
        found = run_command(path, *arguments, cwd=path.parent)
        return found.returncode, found.stderr

    return run


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "error: missing --first, --second\n"),
        (["--first=ok"], 2, "error: missing --second\n"),
        (["--fist=ok"], 2, "error: Unknown command line flag 'fist'"),
        (["--first=ok", "--second=1", "b.jpg"], 2, "error: unexpected argument 'b.jpg': name"),
        (["--first=ours", "--second=1"], 1, "error: photo.png: is empty\n"),
        (["--first=file", "--second=1"], 1, "error: /no/such/file: No such file or directory\n"),
        (["--first=full", "--second=1"], 1, "error: [Errno 28] No space left on device\n"),
        (["--first=stopped", "--second=1"], 130, "interrupted\n"),
        (["--first=one", "--second=1"], 1, ""),
        (["--first=ok", "--second=1"], 0, ""),
    ],
)
def test_one_line_and_an_exit_code(program, arguments, code, message):
    returned, stderr = program(*arguments)
    assert returned == code
    assert stderr.startswith(message)
    assert stderr.count("\n") <= 1


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ("many a.jpg --many=b.jpg c.jpg", "[] None ['b.jpg', 'a.jpg', 'c.jpg']\n"),
        ("one a.jpg", "[] a.jpg None\n"),
        ("one a.jpg b.jpg", "error: unexpected argument 'b.jpg': name"),
        ("one --one=a.jpg b.jpg", "error: unexpected argument 'b.jpg': name"),
        ("many", "error: missing --many\n"),
    ],
)
def test_words_without_a_flag_are_values_of_one(tmp_path, arguments, found):
    path = tmp_path / "program.py"
    path.write_text(WITH_WORDS)
    done = run_command(path, *arguments.split(), cwd=tmp_path)
    assert (done.stdout + done.stderr).startswith(found)
    assert done.returncode == (2 if found.startswith("error") else 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--config=config.py", "--config.train.bach_size=2"],
            "unknown --config.train.bach_size: the nearest is --config.train.batch_size",
        ),
        (
            ["--config=config.py", "--config.batch_size=2"],
            "unknown --config.batch_size: the nearest is --config.train.batch_size",
        ),
        (["--config=config.py", "--config.train.steps=many"], "flag --config.train.steps=many:"),
        (["--config=none.py"], "--config=none.py is neither a file nor one of anime, "),
        (["--config=config.py", "--config.help"], "--config.help is no value: --help lists the"),
        (
            ["--config", "config.py", "--config.train.step", "2"],
            "unknown --config.train.step: the nearest is --config.train.steps",
        ),
        (["--config=config.py:other"], "ValueError: no variant other"),
        (["--config=config.py:broken"], "No module named 'no_such_module'"),
    ],
)
def test_mistakes_in_a_config_are_one_line(program, arguments, message):
    returned, stderr = program("--first=ok", "--second=1", *arguments)
    assert returned == 2
    assert stderr.startswith(f"error: {message}")
    assert stderr.count("\n") == 1
    assert program("--first=ok", "--second=1", "--config=config.py") == (0, "")


@pytest.mark.parametrize(
    "arguments", [["--first=bug"], ["--first=losses"], ["--first=ours", "--debug"]]
)
def test_faults_and_debug_show_the_traceback(program, arguments):
    returned, stderr = program(*arguments, "--second=1")
    assert returned == 1
    assert "Traceback" in stderr


def test_a_wrong_flag_with_debug_shows_the_traceback(program):
    returned, stderr = program("--second=x", "--debug")
    assert returned == 1
    assert "Traceback" in stderr


@pytest.mark.parametrize("script", ["translate_images.py", "translate_video.py"])
def test_scripts_name_what_is_missing(script, tmp_path):
    def run(*arguments):
        found = run_command(f"scripts/{script}", *arguments)
        return found.returncode, found.stderr

    assert run() == (2, "error: missing --checkpoint, --input\n")
    code, stderr = run(f"--checkpoint={tmp_path / 'none'}", "--input=a", "--output=b.mp4")
    assert code == 1
    assert stderr.startswith("error: ")
    assert str(tmp_path / "none") in stderr
    assert stderr.count("\n") == 1


def test_a_file_that_looks_like_a_flag_comes_with_a_remedy(tmp_path):
    def cartoonize():
        done = run_command("-c", CONSOLE, "cartoonize", "-x.jpg", cwd=tmp_path)
        return done.returncode, done.stderr

    code, message = cartoonize()
    assert (code, message.startswith("error: Unknown command line flag")) == (2, True)
    (tmp_path / "-x.jpg").touch()
    assert cartoonize() == (2, "error: -x.jpg is taken for a flag: write ./-x.jpg\n")
