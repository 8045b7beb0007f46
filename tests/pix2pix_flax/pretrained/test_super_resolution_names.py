"""Networks for super-resolution come from PyTorch's names and go back to them unchanged."""

from pathlib import Path

import jax
import numpy as np
import pytest
import safetensors.numpy
import skimage.data
from flax.traverse_util import flatten_dict

from configs import lite_x4_real, paper, rrdb, srresnet
from pix2pix_flax.export.exporter import ExportError, export_generator
from pix2pix_flax.models.frozen.pytorch_reader import PyTorchFileError
from pix2pix_flax.pretrained import super_resolution_names as names
from pix2pix_flax.pretrained import super_resolution_tables as tables
from pix2pix_flax.pretrained.generator import TrainedGenerator, load_generator, to_safetensors
from pix2pix_flax.pretrained.pytorch_import import import_generator
from pix2pix_flax.tasks.factory import make_task
from tests.pix2pix_flax.export.networks import PHOTOGRAPHS, roughened

TOLERANCE = 1e-4  # of [0, 1]
SMALL = {"width": 8, "scale": 3, "out_channels": 3, "kernel_init": "kaiming"}
SPAN = SMALL | {"name": "span", "blocks": 6}
KINDS = {
    "compact": (lite_x4_real, SMALL | {"name": "compact", "blocks": 2}),
    "span": (lite_x4_real, {**SPAN, "centred": False, "residual": False}),
    "centred span": (lite_x4_real, {**SPAN, "centred": True, "residual": False}),
    "residual span": (lite_x4_real, {**SPAN, "centred": False, "residual": True}),
    "our span": (lite_x4_real, {**SPAN, "centred": True, "residual": True}),
    "rrdb": (rrdb, {"blocks": 1, "width": 64, "scale": 4}),
    "srresnet": (srresnet, {"blocks": 2, "width": 8, "scale": 2, "unit_range": True}),
}


def make_generator(kind, **changes):
    recipe, settings = KINDS[kind]
    config = recipe.get_config("smoke")
    with config.unlocked():
        if "name" in settings:
            config.generator = {}
        config.generator.update(settings | changes)
    config.sizes.crop = 24  # a multiple of each scale
    task = make_task(config, total_steps=1)
    start = jax.jit(lambda: task.step.gen.net.init(jax.random.key(0), task.network_input()))()
    return TrainedGenerator(config, roughened(start.variables), Path())


def run(generator, levels):
    """Runs the network without a border on levels [B, H, W, 3] in [0, 1]."""
    output = generator.task.module.apply(generator.variables, 2 * levels - 1, train=False)
    return (np.asarray(output) + 1) / 2


def write(path, arrays):
    path.write_bytes(safetensors.numpy.save(arrays))
    return path


UNCHANGED = [kind for kind in KINDS if kind not in ("residual span", "our span")]


@pytest.fixture(scope="module", params=UNCHANGED)
def generator(request):
    return make_generator(request.param)


def test_a_network_comes_back_from_its_names(generator, tmp_path):
    arrays = names.to_names(generator.variables, generator.config.generator)
    assert all(array.ndim in (1, 4) for array in arrays.values())
    found = import_generator(write(tmp_path / "a.safetensors", arrays), paper.get_config())
    wanted = generator.config.generator.to_dict() | {"kernel_init": None}
    assert found.config.generator.to_dict() | {"kernel_init": None} == wanted
    pairs = (flatten_dict(each.variables, sep="/") for each in (found, generator))
    ours, theirs = pairs
    assert ours.keys() == theirs.keys()
    for path in ours:
        np.testing.assert_allclose(ours[path], theirs[path], rtol=1e-6)
    # The file that import writes is a network like any other.
    (tmp_path / "b.safetensors").write_bytes(to_safetensors(found))
    loaded = load_generator(tmp_path / "b.safetensors")
    assert loaded.task.resolution.scale == generator.config.generator.scale


@pytest.mark.parametrize("style", ["trunk", "old"])
@pytest.mark.parametrize("scale", [1, 2, 4])
def test_older_names_of_esrgan_are_read(tmp_path, style, scale):
    generator = make_generator("rrdb", scale=scale, width=8)
    table = tables.rrdb(generator.config.generator, style)
    newest = tables.rrdb(generator.config.generator)
    arrays = dict(flatten_dict(generator.variables, sep="/"))
    stored = {}
    for path, array in arrays.items():
        array = np.asarray(array).transpose(3, 2, 0, 1) if array.ndim == 4 else np.asarray(array)
        stored[table[path].name] = np.ascontiguousarray(array)
        assert table[path].name != newest[path].name or "conv_" in table[path].name
    found = import_generator(write(tmp_path / "a.safetensors", stored), paper.get_config())
    for path, array in flatten_dict(found.variables, sep="/").items():
        np.testing.assert_array_equal(array, arrays[path])


