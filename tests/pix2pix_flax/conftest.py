"""What the tests of one subject share."""

import threading

import jax
import pytest


@pytest.fixture
def nothing_is_left(tmp_path):
    """Checks that no thread and no hidden file outlives the test."""
    yield
    assert not [t for t in threading.enumerate() if t.name.startswith(("read-", "write-"))]
    assert not [p for p in tmp_path.rglob("*") if p.name.startswith(".")]


@pytest.fixture(scope="module")
def compilation_cache(tmp_path_factory):
    """Lets what is compiled twice in a module be compiled once."""
    settings = {
        "jax_compilation_cache_dir": str(tmp_path_factory.mktemp("xla")),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    before = {name: getattr(jax.config, name) for name in settings}
    for name, value in settings.items():
        jax.config.update(name, value)
    yield
    for name, value in before.items():
        jax.config.update(name, value)
