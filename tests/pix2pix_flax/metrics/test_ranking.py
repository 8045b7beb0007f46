"""Which scores are better when larger: all scores that a task's summary can contain."""

import jax
import numpy as np
import pytest

from pix2pix_flax.image.palettes import make_palette
from pix2pix_flax.metrics.distributions import vgg16_distances
from pix2pix_flax.metrics.feature_sets import FEATURES
from pix2pix_flax.metrics.ranking import HIGHER_IS_BETTER, rank
from pix2pix_flax.tasks.colourisation import LabScores
from pix2pix_flax.tasks.scores import ImageScores
from pix2pix_flax.tasks.segmentation import LabelScores
from pix2pix_flax.tasks.styled import StyledScores
from pix2pix_flax.tasks.super_resolution import SuperResolutionScores
from pix2pix_flax.tasks.unconditional import SetScores

LARGER = {
    *("psnr", "ssim", "psnr_y", "ssim_y"),
    *("pixel_accuracy", "class_accuracy", "mean_iou"),
    *("a_intersection", "b_intersection", "white_kept"),
    *("accuracy_real", "accuracy_fake"),
    *("vgg16_precision", "vgg16_recall", "vgg16_density", "vgg16_coverage"),
}
SMALLER = {
    *("l1", "lpips", "lpips_vgg16"),
    *("l1_ink", "l1_poster"),
    *("ab_mae", "colourfulness_gap"),
    *("vgg16_frechet", "vgg16_kernel"),
}
PALETTE = make_palette((("a", (255, 0, 0), ()), ("b", (0, 255, 0), ()), ("void", (0, 0, 0), ())))


def of_images(scores):
    """Returns the names in the summary of the scores of images."""
    rng = np.random.default_rng(0)
    target = rng.integers(0, 256, (2, 24, 24, 3), dtype=np.uint8)
    target[:, :4, :4] = 255  # so that there is a share of white
    styles = np.broadcast_to(np.uint8([0, 1])[:, None, None, None], (2, 24, 24, 1))
    batch = {"input": np.concatenate([target, styles], axis=-1), "target": target}
    output = rng.uniform(-1, 1, target.shape).astype(np.float32)
    return scores.summarize(jax.device_get(scores.score(output, batch))).keys()


@pytest.fixture(scope="module")
def names():
    """All names in the summaries of all tasks."""
    found = {"lpips", "lpips_vgg16"}  # whose weights may not be installed
    for scores in (
        ImageScores(lpips=False),
        LabScores(lpips=False),
        StyledScores(lpips=False, names=("ink", "poster")),
        SuperResolutionScores(lpips=False, scale=4),
        LabelScores(PALETTE),
    ):
        found |= of_images(scores)
    features = np.random.default_rng(0).normal(size=(8, 2, 4))
    accuracies = {"accuracy_real": np.ones(8), "accuracy_fake": np.ones(8)}
    return found | SetScores(distances=True).summarize({FEATURES: features, **accuracies}).keys()


def test_every_score_has_a_direction(names):
    assert names == LARGER | SMALLER
    assert names & HIGHER_IS_BETTER == LARGER == HIGHER_IS_BETTER


@pytest.mark.parametrize("name", sorted(LARGER))
def test_more_is_better(name):
    assert rank(name, 2.0) > rank(name, 1.0) > rank(name, -1.0)


@pytest.mark.parametrize("name", sorted(SMALLER))
def test_less_is_better(name):
    assert rank(name, -1.0) > rank(name, 1.0) > rank(name, 2.0)


@pytest.mark.parametrize("name", ["l1", "psnr"])
@pytest.mark.parametrize("bad", [None, float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_no_number_is_the_worst(name, bad):
    assert rank(name, bad) == float("-inf")
    assert rank(name, bad) < min(rank(name, 1e30), rank(name, -1e30))


def test_the_closer_output_ranks_higher():
    """The directions follow from the scores themselves: a good output against a bad output."""
    rng = np.random.default_rng(0)
    target = rng.integers(0, 256, (1, 24, 24, 3), dtype=np.uint8)
    batch = {"input": target, "target": target}
    exact = target / np.float32(127.5) - 1
    close, far = ((1 - share) * exact for share in (0.1, 0.9))  # 1: grey everywhere
    for scores in (LabScores(lpips=False), SuperResolutionScores(lpips=False, scale=4)):
        better, worse = (
            scores.summarize(jax.device_get(scores.score(output, batch))) for output in (close, far)
        )
        for name in better:
            assert rank(name, better[name]) > rank(name, worse[name]), name
    real, near, wrong = (rng.normal(mean, 1.0, (40, 4)) for mean in (0.0, 0.3, 4.0))
    better, worse = (vgg16_distances(real, generated) for generated in (near, wrong))
    for name in better:
        assert rank(name, better[name]) > rank(name, worse[name]), name
