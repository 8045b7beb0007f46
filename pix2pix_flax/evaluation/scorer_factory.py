"""Makes the scorer of a configuration, with the frozen networks that it needs."""

import logging

from pix2pix_flax.evaluation.panel import check_order
from pix2pix_flax.evaluation.scorer import PairScorer, Scorer, SetScorer
from pix2pix_flax.metrics.feature_sets import SetsError
from pix2pix_flax.models.frozen.weights import WeightsMissingError, load_lpips_weights
from pix2pix_flax.tasks import make_task
from pix2pix_flax.typing import PyTree

_log = logging.getLogger(__name__)


def make_scorer(config, *, vgg16: bool, order: str = "spread") -> Scorer:
    """Makes the scorer of a configuration.

    If the weights of LPIPS are not installed, pairs are scored without LPIPS and without distances
    of distributions. Label maps are scored by their task alone, sets by VGG16 alone.

    Args:
      config: the whole configuration.
      vgg16: whether to score by VGG16 too, which takes most of the time on a CPU.
      order: the order in which examples are to be shown.

    Raises:
      SetsError: sets cannot be compared, since VGG16 is missing or not wanted; or the examples
        have no scores for the order.
    """
    task = make_task(config, total_steps=1)
    check_order(task, order)
    if task.input_kind == "latent":
        return SetScorer(task, _frozen_of_sets(vgg16))
    if task.representation.legend:
        return PairScorer(task, {})
    return _scorer_of_images(config, vgg16)


def _frozen_of_sets(vgg16: bool) -> PyTree:
    if not vgg16:
        raise SetsError("Images are compared as sets by VGG16: leave out --novgg16 or add --vgg16.")
    try:
        return {"vgg16": load_lpips_weights("vgg16")}
    except WeightsMissingError as error:
        raise SetsError(f"Sets of images cannot be compared: {error}") from error


def _scorer_of_images(config, vgg16: bool) -> PairScorer:
    config = config.copy_and_resolve_references()
    # No training follows, so frozen networks of losses need not be loaded.
    config.loss_weights.perceptual = config.loss_weights.lpips = 0.0
    config.evaluation.lpips = True
    task = make_task(config, total_steps=1)
    try:
        frozen = task.load_frozen() | ({"vgg16": load_lpips_weights("vgg16")} if vgg16 else {})
        return PairScorer(task, frozen)
    except WeightsMissingError as error:
        _log.warning("LPIPS and the distances of distributions are left out: %s", error)
    config.evaluation.lpips = False
    return PairScorer(make_task(config, total_steps=1), {})
