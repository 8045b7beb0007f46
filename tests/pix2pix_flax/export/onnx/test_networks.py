"""ONNX graphs of U-Nets, and the networks that have none."""

import dataclasses
from types import SimpleNamespace

import pytest

from pix2pix_flax.export.exporter import ExportError, export_generator
from pix2pix_flax.inference.exported import load_exported
from pix2pix_flax.inference.predictor import Predictor
from pix2pix_flax.pretrained import generator
from tests.pix2pix_flax.export.networks import (
    PHOTOGRAPHS,
    SIZES,
    cut,
    difference,
    make_unet,
    save_untrained,
)

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from pix2pix_flax.export.onnx.networks import to_onnx


@pytest.mark.parametrize("norm", ["batch", "none", "group", "instance"])
@pytest.mark.parametrize("upsample", ["resize", "transpose"])
def test_every_unet_of_any_size(upsample, norm, tmp_path):
    check_graph(*make_unet(depth=3, upsample=upsample, norm=norm), tmp_path)


@pytest.mark.parametrize("norm", ["batch", "instance"])
@pytest.mark.parametrize(
    "settings",
    [
        {"fine_width": 4},
        {"fine_width": 12},
        {"residual": True},
        {"fine_width": 4, "cel_steps": 6},
        {"fine_width": 4, "cel_steps": 5, "cel_print": True},
    ],
)
def test_a_unet_with_convolutions_at_full_resolution_and_other_outputs(settings, norm, tmp_path):
    settings = {"fine_width": 0, "residual": False, "cel_steps": 0, **settings}
    check_graph(*make_unet(depth=3, upsample="resize", norm=norm, **settings), tmp_path)


def check_graph(module, variables, forward, tmp_path):
    file = tmp_path / "generator.onnx"
    file.write_bytes(to_onnx(module, variables, {}))
    translate, predict = load_exported(file), Predictor(forward, variables, module.stride)
    for size in SIZES:
        images = cut(2, *size)
        assert difference(translate(images), predict(images)) <= 1
    assert predict(images).std() > 1


@dataclasses.dataclass
class Other:
    """A network that has no graph."""

    stride = 1


def test_not_all_networks_have_an_onnx_graph(untrained, tmp_path, monkeypatch):
    task = SimpleNamespace(module=Other(), input_kind="image")
    monkeypatch.setattr(generator, "make_task", lambda *_, **__: task)
    known = "only for Unet, SRResNet, RRDBNet"
    with pytest.raises(ExportError, match=f"no ONNX graph is known for Other, {known}"):
        export_generator(untrained, "onnx", tmp_path / "a.onnx", PHOTOGRAPHS)


def test_networks_that_see_grey_have_no_onnx_graph(tmp_path):
    run = save_untrained(tmp_path / "run", generator__depth=1, input_channels=1)
    with pytest.raises(ExportError, match="input or output is not RGB"):
        export_generator(run, "onnx", tmp_path / "a.onnx", PHOTOGRAPHS)
