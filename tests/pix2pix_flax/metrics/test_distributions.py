"""Distances of sets against closed forms, naive loops, SciPy and scikit-learn."""

import numpy as np
import pytest
import scipy.linalg
from sklearn.neighbors import NearestNeighbors

from pix2pix_flax.metrics import distributions
from pix2pix_flax.metrics.distributions import (
    frechet,
    kernel,
    precision_recall_density_coverage,
    vgg16_distances,
)


@pytest.fixture
def small_blocks(monkeypatch):
    """Several blocks, the last of them not full."""
    monkeypatch.setattr(distributions, "_BLOCK", 7)


def whitened(n, d, seed):
    """Returns [n, d] of mean 0 and covariance 1, exactly; n above d."""
    noise = np.random.default_rng(seed).normal(size=(n, d))
    orthogonal, _ = np.linalg.qr(noise - noise.mean(axis=0))
    return orthogonal * np.sqrt(n - 1)


def cloud(n, d, seed, mean=0.0, scale=1.0):
    return np.random.default_rng(seed).normal(mean, scale, (n, d))


def diagonal_frechet(mean_a, sigma_a, mean_b, sigma_b):
    return ((mean_a - mean_b) ** 2).sum() + ((sigma_a - sigma_b) ** 2).sum()


def test_frechet_of_diagonal_gaussians():
    mean_a, mean_b = cloud(2, 6, seed=0)
    sigma_a, sigma_b = np.abs(cloud(2, 6, seed=1))
    a, b = whitened(40, 6, seed=2) * sigma_a + mean_a, whitened(31, 6, seed=3) * sigma_b + mean_b
    expected = diagonal_frechet(mean_a, sigma_a, mean_b, sigma_b)
    np.testing.assert_allclose(frechet(a, b), expected, rtol=1e-12)
    np.testing.assert_allclose(frechet(b, a), expected, rtol=1e-12)


def test_frechet_of_fewer_samples_than_dimensions():
    # 12 directions of 100 have a spread, the same for both sets; a rotation hides which.
    sigma_a, sigma_b = np.abs(cloud(2, 12, seed=1))
    rotation = np.linalg.qr(cloud(100, 100, seed=4))[0][:12]
    a = whitened(20, 12, seed=2) * sigma_a @ rotation
    b = whitened(15, 12, seed=3) * sigma_b @ rotation
    np.testing.assert_allclose(frechet(a, b), ((sigma_a - sigma_b) ** 2).sum(), rtol=1e-12)


def test_frechet_equals_the_root_of_the_matrix_product():
    mix = cloud(9, 9, seed=5)
    a, b = cloud(200, 9, seed=6) @ mix + 1, cloud(150, 9, seed=7)
    covariances = [np.cov(x, rowvar=False) for x in (a, b)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
    expected += np.trace(sum(covariances) - 2 * root)
    np.testing.assert_allclose(frechet(a, b), expected, rtol=1e-9)


@pytest.mark.parametrize("n", [10, 200])
def test_frechet_of_a_set_from_itself_is_zero(n):
    a = 30 * cloud(n, 64, seed=8).astype(np.float32)
    assert 0 <= frechet(a, a) < 1e-9
    assert 0 <= frechet(a, a[::-1]) < 1e-9


def test_frechet_is_too_large_for_few_samples():
    a, b = cloud(1000, 64, seed=9), cloud(1000, 64, seed=10)
    few, more, most = (frechet(a[:n], b[:n]) for n in (30, 200, 1000))
    assert few > 4 * more > 16 * most > 0


def naive_kernel(a, b):
    def k(x, y):
        return (np.dot(x, y) / len(x) + 1) ** 3

    total = 0.0
    for x in (a, b):
        pairs = [k(x[i], x[j]) for i in range(len(x)) for j in range(len(x)) if i != j]
        total += np.mean(pairs)
    return total - 2 * np.mean([k(x, y) for x in a for y in b])


@pytest.mark.parametrize(("n", "m"), [(2, 2), (14, 23), (31, 6)])
def test_kernel_equals_a_double_loop(n, m, small_blocks):
    a, b = cloud(n, 5, seed=11), cloud(m, 5, seed=12, mean=0.3)
    np.testing.assert_allclose(kernel(a, b), naive_kernel(a, b), rtol=1e-10)


def test_kernel_has_no_bias():
    values = [kernel(*cloud(40, 8, seed=seed).reshape(2, 20, 8)) for seed in range(300)]
    assert min(values) < 0
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))
    assert kernel(cloud(20, 8, seed=0), cloud(20, 8, seed=1, mean=1.0)) > max(values)


