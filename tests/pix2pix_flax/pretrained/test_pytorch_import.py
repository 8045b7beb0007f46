"""Generators of pytorch-CycleGAN-and-pix2pix compute here what they compute in PyTorch."""

from pathlib import Path

import jax
import numpy as np
import pytest
import safetensors.numpy
import skimage.data
from PIL import Image

from configs.paper import get_config
from pix2pix_flax.models.frozen.pytorch_reader import PyTorchFileError, read_state_dict
from pix2pix_flax.pretrained.generator import describe, load_generator
from pix2pix_flax.pretrained.pytorch_import import import_generator
from tests.commands import run_command

DATA = Path(__file__).with_name("data")
PHOTOGRAPH = skimage.data.chelsea()[80:208, 110:238]
SETTINGS = {
    "unet_batch": {"name": "unet", "depth": 7, "width": 1, "norm": "batch", "dropout": 0.5},
    "unet_instance": {"name": "unet", "depth": 7, "width": 1, "norm": "instance", "dropout": 0.5},
    "resnet_batch": {"name": "resnet", "blocks": 6, "width": 2, "norm": "batch", "dropout": 0.0},
    "resnet_instance": {
        "name": "resnet",
        "blocks": 6,
        "width": 2,
        "norm": "instance",
        "dropout": 0.5,
    },
}
"""Of the files in data/, which pytorch_networks.py made."""
TOLERANCE = 1e-4  # of [-1, 1]; the weights are such that an eighth of a grey level is more


def translate(generator, picture):
    return np.asarray(jax.jit(generator.task.predict)(generator.variables, picture[None]))[0]


def changed(tmp_path, name, **changes):
    """A file of other arrays: None leaves one out, a function changes it."""
    arrays = read_state_dict(DATA / f"{name}.pth")
    for key, change in changes.items():
        if change is None:
            del arrays[key]
        else:
            arrays[key] = change(arrays.get(key))
    path = tmp_path / "changed.safetensors"
    path.write_bytes(
        safetensors.numpy.save({k: np.ascontiguousarray(v) for k, v in arrays.items()})
    )
    return path


def import_changed(tmp_path, name, **changes):
    return import_generator(changed(tmp_path, name, **changes), get_config())


@pytest.mark.parametrize("name", SETTINGS)
def test_it_returns_what_it_returned_in_pytorch(name):
    generator = import_generator(DATA / f"{name}.pth", get_config())
    with np.load(DATA / f"{name}.npz") as file:
        expected = file["arr_0"]
    found = translate(generator, PHOTOGRAPH)[::5, ::7]
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)
    assert expected.std() > 0.2


@pytest.mark.parametrize("name", SETTINGS)
def test_the_configuration_says_what_it_is(name):
    found = import_generator(DATA / f"{name}.pth", get_config()).config
    constant = {"out_channels": 3, "upsample": "transpose", "kernel_init": "normal", "remat": False}
    if found.generator.name == "unet":
        constant |= {"fine_width": 0, "residual": False, "cel_steps": 0, "cel_print": False}
    assert found.generator.to_dict() == SETTINGS[name] | constant
    assert (found.inference.statistics, found.inference.dropout) == ("running", False)
    given = get_config().to_dict()
    unchanged = {name: given[name] for name in ("generator", "inference")}
    assert found.to_dict() | unchanged == given


def test_the_papers_test_has_batch_statistics_and_dropout():
    path = DATA / "resnet_batch.pth"
    generator = import_generator(path, get_config(), paper_test=True)
    assert (generator.config.inference.statistics, generator.config.inference.dropout) == (
        "batch",
        True,
    )
    twice = np.stack([PHOTOGRAPH[:32, :32], PHOTOGRAPH[32:64, :32]])
    both = np.asarray(generator.task.predict(generator.variables, twice))
    plain = import_generator(path, get_config())
    assert np.abs(both - plain.task.predict(plain.variables, twice)).max() > 0.1
    np.testing.assert_allclose(both[1], translate(generator, twice[1]), rtol=0, atol=TOLERANCE)


