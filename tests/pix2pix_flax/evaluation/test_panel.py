"""Which examples a report shows, and how."""

import types

import cv2
import numpy as np
import pytest

from pix2pix_flax.data.pipeline import eval_batches
from pix2pix_flax.data.source import open_source
from pix2pix_flax.evaluation.dataset_choice import DatasetChoice
from pix2pix_flax.evaluation.evaluate import Evaluation
from pix2pix_flax.evaluation.panel import choose, draw, find_extremes
from pix2pix_flax.evaluation.report import evaluate_checkpoint
from pix2pix_flax.inference.predictor import load_predictor

DISTANCES = np.float32([0.5, 0.1, np.nan, 0.4, 0.2])  # places from best to worst: 1 4 3 0 2


@pytest.mark.parametrize(
    ("order", "count", "expected"),
    [
        ("best", 2, [1, 4]),
        ("best", 9, [1, 4, 3, 0, 2]),
        ("worst", 2, [2, 0]),
        ("worst", 9, [2, 0, 3, 4, 1]),
        ("spread", 3, [1, 3, 2]),  # the best, the median, the worst
        ("spread", 2, [1, 2]),
        ("spread", 5, [1, 4, 3, 0, 2]),
        ("spread", 9, [1, 4, 3, 0, 2]),
    ],
)
def test_examples_are_chosen_by_rank(order, count, expected):
    assert choose(DISTANCES, count, order) == expected


@pytest.mark.parametrize(
    ("name", "values", "worst", "best"),
    [
        ("psnr", [30.0, np.inf, 20.0], "cab", "bac"),  # of equal images PSNR is infinite
        ("l1", [0.3, 0.0, 0.2], "acb", "bca"),
        ("pixel_error", [0.3, np.nan, 0.2], "ac", "ca"),  # without a value it is at no end
        ("pixel_error", [np.nan] * 3, "", ""),
    ],
)
def test_perfect_examples_are_the_best_and_those_without_a_score_are_at_no_end(
    name, values, worst, best
):
    task = types.SimpleNamespace(columns=lambda *_: [], captions=())
    found = find_extremes(
        task,
        {"network": lambda batch: batch},
        list,  # no batches
        Evaluation(list("abc"), {}, {}),
        {name: np.float32(values)},
        count=3,
    )
    assert found.orders == {(name, "worst"): list(worst), (name, "best"): list(best)}


def photo_and_cartoon(config, identity):
    place = int(identity.split(":")[0])
    example = open_source(config.data.name, "test", config.data.data_dir)[place]
    size = (config.sizes.evaluation or 64, config.sizes.evaluation or 64)
    names = ("photo", "cartoon")
    return [cv2.resize(example[name], size, interpolation=cv2.INTER_AREA) for name in names]


@pytest.mark.parametrize("order", ["spread", "worst"])
def test_a_report_shows_what_it_says(order, trained, smoke_config):
    report, picture = evaluate_checkpoint(
        trained,
        DatasetChoice("test"),
        vgg16=False,
        panel=order,
        panel_rows=3,
    )
    shown, network = report.panel, [entry["network"] for entry in report.examples]
    assert shown["metric"] == ("lpips" if "lpips" in network[0] else "l1")
    assert shown["order"] == order
    scores = [scores[shown["metric"]] for scores in network]
    ids = [report.examples[place]["id"] for place in np.argsort(scores)]
    assert shown["ids"] == ([ids[0], ids[4], ids[7]] if order == "spread" else ids[:-4:-1])

    predict = load_predictor(trained)
    assert picture.dtype == np.uint8
    assert picture.shape == (64 + 3 * (32 + 4), 3 * 32 + 2 * 4, 3)
    for top in (0, 20, 40):
        assert (picture[top : top + 20] < 128).any()  # the name of a column
    picture = picture[64:]
    for row, identity in enumerate(shown["ids"]):
        photo, cartoon = photo_and_cartoon(smoke_config(), identity)
        for column, image in enumerate([photo, cartoon, predict(photo[None])[0]]):
            top, left = 36 * row, 36 * column
            found = picture[top : top + 32, left : left + 32]
            np.testing.assert_allclose(np.int32(found), image, atol=int(column == 2))
    assert (picture[32:36] == 255).all()
    assert (picture[:, 32:36] == 255).all()


def widths_of(config, ids):
    source = open_source(config.data.name, "test", config.data.data_dir)
    return [source[int(identity.split(":")[0])]["photo"].shape[1] for identity in ids]


def test_panels_of_mixed_sizes_are_filled_with_white(smoke_config):
    config = smoke_config(sizes__evaluation=0)
    batches = list(eval_batches(config, split="test", batch_size=3))
    ids = [identity for batch in batches for identity in batch.ids][::-1]

    def columns(batch):
        return [batch["input"], batch["target"], batch["input"]]

    picture = draw(columns, batches, ids, ("input", "target", "output"))
    changes = 1 + sum(np.diff(widths_of(config, ids)) != 0)  # of the width: then captions again
    assert picture.shape == (8 * (64 + 4) + 24 * changes, 3 * 96 + 2 * 4, 3)
    row = next(place for place, identity in enumerate(ids) if identity.startswith("0:"))
    photo, cartoon = photo_and_cartoon(config, ids[row])
    top = 68 * row + 24 * (1 + sum(np.diff(widths_of(config, ids[: row + 1])) != 0))
    band = picture[top : top + 68]
    for left, image in ((0, photo), (68, cartoon), (136, photo)):
        np.testing.assert_array_equal(band[:64, left : left + 64], image)
    assert (band[:, 200:] == 255).all()
