"""LPIPS against a PyTorch reimplementation that shares nothing but the weights."""

import functools

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data

from pix2pix_flax.cache import CACHE_VARIABLE
from pix2pix_flax.models.frozen import weights
from pix2pix_flax.models.frozen.lpips import _unit_length, lpips


@pytest.fixture(scope="module", params=weights.LPIPS_NETS)
def net(request):
    return request.param


@pytest.fixture(scope="module")
def metric(net, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(tmp_path_factory.mktemp("cache")))
        try:
            params = weights.load_lpips_weights(net)
        except weights.WeightsMissingError as error:
            pytest.skip(str(error))
    return jax.jit(functools.partial(lpips, net=net)), params


def photographs(size=64):
    """Two real photographs, [2, size, size, 3] in [-1, 1]."""
    pictures = [skimage.data.astronaut(), skimage.data.coffee()]
    small = [cv2.resize(p, (size, size), interpolation=cv2.INTER_AREA) for p in pictures]
    return np.stack(small).astype(np.float32) / 127.5 - 1


def torch_lpips(net, params, a, b):
    """The published definition, layer by layer, in NCHW."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    functional = torch.nn.functional

    def conv(x, i, **options):
        layer = params["features"][f"Conv_{i}"]
        kernel = torch.from_numpy(layer["kernel"].transpose(3, 2, 0, 1).copy())
        return torch.relu(functional.conv2d(x, kernel, torch.from_numpy(layer["bias"]), **options))

    def alexnet(x):
        one = conv(x, 0, stride=4, padding=2)
        two = conv(functional.max_pool2d(one, 3, 2), 1, padding=2)
        three = conv(functional.max_pool2d(two, 3, 2), 2, padding=1)
        four = conv(three, 3, padding=1)
        return one, two, three, four, conv(four, 4, padding=1)

    def vgg16(x):
        maps, layer = [], 0
        for depth in (2, 2, 3, 3, 3):
            x = functional.max_pool2d(x, 2) if maps else x
            for _ in range(depth):
                x = conv(x, layer, padding=1)
                layer += 1
            maps.append(x)
        return maps

    def features(images):
        x = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
        shift = torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)
        scale = torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1)
        maps = {"alexnet": alexnet, "vgg16": vgg16}[net]((x - shift) / scale)
        return [m / (m.pow(2).sum(1, keepdim=True).sqrt() + 1e-10) for m in maps]

    total = torch.zeros(len(a))
    for i, (x, y) in enumerate(zip(features(a), features(b), strict=True)):
        head = torch.from_numpy(params["heads"][str(i)]).view(1, -1, 1, 1)
        total += functional.conv2d((x - y) ** 2, head).mean((1, 2, 3))
    return total.numpy()


@pytest.mark.parametrize("size", [64, 75])
def test_equals_pytorch(metric, net, size):
    fn, params = metric
    a = photographs(size)
    b = a[:, ::-1].copy()
    expected = torch_lpips(net, params, a, b)
    assert (expected > 0.1).all()
    np.testing.assert_allclose(fn(params, a, b), expected, rtol=1e-4)


def test_zero_for_equal_images_and_symmetric(metric):
    fn, params = metric
    a = photographs()
    b = a[::-1]
    np.testing.assert_allclose(fn(params, a, a), np.zeros(2), atol=1e-12)
    np.testing.assert_allclose(fn(params, a, b), fn(params, b, a), rtol=1e-6)


def test_grows_with_noise_and_blur(metric):
    fn, params = metric
    a = photographs()
    noise = np.random.default_rng(0).normal(size=a.shape).astype(np.float32)
    noisy = [fn(params, a, np.clip(a + s * noise, -1, 1)) for s in (0.02, 0.1, 0.3)]
    blurred = [
        fn(params, a, np.stack([cv2.GaussianBlur(p, (0, 0), s) for p in a])) for s in (0.5, 1, 3)
    ]
    for distances in (noisy, blurred):
        assert (np.diff(distances, axis=0) > 0).all()
        assert (distances[0] > 0).all()


def test_gradients_are_finite_and_not_zero(metric, net):
    params = metric[1]
    a = jnp.asarray(photographs(32))
    gradient = jax.jit(jax.grad(lambda p, x, y: lpips(p, x, y, net=net).sum(), argnums=1))
    assert np.isfinite(gradient(params, a, a)).all()
    assert np.isfinite(gradient(params, jnp.zeros_like(a), a)).all()
    assert (np.abs(gradient(params, jnp.zeros_like(a), a)).max((1, 2, 3)) > 0).all()


def test_features_that_vanish_have_a_finite_gradient():
    features = jnp.zeros((1, 2, 2, 4)).at[0, 0, 0, 0].set(3.0)
    np.testing.assert_array_equal(_unit_length(features), features / 3)
    assert np.isfinite(jax.grad(lambda x: (_unit_length(x) ** 2).sum())(features)).all()


def test_wrong_shapes_are_named(metric, net):
    fn, params = metric
    a = np.zeros((1, 64, 64, 3), np.float32)
    with pytest.raises(ValueError, match="two batches"):
        fn(params, a, a[:, :32])
    with pytest.raises(ValueError, match="two batches"):
        fn(params, a[..., :1], a[..., :1])
    small = {"alexnet": 30, "vgg16": 15}[net]
    with pytest.raises(ValueError, match=f"{small + 1}x{small + 1} or more"):
        fn(params, a[:, :small], a[:, :small])
    assert fn(params, a[:, : small + 1, : small + 1], a[:, : small + 1, : small + 1]).shape == (1,)