def test_the_channels_before_a_pixel_shuffle_change_places():
    theirs = np.arange(12)  # colour 0 of the pixels (0, 0), (0, 1), (1, 0), (1, 1); colour 1, ...
    ours = names._unshuffled(theirs, 2)
    assert ours.tolist() == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]
    assert names._shuffled(ours, 2).tolist() == theirs.tolist()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"body.0.weight": np.zeros((8, 12, 3, 3), np.float32)}, "takes .12.* channels"),
        ({"body.2.bias": None}, r"body\.2\.bias is missing"),
        ({"body.2.bias": np.zeros(7, np.float32)}, r"body\.2\.bias is \[7\]"),
        ({"tail.weight": np.zeros(7, np.float32)}, r"no layer has a place for tail\.weight"),
        ({"body.1.weight": np.full(8, np.nan, np.float32)}, "not finite"),
    ],
)
def test_other_networks_are_refused_in_one_line(tmp_path, change, problem):
    generator = make_generator("compact")
    arrays = names.to_names(generator.variables, generator.config.generator) | change
    arrays = {name: array for name, array in arrays.items() if array is not None}
    with pytest.raises(PyTorchFileError, match=problem) as caught:
        import_generator(write(tmp_path / "a.safetensors", arrays), paper.get_config())
    assert "\n" not in str(caught.value)


def test_a_span_that_other_programs_cannot_open_is_refused():
    generator = make_generator("span", blocks=2)
    with pytest.raises(names.UnknownError, match="blocks 6 alone"):
        names.to_names(generator.variables, generator.config.generator)


@pytest.mark.parametrize("kind", ["residual span", "our span"])
def test_a_span_with_residual_goes_away_as_one_without(kind, tmp_path):
    generator = make_generator(kind)
    arrays = names.to_names(generator.variables, generator.config.generator)
    found = import_generator(write(tmp_path / "a.safetensors", arrays), paper.get_config())
    assert not found.config.generator.residual
    assert found.config.generator.width == generator.config.generator.width + 3
    levels = np.float32(skimage.data.coffee()[None, 100:113, 200:217]) / 255
    np.testing.assert_allclose(run(found, levels), run(generator, levels), atol=TOLERANCE)


def test_an_export_under_these_names_is_compared_with_the_network(tmp_path):
    file, output = tmp_path / "a.safetensors", tmp_path / "pytorch.safetensors"
    file.write_bytes(to_safetensors(make_generator("compact")))
    report = export_generator(file, "pytorch", output, PHOTOGRAPHS)
    assert report.difference <= 1
    assert "body.0.weight" in safetensors.numpy.load_file(output)
    other = make_generator("srresnet", unit_range=False)
    file.write_bytes(to_safetensors(other))
    with pytest.raises(ExportError, match="names are known for networks that compute on levels in"):
        export_generator(file, "pytorch", output, PHOTOGRAPHS, overwrite=True)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "srresnet"])
def test_spandrel_opens_it_and_both_compute_the_same(tmp_path, kind):
    torch, spandrel = pytest.importorskip("torch"), pytest.importorskip("spandrel")
    generator = make_generator(kind)
    levels = np.float32(skimage.data.coffee()[None, 100:113, 200:217]) / 255
    arrays = names.to_names(generator.variables, generator.config.generator)
    path = write(tmp_path / "a.safetensors", arrays)
    model = spandrel.ModelLoader().load_from_file(path)
    assert model.scale == generator.config.generator.scale
    with torch.no_grad():
        found = model.model(torch.from_numpy(levels).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    wanted = run(generator, levels)
    np.testing.assert_allclose(found.numpy(), wanted, atol=TOLERANCE * np.abs(wanted).max())
    torch.save({"params_ema": model.model.state_dict()}, tmp_path / "b.pth")
    back = import_generator(tmp_path / "b.pth", paper.get_config())
    np.testing.assert_allclose(run(back, levels), wanted, atol=TOLERANCE * np.abs(wanted).max())