def naive_scores(real, generated, nearest):
    """By scikit-learn: a picture is its own first neighbour, so one more is asked for."""

    def distances(of, to, count):
        return NearestNeighbors(n_neighbors=count).fit(to).kneighbors(of)[0]

    def lies_in(points, centres):
        radii = distances(centres, centres, nearest + 1)[:, -1]
        found = NearestNeighbors(n_neighbors=len(centres)).fit(centres).kneighbors(points)
        inside = np.zeros((len(points), len(centres)), bool)
        np.put_along_axis(inside, found[1], found[0] <= radii[found[1]], axis=1)
        return inside

    balls = lies_in(generated, real)
    return {
        "precision": balls.any(axis=1).mean(),
        "recall": lies_in(real, generated).any(axis=1).mean(),
        "density": balls.sum() / len(generated) / nearest,
        "coverage": balls.any(axis=0).mean(),
    }


@pytest.mark.parametrize("nearest", [1, 3, 5])
def test_precision_recall_density_coverage_equal_those_of_scikit_learn(nearest, small_blocks):
    real, generated = cloud(50, 4, seed=13), cloud(38, 4, seed=14, mean=0.8, scale=0.7)
    expected = naive_scores(real, generated, nearest)
    assert precision_recall_density_coverage(real, generated, nearest) == pytest.approx(
        expected, rel=1e-12
    )
    assert len({*expected.values()}) == 4
    assert min(expected.values()) > 0


def test_neighbours_of_a_set_and_itself():
    a = cloud(30, 4, seed=15)
    found = precision_recall_density_coverage(a, a[::-1])
    assert found.pop("density") >= 1.0
    assert found == {"precision": 1.0, "recall": 1.0, "coverage": 1.0}


def test_neighbours_tell_what_is_missing_from_what_is_wrong():
    left, right, far = (cloud(40, 3, seed=16 + i, mean=100 * i) for i in range(3))
    real = np.concatenate([left, right])
    one_kind = precision_recall_density_coverage(real, left)
    assert one_kind["precision"] == 1.0
    assert one_kind["recall"] == one_kind["coverage"] == 0.5
    half_wrong = precision_recall_density_coverage(
        real, np.concatenate([left, right, far, far + 1])
    )
    assert half_wrong["precision"] == 0.5
    assert half_wrong["recall"] == half_wrong["coverage"] == 1.0


def test_a_picture_many_times_has_a_ball_of_no_size():
    same = np.full((10, 8), 3.0)  # whose distances are zero without rounding
    expected = {"precision": 1.0, "recall": 1.0, "density": 2.0, "coverage": 1.0}
    assert precision_recall_density_coverage(same, same, 5) == expected


def test_all_have_the_name_of_their_features_and_are_computed_in_float64():
    real, generated = cloud(20, 4, seed=20), cloud(30, 4, seed=21, mean=0.5)
    real, generated = real.astype(np.float32), generated.astype(np.float32)
    a, b = np.float64(real), np.float64(generated)
    expected = {
        "frechet": frechet(a, b),
        "kernel": kernel(a, b),
    } | precision_recall_density_coverage(a, b, 5)
    found = vgg16_distances(real, generated)
    assert list(found) == [f"vgg16_{name}" for name in expected]
    assert list(found.values()) == pytest.approx(list(expected.values()), rel=1e-12)


@pytest.mark.parametrize("distance", [frechet, kernel, precision_recall_density_coverage])
def test_what_is_no_pair_of_sets_is_refused(distance):
    a = cloud(20, 4, seed=22)
    with pytest.raises(ValueError, match=r"not \(20, 4\) and \(20, 3\)"):
        distance(a, a[:, :3])
    with pytest.raises(ValueError, match=r"not \(20,\) and \(20,\)"):
        distance(a[:, 0], a[:, 0])
    fewest = 6 if distance is precision_recall_density_coverage else 2
    distance(a[:fewest], a)
    with pytest.raises(ValueError, match=f"needs {fewest} images or more, not {fewest - 1}"):
        distance(a, a[: fewest - 1])
