"""The commands in the documentation are those that the programs take; links lead to files."""

import collections
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pix2pix_flax.cli.console import COMMANDS
from tests import notebook

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "cartoon_tfds" / "README.md",
    ROOT / "benchmarks" / "RESULTS.md",
]
MAIN = "pix2pix_flax.main"
OURS = ("pix2pix_flax", "cartoon_tfds", "benchmarks")
MODULES = {"cartoon_tfds": "cartoon_tfds.__main__"}

# Reads lists of words; each child process parses one of them for a module, and does nothing else.
PARSE = """
import importlib, json, os, sys
from absl import flags
from pix2pix_flax.cli import command

module = importlib.import_module(sys.argv[1])

def parse(words):
    sys.argv = [module.__name__, *words]
    if module.__name__ == "cartoon_tfds.__main__":
        module._run_build = module._run_check = module._run_export = lambda args, parser: None
        module.main()
    elif hasattr(module, "REQUIRED"):
        module.main = lambda argv: 0
        command.run_module(module)
    else:
        flags.FLAGS(sys.argv)

for words in json.load(sys.stdin):
    sys.stderr.flush()
    if not os.fork():
        try:
            parse(words)
        except SystemExit as end:
            code = end.code
        except BaseException as error:
            print(error, file=sys.stderr)
            code = 1
        else:
            code = 0
        if code:
            print("FAILED:", *words, file=sys.stderr)
        sys.stderr.flush()
        os._exit(0)
    os.wait()
"""


def relative(path):
    return str(path.relative_to(ROOT))


def commands(text):
    """Yields the words of each command in the code blocks of a page."""
    for block in re.findall(r"^```[a-z]*\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"\s(?:&&|;)\s|; ", line.split("  #")[0]):
                if "..." not in part and part.startswith(("python ", "pix2pix-flax ", "make ")):
                    yield shlex.split(part.split(" > ")[0].split(" 2>")[0])


def program(words):
    """Returns the module that a command runs, and its words; (None, words) if it is not ours."""
    if words[0] == "pix2pix-flax":
        return COMMANDS[words[1]][0], words[2:]
    if words[0] == "python" and words[1].startswith("scripts/"):
        return f"pix2pix_flax.cli.{Path(words[1]).stem}", words[2:]
    if words[:2] == ["python", "-m"] and words[2].partition(".")[0] in OURS:
        return MODULES.get(words[2], words[2]), words[3:]
    return None, words


ALL = [words for page in PAGES for words in commands(page.read_text())] + list(notebook.commands())


def test_commands_are_found():
    text = "```\npix2pix-flax images --a=b  # c\npython -m x && make demo\n```\n`make no`\n"
    expected = [["pix2pix-flax", "images", "--a=b"], ["python", "-m", "x"], ["make", "demo"]]
    assert list(commands(text)) == expected
    assert len(ALL) > 80


def programs():
    """Returns the lists of words for each module."""
    found = collections.defaultdict(list)
    for module, words in map(program, ALL):
        # A word in capitals stands for flags that the page lists above.
        found[module].append([w for w in words if module != MAIN or not w.isupper()])
    del found[None]
    return found


PROGRAMS = programs()


@pytest.mark.parametrize("module", PROGRAMS)
def test_a_program_takes_its_commands_of_the_documentation(module):
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PARSE, module],
        input=json.dumps(PROGRAMS[module]),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if "No module named 'torch'" in process.stderr:
        pytest.skip("extra benchmark")
    assert process.returncode == 0, process.stderr
    assert "FAILED" not in process.stderr, process.stderr


def test_make_knows_the_targets_of_the_documentation():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {words[1] for words in ALL if words[0] == "make" and len(words) > 1}
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_lead_to_files(page):
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert not [link for link in local if not (page.parent / link).exists()]


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().split()) <= 900