def test_what_pytorch_does_not_have_changes_nothing():
    params = import_generator(DATA / "unet_batch.pth", get_config()).variables["params"]
    assert not params["down0"]["bias"].any()
    params = import_generator(DATA / "unet_instance.pth", get_config()).variables["params"]
    assert (params["up1_norm"]["GroupNorm_0"]["scale"] == 1).all()
    assert not params["up1_norm"]["GroupNorm_0"]["bias"].any()
    assert params["down1"]["bias"].any()


def test_statistics_that_old_instance_norms_kept_are_left_out(tmp_path):
    kept = dict.fromkeys(("model.2.running_mean", "model.2.running_var"), lambda _: np.ones(2))
    generator = import_changed(tmp_path, "resnet_instance", **kept)
    assert generator.config.generator.norm == "instance"
    assert generator.variables.keys() == {"params"}


def test_networks_of_grey_pictures_take_and_return_rgb(tmp_path):
    first, last = "model.1.weight", "model.23"
    grey = {
        first: lambda kernel: kernel[:, :1],
        f"{last}.weight": lambda kernel: kernel[:1],
        f"{last}.bias": lambda bias: bias[:1],
    }
    generator = import_changed(tmp_path, "resnet_batch", **grey)
    colourful = PHOTOGRAPH ^ np.uint8([0, 0, 255])
    found = translate(generator, colourful)
    np.testing.assert_array_equal(found, found[..., :1].repeat(3, -1))
    grey = np.asarray(Image.fromarray(colourful).convert("L"))[..., None].repeat(3, -1)
    rounded, swapped = (
        np.abs(found - translate(generator, picture)).mean()
        for picture in (grey, colourful[..., ::-1])
    )
    assert 0 < rounded < swapped / 10  # PIL rounds


@pytest.mark.parametrize(
    ("name", "changes", "problem"),
    [
        ("resnet_batch", {"model.4.weight": None}, r"model\.4\.weight is missing"),
        ("resnet_batch", {"model.5.bias": None}, r"model\.5\.bias is missing"),
        ("resnet_instance", {"model.4.bias": None}, r"model\.4\.bias is missing"),
        ("unet_batch", {"model.model.3.bias": None}, r"model\.model\.3\.bias is missing"),
        (
            "unet_batch",
            {"model.model.1.model.1.weight": lambda kernel: kernel[..., :3]},
            r"model\.1\.weight is float32 \[2, 1, 4, 3\], which does not fit params/down1/kernel",
        ),
        (
            "resnet_batch",
            {"model.5.bias": lambda bias: bias.astype(int)},
            r"model\.5\.bias is int64",
        ),
        (
            "resnet_batch",
            {"model.99.weight": lambda _: np.ones(1)},
            r"no layer has a place for model\.99\.weight",
        ),
        ("resnet_batch", {"model.1.weight": lambda kernel: kernel[:0]}, "no kernel model.1.weight"),
        ("resnet_batch", {"model.1.weight": None}, r"other names than unet_\*, resnet_\*blocks"),
        (
            "resnet_batch",
            {"model.1.weight": lambda kernel: kernel[:, :2]},
            r"returns 3 channels for images of 2; only 3 \(RGB\) and 1 \(grey\)",
        ),
        (
            "unet_batch",
            {"model.model.3.weight": lambda kernel: kernel[:, :2]},
            r"returns 2 channels for images of 3; only 3 \(RGB\) and 1 \(grey\)",
        ),
        (
            "unet_batch",
            {"model.model.1.model.3.model.3.model.1.weight": None},
            "a U-Net of 3 levels, not 5 to 10",
        ),
    ],
)
def test_other_networks_are_refused_in_one_line(tmp_path, name, changes, problem):
    with pytest.raises(PyTorchFileError, match=problem) as caught:
        import_changed(tmp_path, name, **changes)
    start = f"{tmp_path / 'changed.safetensors'} holds no generator that can be imported: "
    assert str(caught.value).startswith(start)
    assert "\n" not in str(caught.value)


