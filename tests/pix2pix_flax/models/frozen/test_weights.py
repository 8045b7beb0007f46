"""Weights from outside are checked, never executed, and kept as safetensors."""

import hashlib
import os
import pickle

import numpy as np
import pytest

from pix2pix_flax.cache import CACHE_VARIABLE
from pix2pix_flax.models.frozen import weights


class Payload:
    """Creates a file when a trusting unpickler reads it."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv(CACHE_VARIABLE, str(folder))
    return folder


def need_extra():
    try:
        weights._locate("alexnet")
    except weights.WeightsMissingError as error:
        pytest.skip(str(error))


def pretend_missing(monkeypatch):
    def missing(name):
        raise weights.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(weights.importlib.metadata, "distribution", missing)


@pytest.mark.parametrize("protocol", [3, 4])
def test_arrays_are_read(protocol):
    tree = {"a": {"kernel": np.arange(6, dtype="f4").reshape(2, 3)}}
    found = weights.read_array_pickle(pickle.dumps(tree, protocol=protocol), "file")
    np.testing.assert_array_equal(found["a"]["kernel"], tree["a"]["kernel"])


def test_a_payload_is_refused_in_one_line_and_not_executed(tmp_path):
    marker = tmp_path / "ran"
    data = pickle.dumps({"a": np.zeros(2, "f4"), "b": Payload(marker)})
    with pytest.raises(weights.WeightsError, match=r"^evil\.ckpt: refused.*mkdir") as caught:
        weights.read_array_pickle(data, "evil.ckpt")
    assert "\n" not in str(caught.value)
    assert not marker.exists()
    pickle.loads(data)  # The payload is a live one.
    assert marker.exists()


@pytest.mark.parametrize("data", [b"", b"not a pickle", b"\x80\x03}q", b"\x80\x03cnumpy\nsave\n."])
def test_damaged_pickles_are_refused_in_one_line(data):
    with pytest.raises(weights.WeightsError, match=r"^file: refused [^\n]*$"):
        weights.read_array_pickle(data, "file")


def test_a_file_with_another_sum_is_refused_before_it_is_read(cache, tmp_path, monkeypatch):
    marker = tmp_path / "ran"
    path = tmp_path / "alexnet.ckpt"
    path.write_bytes(pickle.dumps(Payload(marker)))
    monkeypatch.setattr(weights, "_locate", lambda net: path)
    with pytest.raises(weights.WeightsError, match=r"alexnet\.ckpt: SHA-256 is"):
        weights.load_lpips_weights("alexnet")
    assert not marker.exists()
    assert not cache.exists()


def test_a_file_with_other_arrays_is_refused(cache, tmp_path, monkeypatch):
    data = pickle.dumps({"AlexNet_0": {"Conv_0": {"bias": np.zeros(3, "f4")}}}, protocol=3)
    path = tmp_path / "alexnet.ckpt"
    path.write_bytes(data)
    monkeypatch.setattr(weights, "_locate", lambda net: path)
    monkeypatch.setitem(weights._SHA256, "alexnet", hashlib.sha256(data).hexdigest())
    with pytest.raises(weights.WeightsError, match="not the weights of alexnet"):
        weights.load_lpips_weights("alexnet")


def test_the_missing_extra_is_named(cache, monkeypatch):
    pretend_missing(monkeypatch)
    with pytest.raises(weights.WeightsMissingError, match=r"pip install '[^']+\[lpips\]'"):
        weights.load_lpips_weights("alexnet")


def test_unknown_networks_are_named():
    with pytest.raises(weights.WeightsError, match=r"'resnet'.*alexnet, vgg16"):
        weights.load_lpips_weights("resnet")


def test_loaded_once_then_from_the_cache(cache, monkeypatch):
    need_extra()
    first = weights.load_lpips_weights("alexnet")
    assert first["features"]["Conv_0"]["kernel"].shape == (11, 11, 3, 64)
    assert sum(a.size for layer in first["features"].values() for a in layer.values()) == 2_469_696
    assert all((head >= 0).all() for head in first["heads"].values())
    assert [path.suffix for path in cache.iterdir()] == [".safetensors"]  # Nothing temporary.
    pretend_missing(monkeypatch)
    second = weights.load_lpips_weights("alexnet")
    np.testing.assert_array_equal(second["heads"]["4"], first["heads"]["4"])


@pytest.mark.parametrize("damage", [b"", b"\xff" * 100, b"\xff\xff\xff\xff\x00\x00\x00\x00{}"])
def test_a_damaged_cache_is_made_anew(cache, damage):
    need_extra()
    weights.load_lpips_weights("alexnet")
    (path,) = cache.iterdir()
    sound = path.read_bytes()
    path.write_bytes(damage)
    weights.load_lpips_weights("alexnet")
    assert path.read_bytes() == sound


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch, caplog):
    need_extra()
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    assert set(weights.load_lpips_weights("alexnet")) == {"features", "heads"}
    assert "not cached" in caplog.text
