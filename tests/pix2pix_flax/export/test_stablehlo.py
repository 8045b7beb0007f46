"""StableHLO files of U-Nets, of any size."""

import pytest

from pix2pix_flax.export.stablehlo import to_stablehlo
from pix2pix_flax.inference.exported import load_exported
from pix2pix_flax.inference.predictor import Predictor
from tests.pix2pix_flax.export.networks import SIZES, cut, difference, make_unet

pytest.importorskip("flatbuffers")


@pytest.mark.parametrize("norm", ["batch", "none", "group", "instance"])
@pytest.mark.parametrize("upsample", ["resize", "transpose"])
def test_every_unet_of_any_size(upsample, norm, tmp_path):
    check_file(*make_unet(depth=1, upsample=upsample, norm=norm), tmp_path)


def test_a_drawing_in_layers(tmp_path):
    settings = {"upsample": "resize", "norm": "batch", "fine_width": 4, "cel_steps": 6}
    check_file(*make_unet(depth=3, **settings), tmp_path)


def check_file(module, variables, forward, tmp_path):
    file = tmp_path / "generator.stablehlo"
    file.write_bytes(to_stablehlo(forward, variables, module.stride))
    translate, predict = load_exported(file), Predictor(forward, variables, module.stride)
    for size in SIZES[:2]:  # each size is compiled twice
        images = cut(2, *size)
        assert difference(translate(images), predict(images)) <= 1
    assert predict(images).std() > 1
