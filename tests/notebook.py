"""The cells of the notebook, and the commands in them."""

import ast
import json
import shlex
from pathlib import Path

PATH = Path(__file__).parents[1] / "notebooks" / "cartoon.ipynb"


def code_cells():
    """Returns the code cells of the notebook, as they lie in the file."""
    cells = json.loads(PATH.read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def trees():
    """Returns the syntax tree of each code cell."""
    return [ast.parse("".join(cell["source"])) for cell in code_cells()]


def commands():
    """Yields the words of each command that a cell runs."""
    values = {"FOLDER": Path("folder"), "STEPS": 10}
    for node in [node for tree in trees() for node in ast.walk(tree)]:
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "run":
            text = eval(compile(ast.Expression(node.args[0]), "cell", "eval"), dict(values))
            yield shlex.split(text)
