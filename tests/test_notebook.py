"""The notebook is clean in the repository, and runs from top to bottom."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.notebook import PATH, code_cells, commands, trees


def test_cells_compile_and_hold_no_results():
    assert len(trees()) == len(code_cells()) >= 5
    assert not [cell for cell in code_cells() if cell["outputs"] or cell["execution_count"]]


def test_its_commands_are_found():
    # tests/test_documentation.py parses them with those of the pages.
    modules = [words[2] for words in commands()]
    assert modules == ["cartoon_tfds", "pix2pix_flax.main"]


@pytest.mark.long
def test_it_runs_from_top_to_bottom(tmp_path):
    shutil.copy(PATH, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "jupyter", "execute", "--timeout=1800", "--inplace", PATH.name],
        cwd=tmp_path,
        env=os.environ | {"STEPS": "10", "PYTHONPATH": str(PATH.parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    outputs = [
        output
        for cell in json.loads((tmp_path / PATH.name).read_text())["cells"]
        for output in cell.get("outputs", ())
    ]
    assert len([output for output in outputs if "image/png" in output.get("data", {})]) == 3
    assert (tmp_path / "cartoon" / "run" / "report.html").exists()
