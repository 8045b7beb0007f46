"""A program that asks for huge pages."""

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import json, os, sys
from pathlib import Path
from pix2pix_flax.cli.huge_pages import use_huge_pages
setting, words = Path(sys.argv[1]), sys.argv[2:]
if "jax" in words:
    import jax
print("start")
use_huge_pages(setting)
print(json.dumps([os.environ.get("GLIBC_TUNABLES"), words, os.getpid()]))
"""


def start(setting, *words, **variables):
    """Returns how often the program started, its variable and its words; the process is one."""
    environment = {key: value for key, value in os.environ.items() if key != "GLIBC_TUNABLES"}
    command = [sys.executable, "-u", "-c", PROGRAM, str(setting), *words]
    process = subprocess.Popen(
        command, env=environment | variables, stdout=subprocess.PIPE, text=True
    )
    *starts, last = process.communicate()[0].splitlines()
    assert process.returncode == 0
    variable, found, identity = json.loads(last)
    assert (found, identity) == (list(words), process.pid)
    return len(starts), variable


@pytest.fixture
def setting(tmp_path):
    path = tmp_path / "enabled"
    path.write_text("always [madvise] never\n")
    return path


def test_the_program_starts_once_more_and_keeps_its_words(setting):
    assert start(setting, "--a b", "", "c") == (2, "glibc.malloc.hugetlb=1")


@pytest.mark.parametrize("text", ["[always] madvise never\n", "always madvise [never]\n"])
def test_linux_alone_decides(setting, text):
    setting.write_text(text)
    assert start(setting, "a") == (1, None)


def test_a_system_without_the_setting(tmp_path):
    assert start(tmp_path / "absent") == (1, None)


def test_the_users_own_setting_stays(setting):
    mine = "glibc.malloc.hugetlb=0"
    assert start(setting, GLIBC_TUNABLES=mine) == (1, mine)


def test_too_late_after_jax(setting):
    assert start(setting, "jax") == (1, None)
