"""VGG19 from files of torchvision and Keras, and its maps against PyTorch's."""

import jax
import numpy as np
import pytest
import safetensors.numpy
import skimage.data

from pix2pix_flax.models.frozen.pytorch_reader import PyTorchFileError
from pix2pix_flax.models.frozen.vgg import VGG19
from pix2pix_flax.models.frozen.vgg19_weights import load_vgg19
from pix2pix_flax.models.frozen.weights import WeightsError

PLACES = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
WIDTHS = [64] * 2 + [128] * 2 + [256] * 4 + [512] * 8
LAST = {"conv5_4": 34, "relu5_4": 35}
PHOTO = skimage.data.coffee()[None, 100:132, 200:240]


@pytest.fixture(scope="module")
def arrays():
    """Random weights under torchvision's names."""
    rng, channels, found = np.random.default_rng(0), 3, {}
    for place, width in zip(PLACES, WIDTHS, strict=True):
        kernel = rng.standard_normal((width, channels, 3, 3), np.float32)
        found[f"features.{place}.weight"] = kernel * np.float32((2 / (9 * channels)) ** 0.5)
        found[f"features.{place}.bias"] = 0.1 * rng.standard_normal(width, np.float32)
        channels = width
    return found


@pytest.fixture(scope="module")
def file(arrays, tmp_path_factory):
    path = tmp_path_factory.mktemp("vgg19") / "vgg19.safetensors"
    dense = {"classifier.0.weight": np.zeros((8, 8), np.float32)}
    path.write_bytes(safetensors.numpy.save(arrays | dense))
    return path


def maps(weights, levels, rectified=True):
    images = (levels / 127.5 - 1 - weights["shift"]) / weights["scale"]
    return VGG19(rectified=rectified).apply({"params": weights["features"]}, images)


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_maps_are_pytorchs(arrays, file, tmp_path, suffix):
    torch = pytest.importorskip("torch")
    layers, channels = [], 3
    for place in range(36):
        if f"features.{place}.weight" in arrays:
            width = len(arrays[f"features.{place}.bias"])
            layers.append(torch.nn.Conv2d(channels, width, 3, padding=1))
            channels = width
        else:
            is_activation = f"features.{place - 1}.weight" in arrays
            layers.append(torch.nn.ReLU() if is_activation else torch.nn.MaxPool2d(2))
    network = torch.nn.Module()
    network.features = torch.nn.Sequential(*layers)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    if suffix == "pth":
        file = tmp_path / "vgg19.pth"
        torch.save(network.state_dict(), file, _use_new_zipfile_serialization=False)
    weights = load_vgg19(file)
    levels = torch.from_numpy(PHOTO.copy()).permute(0, 3, 1, 2) / 255
    mean, deviation = (
        torch.tensor(values)[:, None, None]
        for values in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    )
    with torch.no_grad():
        for rectified, end in ((False, LAST["conv5_4"]), (True, LAST["relu5_4"])):
            wanted = network.features[: end + 1]((levels - mean) / deviation)
            found = maps(weights, np.float32(PHOTO), rectified)[-1]
            assert found.shape == (1, 2, 2, 512)
            wanted = wanted.permute(0, 2, 3, 1).numpy()
            np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())


def test_maps_before_the_activation_are_those_that_it_takes(file):
    weights = load_vgg19(file)
    before, behind = (maps(weights, np.float32(PHOTO), each) for each in (False, True))
    assert [x.shape[-1] for x in behind] == [64, 128, 256, 512, 512]
    for linear, rectified in zip(before, behind, strict=True):
        assert linear.min() < 0
        np.testing.assert_allclose(jax.nn.relu(linear), rectified)


@pytest.mark.parametrize("groups", ["", "model_weights/"])
def test_a_file_of_keras_has_its_own_levels_and_order_of_colours(arrays, tmp_path, groups):
    h5py = pytest.importorskip("h5py")
    path, places = tmp_path / "vgg19_notop.h5", iter(PLACES)
    with h5py.File(path, "w") as file:
        for block, depth in enumerate((2, 2, 4, 4, 4), 1):
            for conv in range(1, depth + 1):
                name, place = f"block{block}_conv{conv}", next(places)
                group = file.create_group(f"{groups}{name}/{name}")
                kernel = arrays[f"features.{place}.weight"].transpose(2, 3, 1, 0)
                group["kernel:0"], group["bias:0"] = kernel, arrays[f"features.{place}.bias"]
    weights = load_vgg19(path)
    bgr = np.float32(PHOTO)[..., ::-1] - np.float32([103.939, 116.779, 123.68])
    raw = {
        "features": {
            f"Conv_{i}": {
                "kernel": arrays[f"features.{place}.weight"].transpose(2, 3, 1, 0),
                "bias": arrays[f"features.{place}.bias"],
            }
            for i, place in enumerate(PLACES)
        }
    }
    wanted = VGG19(rectified=True).apply({"params": raw["features"]}, bgr)[0]
    found = maps(weights, np.float32(PHOTO))[0]
    np.testing.assert_allclose(found, wanted, atol=2e-4 * np.abs(wanted).max())


def test_another_network_is_refused_in_one_line(arrays, tmp_path):
    path = tmp_path / "vgg.safetensors"

    def refuse(problem, **changes):
        kept = {name: a for name, a in (arrays | changes).items() if a is not None}
        path.write_bytes(safetensors.numpy.save(kept))
        with pytest.raises(WeightsError, match=problem) as caught:
            load_vgg19(path)
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)

    refuse("features.34.bias is missing", **{"features.34.bias": None})
    kernel = arrays["features.0.weight"][:, :1]
    refuse("convolution 1 has a kernel", **{"features.0.weight": np.ascontiguousarray(kernel)})
    refuse("more layers", **{"features.37.weight": kernel})
    broken = arrays["features.2.bias"] + np.float32(np.nan)
    refuse("not finite", **{"features.2.bias": broken})


def test_a_file_that_is_none_is_refused_in_one_line(tmp_path):
    for name, kind in (("a.pth", PyTorchFileError), ("a.h5", WeightsError)):
        (tmp_path / name).write_bytes(b"no weights")
        with pytest.raises(kind, match=name) as caught:
            load_vgg19(tmp_path / name)
        assert "\n" not in str(caught.value)
        with pytest.raises(FileNotFoundError):
            load_vgg19(tmp_path / f"none{name}")
    with pytest.raises(WeightsError, match=r"config\.perceptual\.vgg19_file"):
        load_vgg19("")
