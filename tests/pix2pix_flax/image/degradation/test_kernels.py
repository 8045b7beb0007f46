"""Blur kernels against SciPy and the formulas of Wang et al. 2021 in NumPy."""

import jax
import numpy as np
import pytest
import scipy.ndimage
import scipy.special
import scipy.stats
import skimage.data

from pix2pix_flax.image.degradation.kernels import (
    RADIUS,
    Blur,
    bell_kernel,
    blur,
    draw_final_sinc,
    impulse,
    sinc_kernel,
)

Y, X = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
PLACES = np.stack([X, Y], axis=-1)


def cut(kernel, radius):
    kernel = np.where(np.maximum(abs(X), abs(Y)) <= radius, kernel, 0.0)
    return kernel / kernel.sum()


def covariance(sigma, angle):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turn @ np.diag(np.square(sigma)) @ turn.T


@pytest.mark.parametrize(("sigma", "angle", "radius"), [((2, 2), 0, 10), ((0.6, 3), 0.7, 5)])
def test_a_gaussian_is_scipys(sigma, angle, radius):
    found = bell_kernel(np.float32(sigma), angle, 1.0, False, radius)
    density = scipy.stats.multivariate_normal([0, 0], covariance(sigma, angle)).pdf(PLACES)
    np.testing.assert_allclose(found, cut(density, radius), atol=1e-6)


@pytest.mark.parametrize("beta", [0.5, 1.7, 4.0])
@pytest.mark.parametrize("plateau", [False, True])
def test_generalized_and_plateau_kernels_are_the_papers(beta, plateau):
    inverse = np.linalg.inv(covariance((1.2, 2.5), -1.1))
    power = np.einsum("yxi,ij,yxj->yx", PLACES, inverse, PLACES) ** beta
    wanted = cut(1 / (1 + power) if plateau else np.exp(-power / 2), 9)
    found = bell_kernel(np.float32([1.2, 2.5]), -1.1, beta, plateau, 9)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize("cutoff", [np.pi / 5, 2.0, np.pi])
def test_a_sinc_kernel_has_scipys_bessel_function(cutoff):
    distance = np.maximum(np.hypot(X, Y), 1e-12)
    wanted = cutoff * scipy.special.j1(cutoff * distance) / (2 * np.pi * distance)
    np.testing.assert_allclose(sinc_kernel(cutoff, 10), cut(wanted, 10), atol=1e-6)


def test_blur_is_scipys_convolution_with_reflection():
    image = np.float32(skimage.data.coffee()[:40, :33])
    kernel = np.array(bell_kernel(np.float32([0.8, 2.5]), 0.4, 1.0, False, 7))
    kernel[0, 0] = 0.1  # without symmetry, or a wrong direction would not show
    wanted = [scipy.ndimage.convolve(image[..., c], kernel, mode="mirror") for c in range(3)]
    np.testing.assert_allclose(blur(image, kernel), np.stack(wanted, -1), atol=0.01)
    np.testing.assert_allclose(blur(image, impulse()), image, atol=1e-3)


def test_draws_have_the_wanted_shares():
    settings = Blur(0.8, 0.25, 0.6, (0.7, 0.15, 0.15), (0.2, 3.0))
    keys = jax.random.split(jax.random.key(0), 400)
    kernels = np.array(jax.vmap(settings.draw)(keys))
    np.testing.assert_allclose(kernels.sum((1, 2)), 1.0, atol=1e-5)
    is_impulse = (kernels[:, RADIUS, RADIUS] == 1) & (np.count_nonzero(kernels, (1, 2)) == 1)
    has_ringing = kernels.min((1, 2)) < -1e-6
    # Of the narrowest Gaussians a few are impulses too.
    assert 0.15 < is_impulse.mean() < 0.3
    assert 0.15 < has_ringing.mean() < 0.25
    finals = jax.vmap(lambda key: draw_final_sinc(key, 0.8))(keys)
    assert 0.75 < (np.array(finals).min((1, 2)) < -1e-6).mean() < 0.85
