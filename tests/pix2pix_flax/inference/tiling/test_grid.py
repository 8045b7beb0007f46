"""How a picture is cut into tiles, and when tiles that do not meet are given up."""

import itertools
import sys

import numpy as np

from pix2pix_flax.inference.tiling import grid
from pix2pix_flax.inference.tiling.grid import run_tiles, smallest_tile, spans
from tests.pix2pix_flax.inference.tiling.networks import (
    photograph,
)


def test_spans_cover_an_axis_once_and_keep_their_distance():
    for stride, halo, more in itertools.product((1, 4, 8), (0, 1, 7, 12), (0, 1, 3)):
        tile = smallest_tile(halo, stride) + more * stride
        for length in range(stride, 8 * tile, stride):
            found = spans(length, tile, halo, stride)
            kept = [i for span in found for i in range(span.start, span.stop)]
            assert kept == list(range(length))
            for span in found:
                assert span.origin % stride == 0
                assert span.start - span.origin >= max(halo, 1) or span.start == 0
                after = span.origin + tile - span.stop
                assert after >= max(halo, 1) or span.stop == length
                assert span.origin + tile <= length or len(found) == 1


def test_tiles_that_do_not_meet_are_not_gone_on_with(capsys, monkeypatch):
    calls = itertools.count()

    def run(tiles):
        return np.full_like(tiles, next(calls))

    sizes = grid.TileGrid(tile=16, halo=1, stride=8, batch_size=1)
    picture = photograph(64, 64)[0]
    assert run_tiles(run, picture, sizes, most_seam=1, progress=False) == (None, 7)
    assert next(calls) == 8  # the last tile was the first of the second row
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(grid, "_PATIENCE", 0)
    run_tiles(run, picture, sizes, most_seam=255, progress=True)
    assert capsys.readouterr().err == ""  # a log file
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    output, seam = run_tiles(run, picture, sizes, most_seam=255, progress=True)
    assert (output.shape, seam) == ((64, 64, 3), 7)
    assert " tiles" in capsys.readouterr().err