@pytest.fixture
def pytorch():
    """The networks in PyTorch."""
    pytest.importorskip("torch")
    from tests.pix2pix_flax.pretrained import pytorch_networks

    return pytorch_networks


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "unet", "size": 8, "width": 4, "norm": "batch", "dropout": True},
        {"kind": "unet", "size": 7, "width": 2, "norm": "none", "inputs": 1, "outputs": 1},
        {"kind": "resnet", "size": 9, "width": 4, "norm": "instance"},
        {"kind": "resnet", "size": 6, "width": 4, "norm": "batch", "dropout": True, "outputs": 1},
        {"kind": "resnet", "size": 6, "width": 4, "norm": "none"},
    ],
    ids=str,
)
def test_it_returns_what_pytorch_returns(pytorch, tmp_path, settings):
    network = pytorch.make_network(**settings, seed=1)
    pytorch.torch.save(network.state_dict(), tmp_path / "net.pth")
    generator = import_generator(tmp_path / "net.pth", get_config())
    assert generator.config.generator.norm == settings["norm"]
    for picture in (skimage.data.astronaut()[:256, 100:356], skimage.data.coffee()[:256, :256]):
        seen = (
            picture @ np.float32([[0.299], [0.587], [0.114]]) if "inputs" in settings else picture
        )
        expected = np.broadcast_to(pytorch.translate(network, seen), picture.shape)
        found = translate(generator, picture)
        np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("kind", ["unet", "resnet"])
def test_batch_statistics_at_test_are_those_of_pytorch(pytorch, tmp_path, kind):
    network = pytorch.make_network(kind, 7, 2, "batch")
    pytorch.torch.save(network.state_dict(), tmp_path / "net.pth")
    generator = import_generator(tmp_path / "net.pth", get_config(), paper_test=True)
    with generator.config.unlocked():
        generator.config.generator.dropout = 0.0  # its draws differ
    expected = pytorch.translate(network, PHOTOGRAPH, train=True)
    found = translate(generator, PHOTOGRAPH)
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


def run_script(*arguments):
    return run_command("scripts/import_pytorch.py", *arguments)


def test_the_script_writes_a_file_that_is_loaded_like_others(tmp_path):
    source, output = DATA / "resnet_batch.pth", tmp_path / "new" / "net.safetensors"
    done = run_script(f"--input={source}", f"--output={output}", "--paper_test")
    assert done.stdout == f"{output}: resnet of 6 blocks, width 2, norm batch\n", done.stderr
    assert list(output.parent.iterdir()) == [output]
    found, wanted = load_generator(output), import_generator(source, get_config(), paper_test=True)
    assert describe(found.config) == describe(wanted.config)
    jax.tree.map(np.testing.assert_array_equal, found.variables, wanted.variables)


def test_a_value_of_no_configuration_is_told_in_one_line():
    done = run_script("--config.train.steps=1", "--input=a.pth", "--output=a.safetensors")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_the_script_keeps_what_is_there_and_says_why(tmp_path):
    output = tmp_path / "net.safetensors"
    output.write_bytes(b"mine")
    for arguments, problem in (
        ((f"--input={DATA / 'unet_batch.npz'}", f"--output={output}"), "exists already"),
        ((f"--input={DATA / 'unet_batch.npz'}", f"--output={output}", "--overwrite"), "zip file"),
        (("--input=none.pth", f"--output={tmp_path / 'net.pth'}"), "does not end in .safetensors"),
    ):
        done = run_script(*arguments)
        assert done.returncode == 1
        assert done.stderr.startswith("error: ")
        assert problem in done.stderr
        assert done.stderr.count("\n") == 1
    assert output.read_bytes() == b"mine"


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."]
)
def test_prefixes_of_wrappers_are_left_out(tmp_path, prefix):
    arrays = read_state_dict(DATA / "unet_batch.pth")
    path = tmp_path / "wrapped.safetensors"
    path.write_bytes(safetensors.numpy.save({prefix + k: v.copy() for k, v in arrays.items()}))
    plain = import_generator(DATA / "unet_batch.pth", get_config())
    jax.tree.map(
        np.testing.assert_array_equal,
        import_generator(path, get_config()).variables,
        plain.variables,
    )
    arrays = {prefix + "model.x": np.ones(1, np.float32), "other": np.ones(1, np.float32)}
    path.write_bytes(safetensors.numpy.save(arrays))
    with pytest.raises(PyTorchFileError, match="its arrays have other names"):
        import_generator(path, get_config())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(tmp_path, value):
    def spoil(array):
        array = array.copy()
        array.flat[3] = value
        return array

    with pytest.raises(PyTorchFileError, match=r"model\.1\.weight has numbers that are not finite"):
        import_changed(tmp_path, "resnet_batch", **{"model.1.weight": spoil})
