"""Distances between two sets of images, from the features of their images; NumPy, in float64.

A set is an array [N, D], one row of features per image. The functions take features of any network;
the names in `vgg16_distances` are for `feature_sets.pooled_features`. The published FID and KID are
the same distances on features of InceptionV3: never compare them with distances on other features.
"""

from collections.abc import Iterator

import numpy as np

NEAREST_K = 5
"""The ball around an image reaches to its fifth neighbour, as in Naeem et al. 2020."""

_BLOCK = 1024  # rows of a matrix [N, M] that are in memory at a time


def vgg16_distances(real: np.ndarray, generated: np.ndarray) -> dict[str, float]:
    """Returns all distances of this file, named `vgg16_frechet`, `vgg16_kernel` and so on.

    Args:
      real: pooled VGG16 features of real images, [N, D], N above `NEAREST_K`.
      generated: pooled VGG16 features of generated images, [M, D], M above `NEAREST_K`.

    Raises:
      ValueError: if the shapes do not fit, or a set has too few images.
    """
    found = {"frechet": frechet(real, generated), "kernel": kernel(real, generated)}
    found |= precision_recall_density_coverage(real, generated)
    return {f"vgg16_{name}": value for name, value in found.items()}


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Returns the Fréchet distance between the Gaussians with the sets' means and covariances.

    Dowson & Landau 1982: |mean_a - mean_b|^2 + tr(A + B - 2 (A B)^(1/2)), with sample covariances A
    and B. The fewer the samples, the more the distance is overestimated: compare only distances
    between sets of equal sizes.

    Args:
      a: [N, D], N at least 2; N may be less than D.
      b: [M, D], M at least 2; M may be less than D.

    Raises:
      ValueError: if the shapes do not fit, or a set has too few images.
    """
    a, b = _sets(a, b, fewest=2)
    # A = root_a' root_a, so the eigenvalues of A B are the squared singular values of the product
    # of the roots. Neither A nor B is formed: squaring loses half of the digits.
    root_a, root_b = _root(a), _root(b)
    trace = np.linalg.svd(root_a @ root_b.T, compute_uv=False).sum()
    spread = (root_a**2).sum() + (root_b**2).sum() - 2 * trace
    return float(((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum() + max(spread, 0.0))


def _root(x: np.ndarray) -> np.ndarray:
    """Returns R [min(N, D), D], for which R' R is the covariance of x."""
    return np.linalg.qr((x - x.mean(axis=0)) / np.sqrt(len(x) - 1), mode="r")


def kernel(a: np.ndarray, b: np.ndarray) -> float:
    """Returns the squared maximum mean discrepancy with the kernel (x.y / D + 1)^3.

    Bińkowski et al. 2018 (arXiv:1801.01401): the unbiased estimate, from all pairs of images at
    once and not as a mean over subsets. If both sets come from one distribution, it lies around
    zero and may be negative.

    Args:
      a: [N, D], N at least 2.
      b: [M, D], M at least 2.

    Raises:
      ValueError: if the shapes do not fit, or a set has too few images.
    """
    a, b = _sets(a, b, fewest=2)
    within = _mean_of_others(a) + _mean_of_others(b)
    return float(within - 2 * _sum_of_kernel(a, b) / (len(a) * len(b)))


def _mean_of_others(x: np.ndarray) -> float:
    """Returns the mean kernel over all pairs of different rows."""
    of_itself = ((x**2).sum(axis=1) / x.shape[1] + 1) ** 3
    return (_sum_of_kernel(x, x) - of_itself.sum()) / (len(x) * (len(x) - 1))


def _sum_of_kernel(a: np.ndarray, b: np.ndarray) -> float:
    return sum(((a[rows] @ b.T / a.shape[1] + 1) ** 3).sum() for rows in _blocks(len(a)))


def precision_recall_density_coverage(
    real: np.ndarray, generated: np.ndarray, nearest: int = NEAREST_K
) -> dict[str, float]:
    """Returns `precision`, `recall`, `density` and `coverage`.

    Around each image of a set lies the closed ball that reaches to its `nearest`-th neighbour in
    the same set. Kynkäänniemi et al. 2019 (arXiv:1904.06991), equations 1 and 2: `precision` is the
    share of generated images that lie in the ball of any real image, `recall` the share of real
    images that lie in the ball of any generated image. Naeem et al. 2020 (arXiv:2002.09797),
    section 3: `density` is the mean number of balls of real images around a generated image,
    divided by `nearest`, so it may exceed 1; `coverage` is the share of real images whose ball
    holds a generated image.

    Args:
      real: features of real images, [N, D], N above `nearest`.
      generated: features of generated images, [M, D], M above `nearest`.
      nearest: number of the neighbour that a ball reaches to, at least 1.

    Raises:
      ValueError: if the shapes do not fit, or a set has too few images.
    """
    real, generated = _sets(real, generated, fewest=nearest + 1)
    radii, generated_radii = _radii(real, nearest), _radii(generated, nearest)
    balls = np.zeros(len(generated), int)  # of real images, around each generated image
    covered, recalled = np.zeros((2, len(real)), bool)
    for rows in _blocks(len(real)):
        squared = _squared_distances(real[rows], generated)
        inside = squared <= radii[rows, None]
        balls += inside.sum(axis=0)
        covered[rows] = inside.any(axis=1)
        recalled[rows] = (squared <= generated_radii).any(axis=1)
    return {
        "precision": float((balls > 0).mean()),
        "recall": float(recalled.mean()),
        "density": float(balls.mean() / nearest),
        "coverage": float(covered.mean()),
    }


def _radii(x: np.ndarray, nearest: int) -> np.ndarray:
    """Returns each row's squared distance to its `nearest`-th neighbour, [N]."""
    found = np.empty(len(x))
    for rows in _blocks(len(x)):
        squared = _squared_distances(x[rows], x)
        np.fill_diagonal(squared[:, rows], np.inf)  # no row is its own neighbour
        found[rows] = np.partition(squared, nearest - 1, axis=1)[:, nearest - 1]
    return found


def _squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns squared distances [N, M]; by rounding, a zero may become slightly negative."""
    return (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * (a @ b.T)


def _blocks(length: int) -> Iterator[slice]:
    for start in range(0, length, _BLOCK):
        yield slice(start, min(start + _BLOCK, length))


def _sets(a: np.ndarray, b: np.ndarray, *, fewest: int) -> tuple[np.ndarray, np.ndarray]:
    """Checks the shapes of both sets and returns them as float64."""
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"Sets of features are [N, D] and [M, D], not {a.shape} and {b.shape}.")
    if min(len(a), len(b)) < fewest:
        raise ValueError(f"A set needs {fewest} images or more, not {min(len(a), len(b))}.")
    return np.asarray(a, np.float64), np.asarray(b, np.float64)
