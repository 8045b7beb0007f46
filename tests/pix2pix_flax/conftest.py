"""What the tests of one subject share."""

import threading

import pytest


@pytest.fixture
def nothing_is_left(tmp_path):
    """Checks that no thread and no hidden file outlives the test."""
    yield
    assert not [t for t in threading.enumerate() if t.name.startswith(("read-", "write-"))]
    assert not [p for p in tmp_path.rglob("*") if p.name.startswith(".")]
