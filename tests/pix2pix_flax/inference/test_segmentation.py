"""What a user does with a network for label maps: evaluate, translate, tile, export."""

import csv
import io

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data

from configs import base
from pix2pix_flax.evaluation.report_text import as_csv
from pix2pix_flax.export.exporter import ExportError, export_generator
from pix2pix_flax.image.palettes import make_palette
from pix2pix_flax.image.sheet import draw_legend
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.inference.tiling.tiled_predictor import TiledPredictor
from pix2pix_flax.pretrained.generator import TrainedGenerator, to_safetensors
from pix2pix_flax.tasks.factory import make_task
from tests.commands import run_command

PHOTO = skimage.data.coffee()


def save(config, path):
    """Writes a network of which much comes out: all kernels are large."""
    module = make_task(config, total_steps=1).module
    variables = jax.jit(lambda key: module.init(key, jnp.zeros((1, 32, 32, 3)), train=False))(
        jax.random.key(0)
    )
    variables = jax.tree.map(lambda x: 8 * x if x.ndim == 4 else x, variables)
    path.write_bytes(to_safetensors(TrainedGenerator(config, variables, path)))
    return path


@pytest.fixture(scope="module")
def files(smoke_config, tmp_path_factory):
    """Files of the generators of both codings, colours and logits, untrained."""
    path = tmp_path_factory.mktemp("segmentation")
    config, baseline = smoke_config("camvid"), smoke_config("camvid")
    with baseline.unlocked():
        base.remove_adversary(baseline)
    return [save(config, path / "gan.safetensors"), save(baseline, path / "ce.safetensors")]


@pytest.fixture
def palette(smoke_config):
    return make_palette(smoke_config("camvid").data.palette)


@pytest.mark.parametrize("kind", [0, 1])
def test_pictures_become_label_maps(files, palette, kind):
    network = load_predictor(files[kind])
    output = network(PHOTO[None, :50, :70])
    assert output.shape == (1, 50, 70, 3)
    shown = {tuple(colour) for colour in output.reshape(-1, 3)}
    assert shown <= {tuple(colour) for colour in palette.colours}
    assert len(shown) > 3
    assert network.colours  # so that those of a grey photograph are not made grey


@pytest.mark.parametrize("kind", [0, 1])
def test_tiles_are_those_of_the_whole_picture(files, kind):
    picture = cv2.resize(PHOTO, (160, 120))[None]
    whole = load_predictor(files[kind])(picture)
    tiled = TiledPredictor(load_predictor(files[kind]), tile=64, halo="exact")
    np.testing.assert_array_equal(tiled(picture), whole)
    assert 0 < tiled.exact_halo <= 16


@pytest.mark.parametrize("kind", [0, 1])
def test_there_is_no_onnx_graph_of_the_decoding(files, kind, tmp_path):
    with pytest.raises(ExportError, match="no ONNX graph is known for networks whose input"):
        export_generator(files[kind], "onnx", tmp_path / "a.onnx", [PHOTO, PHOTO[:, ::-1]])
    assert not list(tmp_path.iterdir())


def test_the_script_writes_scores_by_class_and_overlays(files, palette, dataset_dir, tmp_path):
    flags = {"checkpoint": files[0], "baseline": files[1], "split": "test", "panel_rows": 2}
    flags |= {"output": tmp_path / "scores.json", "data_dir": dataset_dir}
    flags = [f"--{name}={value}" for name, value in flags.items()]
    done = run_command("scripts/evaluate_checkpoint.py", *flags)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[1].split() == ["pixel_accuracy", "class_accuracy", "mean_iou"]
    assert [line.split()[0] for line in lines[2:5]] == ["network", "baseline", "commonest"]
    assert lines[-2] == f"Table: {tmp_path / 'scores.classes.csv'}"
    assert lines[-1].endswith("from the best to the worst by pixel_error")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "scores.classes.csv").read_text())))
    assert [row["class"] for row in rows] == 3 * list(palette.names)
    assert [row["row"] for row in rows[::11]] == ["network", "baseline", "commonest"]
    known = [float(row["iou"]) for row in rows[:11] if row["iou"]]
    assert float(lines[2].split()[-1]) == pytest.approx(np.mean(known), abs=1e-4)
    picture = cv2.imread(str(tmp_path / "scores.png"))[..., ::-1]
    assert picture.shape[1] == 4 * 32 + 3 * 4
    legend = draw_legend(dict(zip(palette.names, palette.colours.tolist(), strict=False)), 140)
    top = 84 + 2 * 36 + 4  # four names of columns, two rows
    np.testing.assert_array_equal(picture[top : top + 11 * 20], legend)


def test_a_table_is_csv_without_words_for_no_number():
    text = as_csv([{"class": "a, b", "iou": 0.5}, {"class": "c", "iou": float("nan")}])
    assert list(csv.reader(io.StringIO(text))) == [["class", "iou"], ["a, b", "0.5"], ["c", ""]]


def test_a_legend_has_each_colour_beside_its_name():
    colours = {"sky": (1, 2, 3), "a name that is very long": (4, 5, 6), "car": (7, 8, 9)}
    for width, places in ((230, [(10, 5), (10, 120), (30, 5)]), (50, [(10, 5), (30, 5), (50, 5)])):
        picture = draw_legend(colours, width)
        assert picture.shape == (20 * (1 + places[-1][0] // 20), width, 3)
        for colour, (row, column) in zip(colours.values(), places, strict=True):
            assert tuple(picture[row, column]) == colour
            label = picture[row - 8 : row + 8, column + 15 : column + 45]
            assert label.min() < 100  # something is written there
