"""The report of a run as one HTML file."""

import base64
import html
import io
import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from pix2pix_flax.cache import CACHE_VARIABLE
from pix2pix_flax.evaluation.dataset_choice import DatasetChoice
from pix2pix_flax.report import sections
from pix2pix_flax.report.chart import draw_chart, thin
from pix2pix_flax.report.page import make_page, write_at_end, write_report
from pix2pix_flax.report.run import Run
from pix2pix_flax.report.scalars import read_scalars


def test_the_end_of_a_training_writes_a_page_that_asks_for_no_file(trained):
    page = (trained / "report.html").read_text()
    assert not re.search(r"https?://|(?:src|href)=\"(?!data:)", page)
    assert str(trained.parent) not in page
    pictures = re.findall(r"data:image/webp;base64,([^\"]+)", page)
    assert len(pictures) > 4
    for picture in pictures:
        Image.open(io.BytesIO(base64.b64decode(picture))).load()
    assert 'class="card compare"' in page
    assert '<figure class="card strip"><div><div class="heads"><span>input</span>' in page
    assert "gen" in page


def test_a_spike_stays_in_a_long_curve():
    values = [1.0] * 10_000
    values[4321] = 99.0
    points = list(thin(range(10_000), values))
    assert len(points) <= 600
    assert (4321, 99.0) in points


def test_an_axis_shows_its_numbers_whole():
    chart = draw_chart([1, 2], [14_500.0, -1.25e-5])
    assert ">14,500<" in chart
    assert ">-1.25e-05<" in chart


def test_steps_after_a_return_to_a_checkpoint_count_once(tmp_path):
    lines = [{"step": step, "gen/loss": loss} for step, loss in ((1, 1), (2, 9), (1, 2), (3, 4))]
    text = "\n".join(map(json.dumps, lines)) + '\n{"step": 4, "gen'
    (tmp_path / "log.jsonl").write_text(text)
    (series,) = read_scalars(tmp_path)
    assert (series.steps, series.values) == ([1, 3], [2, 4])


@pytest.mark.parametrize(("name", "flag"), [("anime", " --vgg16"), ("plain", "")])
def test_its_command_for_a_split_has_the_flags_that_the_scores_need(smoke_config, name, flag):
    run = Run(Path("mine"), smoke_config(name), 1, {}, "", [], [], {})
    *_, commands = sections.again(run)
    assert commands.endswith(f"\npix2pix-flax report runs/mine --split=test{flag}</pre>")


@pytest.mark.parametrize(
    ("splits", "uses"),
    [
        (("train", "validation"), ("(training)", "(validation)", "")),
        (("train+validation", "test"), ("(training)", "(training)", "(validation)")),
        (("train[4:]", "train[:4]"), ("(training, validation)", "", "")),
        (("all", "all[:4]"), ("(training, validation)",) * 3),
    ],
)
def test_each_split_is_shown_with_its_uses(splits, uses, smoke_config):
    train, validation = splits
    config = smoke_config(data__train_split=train, data__validation_split=validation)
    text = "".join(sections.dataset(Run(Path("mine"), config, 1, {}, "", [], [], {})))
    found = re.findall(r"<td>split (\w+)</td><td>\d+ examples ?([^<]*)</td>", text)
    assert found == list(zip(("train", "validation", "test"), uses, strict=True))


def test_an_evaluation_in_the_folder_is_shown(trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    report = {"summary": {"network": {"l1": 0.125}, "input": {"l1": None}}, "split": "test"}
    (run / "test.json").write_text(json.dumps(report | {"count": 7, "dataset": "d"}))
    page = write_report(run).read_text()
    assert "7 examples of d, split test" in page
    assert "<td>0.125</td>" in page
    assert "<td>not finite</td>" in page


def test_a_split_is_shown_from_both_ends_by_each_score(trained, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(trained / "cache"))
    page = make_page(trained, choice=DatasetChoice("test"))
    orders = json.loads(html.unescape(re.search('data-orders="([^"]+)"', page)[1]))
    metrics = {"l1", "psnr", "ssim"} | ({"lpips"} if 'data-metric="lpips"' in page else set())
    assert orders.keys() == {f"{name} {end}" for name in metrics for end in ("worst", "best")}
    for name in metrics:
        found = re.findall(f'data-metric="{name}">{name} ([^<]+)<', page)
        values = [float(found[place]) for place in orders[f"{name} best"]]
        assert values == sorted(values, reverse=name in ("psnr", "ssim"))
        assert values == [float(found[place]) for place in orders[f"{name} worst"]][::-1]


@pytest.mark.parametrize("damage", ["checkpoint", "preview"])
def test_a_failed_report_is_one_warning(trained, tmp_path, caplog, damage):
    run = shutil.copytree(trained, tmp_path / "run")
    if damage == "checkpoint":
        shutil.rmtree(run / "checkpoints")
    else:
        max((run / "previews").glob("*.png")).write_bytes(b"cut")
    write_at_end(run)
    (record,) = caplog.records
    assert record.getMessage().startswith("The report of the run is left out: ")
