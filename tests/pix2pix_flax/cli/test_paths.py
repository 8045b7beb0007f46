"""In each flag that holds a path, `~` is the home folder."""

import json
import re

import pytest

from pix2pix_flax.cli import config_files
from pix2pix_flax.cli.console import COMMANDS
from tests.commands import run_command

PROGRAM = """
import importlib, json, sys
from absl import flags
module = importlib.import_module(sys.argv[1])
known = flags.FLAGS.get_key_flags_for_module(module)
words = [f"--{flag.name}=~/x" for flag in known if flag.flag_type() in ("path", "multi path")]
flags.FLAGS([sys.argv[0], *words])
for flag in known:
    if flag.name != "config":
        print(json.dumps([flag.name, flag.flag_type(), repr(flag.value), flag.help]))
"""


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"dataset"}))
def test_paths_of_a_command(command, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    done = run_command("-c", PROGRAM, COMMANDS[command][0])
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    paths = {name: value for name, kind, value, _ in lines if kind.endswith("path")}
    assert paths
    for value in paths.values():
        assert value.strip("[]") == repr(f"{tmp_path}/x")
    # A flag whose help begins with a file or a folder holds a path.
    for name, kind, _, text in lines:
        if re.match(r"(\w+ )?(file|folder|checkpoint|state dict|picture, folder)\b", text, re.I):
            assert kind.endswith("path"), name


def test_config_in_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.py").touch()
    assert config_files.resolve(["--config=~/mine.py:smoke"]) == [
        f"--config={tmp_path}/mine.py:smoke"
    ]


def test_an_empty_path_is_refused():
    done = run_command("scripts/translate_images.py", "--checkpoint=lite", "--input=a", "--output=")
    assert done.returncode == 2
    assert done.stderr == "error: flag --output=: the path is empty\n"
