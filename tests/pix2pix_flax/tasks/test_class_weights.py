"""Class weights: from the frequencies in the training split into the losses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cartoon_tfds.errors import UserError
from configs import camvid
from pix2pix_flax import losses
from pix2pix_flax.data.pipeline import EvalBatch
from pix2pix_flax.image.palettes import make_palette
from pix2pix_flax.tasks.class_weights import ClassWeights, median_frequency
from pix2pix_flax.tasks.factory import make_task
from pix2pix_flax.tasks.segmentation import ClassLogits, ColourMaps

PALETTE = make_palette(
    (
        ("much", (200, 0, 0), ()),
        ("less", (0, 200, 0), ()),
        ("rare", (0, 0, 200), ()),
        ("void", (0, 0, 0), ()),
    )
)


def test_a_frequency_counts_the_maps_that_have_the_class():
    counts = np.array([[60, 40, 0, 0], [80, 10, 10, 0]])
    # Shares: 140 of 200, 50 of 200, 10 of 100; the median is 0.25. No map has the last class.
    expected = [0.25 / 0.7, 1.0, 0.25 / 0.1, 1.0]
    np.testing.assert_allclose(median_frequency(counts), expected, rtol=1e-6)


def test_the_label_maps_of_the_split_are_counted_without_void_and_without_filling():
    classes = np.zeros((2, 10, 10), int)
    classes[0, :4], classes[1, 0], classes[1, 1] = 1, 1, 2
    classes[1, 2] = PALETTE.void
    maps = PALETTE.colours[classes]
    filled = np.concatenate([maps, np.full_like(maps[:1], 200)])  # one more fills the batch
    read = lambda limit: [EvalBatch({"target": filled}, 2, [])]  # noqa: E731
    expected = median_frequency(np.array([[60, 40, 0], [70, 10, 10]]))
    for power in (1.0, 0.5):
        weights = ClassWeights(PALETTE, power, read).load()
        np.testing.assert_allclose(weights, expected**power, rtol=1e-6)


def test_cross_entropy_is_a_weighted_mean_without_void():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(1, 4, 5, 3)).astype(np.float32)
    classes, weights = rng.integers(0, 4, (1, 4, 5)), np.float32([1, 2, 5])
    found = ClassLogits(3, PALETTE).reconstruction((), logits, logits, classes, weights)
    each = -np.asarray(jax.nn.log_softmax(logits))
    known = classes < 3
    shares = weights[classes[known]]
    values = each[known][np.arange(known.sum()), classes[known]]
    np.testing.assert_allclose(
        found["cross_entropy"], (shares * values).sum() / shares.sum(), rtol=1e-5
    )
    nowhere = losses.cross_entropy(jnp.asarray(logits), np.full((1, 4, 5), 3), weights)
    assert nowhere == 0


def test_l1_of_colours_counts_rare_classes_more():
    representation = ColourMaps(3, PALETTE)
    classes = np.zeros((1, 8, 8), int)
    classes[0, 0] = 2
    target = np.asarray(representation.to_target(PALETTE.colours[classes]))
    errors = {}
    for place in (0, 1):  # the same error once in the rare row, once in a row of the common class
        outputs = target.copy()
        outputs[:, place] += 0.1
        for weights in (None, np.float32([1, 1, 4])):
            found = representation.reconstruction(("l1",), target, outputs, target, weights)
            errors[place, weights is None] = float(found["l1"])
    assert errors[0, True] == pytest.approx(errors[1, True])
    assert errors[0, False] == pytest.approx(4 * errors[1, False], rel=1e-4)


def test_the_configuration_chooses_the_weights():
    config = camvid.get_config("supervised,smoke")
    assert make_task(config, 1).class_weights is None
    config.segmentation.class_weights = "median_frequency"
    assert make_task(config, 1).class_weights.palette.void == 11
    config.segmentation.class_weights = "inverse"
    names = "none, median_frequency, root_median_frequency"
    with pytest.raises(UserError, match=rf"must be one of {names}, not 'inverse'"):
        make_task(config, 1)


@pytest.mark.parametrize("variant", ["smoke", "supervised,smoke"])
def test_a_training_learns_with_the_weights_of_its_dataset(variant, smoke_config):
    config = smoke_config("camvid", segmentation__class_weights="median_frequency")
    if "supervised" in variant:
        from configs import base

        with config.unlocked():
            base.remove_adversary(config)
    task = make_task(config, 1)
    frozen = task.load_frozen()
    assert frozen["class_weights"].shape == (11,)
    assert (frozen["class_weights"] > 0).all()
    batch = dict.fromkeys(("input", "target"), np.zeros((4, 40, 40, 3), np.uint8))
    shapes = jax.eval_shape(task.init, jax.random.key(0), batch, frozen)
    _, values = jax.eval_shape(task.train_step, shapes, batch, frozen)
    assert ("gen/cross_entropy" in values) == ("supervised" in variant)
