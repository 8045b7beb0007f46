"""docs/reliability.md names tests that exist."""

import ast
import re

import pytest

from tests.commands import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)))


def test_each_row_has_a_test():
    rows = [line.split("|")[1:-1] for line in PAGE.splitlines() if re.match(r"\| ?[\w ]*\|", line)]
    rows = [row for row in rows if row[3].strip() != "test"]
    assert len(rows) > 60
    for number, case, _, tests in rows:
        assert "::" in tests, (number, case)


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_named_test_exists(file, name):
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
