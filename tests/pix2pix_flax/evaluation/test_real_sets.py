"""What a report says of a network that makes pictures of noise."""

import dataclasses
import logging

import jax
import numpy as np
import pytest

from pix2pix_flax.data.pipeline import eval_batches
from pix2pix_flax.evaluation import scorer
from pix2pix_flax.evaluation.dataset_choice import DatasetChoice
from pix2pix_flax.evaluation.real_sets import real_distances
from pix2pix_flax.evaluation.report import evaluate_checkpoint
from pix2pix_flax.evaluation.report_text import as_table
from pix2pix_flax.image.normalize import normalize
from pix2pix_flax.inference.sampler import load_sampler
from pix2pix_flax.metrics.distributions import vgg16_distances
from pix2pix_flax.metrics.feature_sets import SetsError, pooled_features
from pix2pix_flax.pretrained.generator import TrainedGenerator, to_safetensors

SPLIT, COUNT = "validation+test", 12


@pytest.fixture(scope="module")
def networks(smoke_config, tmp_path_factory):
    """Two files of networks with latents of other lengths, whose pictures are of strong colours."""
    folder = tmp_path_factory.mktemp("networks")
    return [save(smoke_config, folder, size) for size in (100, 16)]


def save(smoke_config, folder, latent_size):
    config = smoke_config("anime", unconditional__latent_size=latent_size)
    network = TrainedGenerator(config, {}, folder)
    module, latent = network.task.module, network.task.network_input()
    variables = jax.jit(lambda key: module.init(key, latent, train=False))(jax.random.key(0))
    variables["params"] = jax.tree.map(lambda x: 4 * x, variables["params"])
    file = folder / f"{latent_size}.safetensors"
    file.write_bytes(to_safetensors(dataclasses.replace(network, variables=variables)))
    return file


def pictures(config, split, limit=0):
    batches = eval_batches(config, split=split, batch_size=2, limit=limit)
    return np.concatenate([batch.images["target"] for batch in batches])


def test_sets_are_those_of_seeds_and_of_splits(networks, vgg16, smoke_config, monkeypatch):
    monkeypatch.setattr(scorer, "FEWEST", COUNT)
    network, baseline = networks
    config = smoke_config("anime")
    choice = DatasetChoice(SPLIT, data_dir=config.data.data_dir)
    report, picture = evaluate_checkpoint(network, choice, baseline=baseline, panel_rows=2)
    targets = pictures(config, SPLIT)
    samplers = {"network": load_sampler(network), "baseline": load_sampler(baseline)}
    sets = {row: make(make.latents(range(COUNT))) for row, make in samplers.items()}
    assert min(images.std(axis=0).mean() for images in sets.values()) > 10  # seeds differ
    sets["real"] = pictures(config, "train", limit=COUNT)
    assert {len(images) for images in sets.values()} == {report.count} == {COUNT}
    look = jax.jit(lambda images: pooled_features(vgg16, normalize(images)))
    real = np.asarray(look(targets))
    assert list(report.summary) == list(sets)
    for row, images in sets.items():
        expected = vgg16_distances(real, np.asarray(look(images)))
        assert report.summary[row] == pytest.approx(expected, rel=0.02, abs=1e-4), row
    assert (report.examples, report.tables) == ([], {})
    assert len(as_table(report).splitlines()) == 5

    shown = report.panel
    assert shown["grids"] == ["network", "baseline", "real"]
    places = [int(identity.split(":")[0]) for identity in shown["ids"]]
    assert places == [0, 4, 7, 11]
    assert picture.shape == (66, 3 * 66 + 2 * 16, 3)
    for number, images in enumerate([sets["network"], sets["baseline"], targets]):
        for cell, place in enumerate(places):
            top, left = 34 * (cell // 2), 34 * (cell % 2) + 82 * number
            found = picture[top : top + 32, left : left + 32].astype(int)
            np.testing.assert_allclose(found, images[place], atol=1)


def test_what_cannot_be_compared_is_told(networks, trained, dataset_dir, vgg16):
    choice = DatasetChoice("test", data_dir=str(dataset_dir))
    with pytest.raises(SetsError, match="makes images from seeds, and the other network from"):
        evaluate_checkpoint(trained, choice, baseline=networks[0], panel_rows=1)
    with pytest.raises(SetsError, match=r"different factors \(\S*x4_real\S* by 4, \S*lite\S* by 1"):
        evaluate_checkpoint("lite_x4_real", choice, baseline="lite", panel_rows=1)
    with pytest.raises(SetsError, match="need 50 examples or more, not 8"):
        evaluate_checkpoint(networks[0], choice, panel_rows=1)
    with pytest.raises(SetsError, match="have no scores, so they cannot be ordered by `worst`"):
        evaluate_checkpoint(networks[0], choice, panel="worst", panel_rows=1)


@pytest.mark.parametrize(
    ("split", "reason"),
    [
        ("test+train[5:6]", "splits test+train[5:6] and train share examples"),
        ("test", "split train has fewer images than test"),
        (
            "tset",
            "Dataset 'cartoon_tfds/tiny' has no split 'tset'; it has: train, validation, test",
        ),
    ],
)
def test_a_control_that_would_mislead_is_left_out(smoke_config, vgg16, split, reason, caplog):
    targets = np.zeros((21, 512))
    with caplog.at_level(logging.WARNING):
        assert real_distances(smoke_config("anime"), split, targets, vgg16) == {}
    assert f"Row `real` is left out: {reason}" in caplog.text
