"""Shipped networks are drawn by onnxruntime on CPUs, and by JAX where that is not possible."""

import os
import subprocess
import sys

import numpy as np
import pytest
import skimage.data
from PIL import Image

from pix2pix_flax.cache import CACHE_VARIABLE
from pix2pix_flax.export import engine
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.pretrained.shipped_files import shipped_file
from tests.commands import ROOT
from tests.pix2pix_flax.export.networks import COFFEE, cut, difference, with_runtime

pytestmark = list(with_runtime("onnx").marks)


def never():
    raise AssertionError("the other engine was made")


@pytest.mark.parametrize(
    ("name", "images"),
    [
        ("lite", cut(3, 61, 83)),
        ("lite", skimage.data.astronaut()[None].repeat(2, 1)),
        ("lite_x4", cut(2, 17, 23)),
    ],
    ids=["small", "at half its size", "four times larger"],
)
def test_the_pictures_are_those_of_jax(name, images):
    network = engine.load_on_cpu(name, never)
    assert difference(network(images), load_predictor(name)(images)) <= 1
    assert network.summary == ""


def test_pictures_that_memory_cannot_take_go_to_the_other_engine(monkeypatch):
    made = []

    def tiled(images):
        return images[:, ::-1]

    network = engine.load_on_cpu("lite", lambda: made.append(1) or tiled)
    large, small = COFFEE[None], COFFEE[None, :64, :64]
    monkeypatch.setattr(engine, "host_bytes", lambda: 20_000_000)
    for _ in range(2):
        np.testing.assert_array_equal(network(large), large[:, ::-1])
    assert made == [1]
    assert difference(network(small), load_predictor("lite")(small)) <= 1


def test_a_photograph_of_a_phone_is_expected_to_take_little(monkeypatch):
    network = engine.load_on_cpu("lite", never)
    assert network._bytes(1, 3000, 4000) < 2e9 < network._bytes(1, 600, 5000)


def test_what_it_cannot_run_is_left_to_jax(monkeypatch, tmp_path):
    assert engine.load_on_cpu("run", never) is None
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "onnxruntime", None)
        assert engine.load_on_cpu("lite", never) is None
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    assert engine.load_on_cpu("lite", never) is None


def test_the_file_is_made_once_and_anew_if_the_exporter_changes(monkeypatch, tmp_path):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    engine.load_on_cpu("lite", never)
    (file,) = tmp_path.rglob("*.onnx")
    made = file.stat().st_mtime_ns
    engine.load_on_cpu("lite", never)
    assert file.stat().st_mtime_ns == made
    monkeypatch.setattr(engine, "_digest", lambda path: "another")
    engine.load_on_cpu("lite", never)
    assert len(list(tmp_path.rglob("*.onnx"))) == 2


@pytest.mark.parametrize("load", [lambda path: engine.load_on_cpu("lite", never), engine.onnx_of])
@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:-4096] + bytes(4096)])
def test_a_damaged_file_is_made_anew(monkeypatch, tmp_path, load, damage):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    load(shipped_file("lite"))
    (file,) = tmp_path.rglob("*.onnx")
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert load(shipped_file("lite"))
    assert file.read_bytes() == whole


PROGRAM = """
import sys
from pix2pix_flax.cli.console import main
try:
    main()
finally:
    print(*{name.partition(".")[0] for name in sys.modules})
"""


@pytest.mark.parametrize(
    ("flags", "absent"),
    [((), ["jax", "flax", "onnx"]), (("--engine=jax",), ["onnxruntime"])],
    ids=["onnxruntime", "jax"],
)
def test_cartoonize_imports_what_it_needs(flags, absent, tmp_path):
    engine.load_on_cpu("lite", never)  # makes the file
    Image.fromarray(COFFEE[:32, :32]).save(tmp_path / "a.png")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "cartoonize", "a.png", *flags],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    found = set(done.stdout.splitlines()[-1].split())
    unneeded = {"orbax", "tensorflow", "tensorflow_datasets", "grain", "matplotlib", "av"}
    assert not found & {*unneeded, *absent}
