"""Panels of pages that are made of photographs, so that it is known where they are."""

import dataclasses

import cv2
import numpy as np
import pytest
import skimage.data
import tensorflow_datasets as tfds

from cartoon_tfds import __main__
from cartoon_tfds.build import build
from cartoon_tfds.cartoon_tfds_dataset_builder import BuildOptions, CartoonConfig
from cartoon_tfds.images import ImageError, read_image, write_png
from cartoon_tfds.recipes.comics import MIN_PANEL, Panel, Panels, find_panels
from cartoon_tfds.records import manifest
from cartoon_tfds.sources.base import Local, SourceError
from cartoon_tfds.sources.folders import PictureFolder

PHOTO = np.clip(skimage.data.astronaut(), 60, 200)  # neither paper
ROWS = [
    [Panel(40, 40, 520, 160)],
    [Panel(40, 220, 150, 180), Panel(206, 220, 354, 180)],
    [Panel(40, 420, 200, 330), Panel(260, 420, 300, 150), Panel(260, 590, 300, 160)],
]
PANELS = [panel for row in ROWS for panel in row]


def make_page(panels, paper=255, height=800, width=600):
    """Returns a page with a photograph in each panel."""
    page = np.full((height, width, 3), paper, np.uint8)
    for left, top, panel_width, panel_height in panels:
        size = (panel_width, panel_height)
        page[top : top + panel_height, left : left + panel_width] = cv2.resize(PHOTO, size)
    return page


def as_jpeg(page):
    data = cv2.imencode(".jpg", page, (cv2.IMWRITE_JPEG_QUALITY, 90))[1]
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


@pytest.mark.parametrize("paper", [255, 0, 245, 10])
def test_panels_are_found_in_the_order_of_reading(paper):
    assert find_panels(make_page(PANELS, paper)) == PANELS


def test_a_grid_is_read_by_rows():
    grid = [Panel(left, top, 200, 150) for top in (30, 200) for left in (30, 250)]
    assert find_panels(make_page(grid, height=380, width=480)) == grid


def test_panels_of_a_jpeg_file():
    page = make_page(PANELS)
    np.testing.assert_allclose(find_panels(as_jpeg(page)), PANELS, atol=2)


def test_specks_in_a_gutter_part_nothing_and_are_no_panels():
    page = make_page(PANELS)
    page[208:211, 300:304] = page[300, 197] = 0
    assert find_panels(page) == PANELS


def test_panels_that_are_joined_stay_together():
    page = make_page(PANELS)
    page[300:340, 150:240] = 128  # across the gutter of the second row
    joined = Panel(40, 220, 520, 180)
    assert find_panels(page) == [PANELS[0], joined, *PANELS[3:]]


def test_a_white_sky_in_a_frame_is_no_gutter():
    page = make_page([])
    cv2.rectangle(page, (40, 40), (559, 439), (0, 0, 0), 1)
    page[300:439, 41:559] = cv2.resize(PHOTO, (518, 139))
    page[100:140, 200:300] = 128  # a bird
    assert find_panels(page) == [Panel(40, 40, 520, 400)]


def test_a_thin_light_line_is_no_gutter():
    page = make_page([Panel(40, 40, 520, 700)])
    page[300, 40:560] = 255
    assert find_panels(page) == [Panel(40, 40, 520, 700)]
    page[301, 40:560] = 255
    assert find_panels(page) == [Panel(40, 40, 520, 260), Panel(40, 302, 520, 438)]


def test_a_page_without_gutters_is_one_panel():
    assert find_panels(PHOTO) == [Panel(0, 0, 512, 512)]
    assert find_panels(np.zeros((200, 200, 3), np.uint8)) == []


def test_small_ones_are_left_out():
    small = Panel(40, 40, 300, MIN_PANEL - 1)
    large = Panel(40, 200, MIN_PANEL, MIN_PANEL)
    assert find_panels(make_page([small, large])) == [large]


@pytest.fixture
def folder(tmp_path):
    """A folder of two pages."""
    path = tmp_path / "pages"
    path.mkdir()
    write_png(path / "a.png", make_page(PANELS))
    write_png(path / "b.png", make_page(PANELS[:1], 0))
    return path


def test_the_recipe_makes_an_example_of_each_panel(folder):
    page = next(PictureFolder(folder, "mine").photos())
    recipe = Panels()
    assert (recipe.num_examples(page), recipe.num_parts(6)) == (6, 1)
    small_parts = type("SmallParts", (Panels,), {"examples_per_part": 4})()
    assert [len(small_parts.make(page, part)) for part in (0, 1)] == [4, 2]
    examples = small_parts.make(page, 0) + small_parts.make(page, 1)
    assert [key for key, _ in examples] == [f"{page.sha256}-{number}" for number in range(6)]
    assert [example["panel"] for _, example in examples] == [list(panel) for panel in PANELS]
    for _, example in examples:
        assert example.keys() == recipe.features().keys()
        left, top, width, height = example["panel"]
        pixels = make_page(PANELS)[top : top + height, left : left + width]
        np.testing.assert_array_equal(read_image(example["image"]), pixels)


def test_size_is_the_short_side_of_a_panel(folder):
    page = next(PictureFolder(folder, "mine").photos())
    sides = [read_image(example["image"]).shape[:2] for _, example in Panels(128).make(page, 0)]
    assert [min(side) for side in sides] == [128] * 6
    assert sides[0] == (128, 416)


def test_a_page_of_nothing_is_named(folder):
    write_png(folder / "c.png", make_page([]))
    page = list(PictureFolder(folder, "mine").photos())[-1]
    with pytest.raises(ImageError, match=r"^c.png: no panel of at least 96x96 pixels$"):
        Panels().read(page)
    config = CartoonConfig(name="x", recipe=Panels(), origin=Local(PictureFolder(folder, "mine")))
    options = BuildOptions(workers=1)
    with pytest.raises(SourceError, match=r"1 of 3 photographs cannot be used:\n  c.png: no panel"):
        build(config, folder.parent / "data", overwrite=False, options=options)
    config = dataclasses.replace(config, skip_bad=True)
    builder = build(config, folder.parent / "data", overwrite=False, options=options)
    assert builder.info.splits.total_num_examples == 7


def test_a_long_panel_is_refused_where_it_would_become_too_long(folder):
    page = next(PictureFolder(folder, "mine").photos())
    with pytest.raises(ImageError, match=r"^a.png: 520x160 is too long for a short side of 16384"):
        Panels(16384).read(page)


def test_the_flag(folder, monkeypatch, capsys):
    def run(*flags):
        monkeypatch.setattr("sys.argv", ["cartoon_tfds", *map(str, flags)])
        __main__.main()

    data = folder.parent / "data"
    run(f"--images={folder}", "--panels", "--size=64", f"--data_dir={data}", "--workers=1")
    assert manifest.first_difference(data / "cartoon_tfds" / "pages" / "2.0.0") is None
    examples = tfds.data_source("cartoon_tfds/pages", split="train", data_dir=data)
    assert len(examples) == 7
    assert {min(example["image"].shape[:2]) for example in examples} == {64}
    for flags in ([f"--photos={folder}"], ["--config=sample"], []):
        with pytest.raises(SystemExit, match="2"):
            run(*flags, "--panels", f"--data_dir={data}")
        assert "--panels is for --images" in capsys.readouterr().err.splitlines()[-1]
