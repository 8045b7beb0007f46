"""What the tests of one subject share."""

import threading

import jax
import pytest

from pix2pix_flax.models.frozen.weights import WeightsMissingError, load_lpips_weights
from pix2pix_flax.train import train


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


@pytest.fixture(scope="session")
def trained_gan(tmp_path_factory, smoke_config):
    """A work directory in which `configs/anime.py:smoke` was trained."""
    workdir = tmp_path_factory.mktemp("gan")
    changes = {"unconditional__distances": False, "train__best_metric": "accuracy_real"}
    assert train(smoke_config("anime", **changes), workdir) == 0
    return workdir


@pytest.fixture(scope="session")
def vgg16():
    """The weights of VGG16; without the extra `lpips` the test is skipped."""
    try:
        return load_lpips_weights("vgg16")
    except WeightsMissingError as error:
        pytest.skip(str(error))
