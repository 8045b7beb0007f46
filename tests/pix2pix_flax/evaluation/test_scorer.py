"""What a report scores beyond the task: sets of pictures, by features of VGG16."""

import functools
import shutil

import jax
import numpy as np
import pytest
import skimage.data

from pix2pix_flax.data.pipeline import eval_batches
from pix2pix_flax.evaluation import scorer_factory
from pix2pix_flax.evaluation.evaluate import Evaluation
from pix2pix_flax.evaluation.scorer import FEWEST, PairScorer, SetScorer
from pix2pix_flax.evaluation.scorer_factory import make_scorer
from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.metrics.distributions import vgg16_distances
from pix2pix_flax.metrics.feature_sets import SetsError, pooled_features
from pix2pix_flax.models.frozen.vgg import VGG16
from pix2pix_flax.models.frozen.weights import WeightsMissingError
from pix2pix_flax.tasks.factory import make_task
from tests.pix2pix_flax.data.shards import NAME, SHARD, flip_a_bit


def outputs(count):
    """Returns arrays as `PairScorer.score` gives them, with features of 8 values."""
    rng = np.random.default_rng(0)
    return {"l1": rng.random(count), "features": rng.normal(size=(count, 2, 8))}


def real_row(scorer, found, config):
    result = Evaluation([], {"network": found}, {})
    return scorer.real_row(result, config, "test")


def test_a_summary_holds_distances_from_the_targets(smoke_config):
    scorer = PairScorer(make_task(smoke_config(), total_steps=1), {})
    found = outputs(FEWEST)
    generated, real = found["features"][:, 0], found["features"][:, 1]
    expected = {"l1": found["l1"].mean()} | vgg16_distances(real, generated)
    assert scorer.summarize(found) == pytest.approx(expected)
    halves = vgg16_distances(real[::2], real[1::2])
    assert real_row(scorer, found, smoke_config()) == {"target_halves": halves}


def test_few_examples_have_no_distances(smoke_config):
    scorer = PairScorer(make_task(smoke_config(), total_steps=1), {})
    found = outputs(FEWEST - 1)
    assert scorer.summarize(found).keys() == {"l1"}
    assert real_row(scorer, found, smoke_config()) == {}
    assert real_row(scorer, {"l1": found["l1"]}, smoke_config()) == {}


def test_sets_alone_are_scored_or_nothing_is(smoke_config, monkeypatch):
    config = smoke_config("anime")
    scorer = SetScorer(make_task(config, total_steps=1), {})
    found = outputs(FEWEST)["features"]
    expected = vgg16_distances(*found.swapaxes(0, 1))
    assert scorer.summarize({"features": found}).keys() == expected.keys()
    with pytest.raises(SetsError, match=f"need {FEWEST} examples or more, not {FEWEST - 1}"):
        scorer.summarize({"features": found[1:]})
    with pytest.raises(SetsError, match="as sets by VGG16: leave out --novgg16"):
        make_scorer(config, vgg16=False)

    def missing(net):
        raise WeightsMissingError("LPIPS weights are not installed: pip install 'x[lpips]'")

    monkeypatch.setattr(scorer_factory, "load_lpips_weights", missing)
    with pytest.raises(SetsError, match=r"Sets of images cannot be compared: LPIPS weights are"):
        make_scorer(config, vgg16=True)


def test_controls_are_found_past_a_damaged_first_record(dataset_dir, smoke_config, tmp_path):
    shutil.copytree(dataset_dir / NAME, tmp_path / NAME)
    flip_a_bit(tmp_path / NAME / "2.0.0" / SHARD.format("train"))  # the record 12
    config = smoke_config(data__data_dir=str(tmp_path), data__max_damaged=1)
    scorer = PairScorer(make_task(config, total_steps=1), {})
    batches = functools.partial(eval_batches, config, split="train[12:]", batch_size=8)
    assert scorer.controls(batches).keys() == {"input"}


def test_outputs_are_rounded_as_a_user_gets_them(vgg16, smoke_config):
    scorer = PairScorer(make_task(smoke_config(), total_steps=1), {"vgg16": vgg16})
    target = skimage.data.astronaut()[None, :32, 100:132]
    output = normalize(target) + 0.4 / 127.5  # less than half a level
    found = jax.jit(scorer.score)(output, {"target": target}, scorer.frozen)
    np.testing.assert_allclose(found["lpips_vgg16"], [0.0], atol=1e-12)
    np.testing.assert_array_equal(found["features"][:, 0], found["features"][:, 1])
    assert found["features"].shape == (1, 2, 512)


def test_features_are_means_of_the_last_map(vgg16):
    images = normalize(skimage.data.astronaut()[None, :96, :160])
    found = jax.jit(pooled_features)(vgg16, images)
    shift, scale = np.float32([-0.030, -0.088, -0.188]), np.float32([0.458, 0.448, 0.450])
    maps = VGG16().apply({"params": vgg16["features"]}, (images - shift) / scale)
    assert maps[-1].shape == (1, 6, 10, 512)
    assert found.shape == (1, 512)
    np.testing.assert_allclose(found, np.asarray(maps[-1]).mean(axis=(1, 2)), rtol=1e-4, atol=1e-5)


def test_features_are_full_float32_on_every_machine(vgg16):
    images = jax.ShapeDtypeStruct((1, 16, 16, 3), np.float32)
    weights = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), vgg16)
    text = jax.jit(pooled_features).lower(weights, images).as_text()
    assert text.count("stablehlo.convolution") == 13
    assert text.count("precision HIGHEST") == 26  # of both operands
