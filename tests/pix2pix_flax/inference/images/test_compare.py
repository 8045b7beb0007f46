"""`--compare`: low | SR | high of large pictures, and the table of their scores."""

import numpy as np
import pytest
import skimage.data

from cartoon_tfds.errors import UserError
from cartoon_tfds.images import read_picture, write_png
from pix2pix_flax.image.resampling import imresize
from pix2pix_flax.inference.images import translate_images
from pix2pix_flax.inference.images.compare import Comparison


def nearest(images):
    return images.repeat(2, axis=1).repeat(2, axis=2)


def bicubic(images):
    height, width = (2 * side for side in images.shape[1:3])
    return np.asarray(imresize(images, height, width))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    write_png(folder / "a.png", skimage.data.coffee()[:61, :80])
    write_png(folder / "b.png", skimage.data.chelsea()[50:130, 60:130])
    return folder


def test_a_picture_is_reduced_enlarged_and_scored(folder, tmp_path):
    comparison = Comparison(bicubic)
    report = translate_images(
        bicubic, [folder], tmp_path / "out", compare=comparison, progress=False
    )
    assert [path.name for path in report.written] == ["a.png", "b.png"]
    sheet = read_picture(tmp_path / "out" / "a.png").rgb
    assert sheet.shape[1] > 3 * 80
    high = skimage.data.coffee()[:60, :80]
    assert (sheet[-64:, -80:][:60] == high).all() or (sheet[-60:, -80:] == high).all()
    for scores in comparison.scores.values():
        assert scores["network"] == scores["bicubic"]  # it is bicubic interpolation
        assert scores["network"]["psnr_y"] > 20
    table = str(comparison).splitlines()
    assert [line.split()[0] for line in table] == ["picture", "a.png", "b.png", "mean"]


def test_bicubic_beats_nearest(folder, tmp_path):
    comparison = Comparison(nearest)
    translate_images(nearest, [folder], tmp_path / "out", compare=comparison, progress=False)
    for scores in comparison.scores.values():
        assert scores["bicubic"]["psnr_y"] > scores["network"]["psnr_y"] + 0.3


def test_what_cannot_be_compared_is_named(tmp_path):
    with pytest.raises(UserError, match="--compare is for networks that enlarge"):
        Comparison(lambda images: images)
    write_png(tmp_path / "small.png", skimage.data.coffee()[:20, :20])
    comparison = Comparison(bicubic)
    report = translate_images(
        bicubic, [tmp_path], tmp_path / "out", compare=comparison, progress=False
    )
    assert "small.png is too small to be compared" in str(report)
    assert str(comparison) == ""
