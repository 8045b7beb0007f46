"""The clip of the previews of a training."""

import av
import numpy as np
import pytest

from cartoon_tfds.images import write_png
from pix2pix_flax.train.clip import write_clip


def add_previews(workdir, steps, size=(40, 60)):
    (workdir / "previews").mkdir(exist_ok=True)
    for step in steps:
        picture = np.full((*size, 3), 10 * step, np.uint8)
        write_png(workdir / "previews" / f"panel-{step:08d}.png", picture)


def frames(workdir):
    with av.open(str(workdir / "previews.mp4")) as container:
        found = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(0)]
        return found, container.duration / 1e6


def test_each_preview_is_shown_for_half_a_second(tmp_path):
    add_previews(tmp_path, (12, 2, 7))
    write_clip(tmp_path)
    found, seconds = frames(tmp_path)
    assert [time for time, _ in found] == [0.0, 0.5, 1.0]
    assert seconds == pytest.approx(1.5)
    for step, (_, frame) in zip((2, 7, 12), found, strict=True):
        assert frame.shape == (40 + 20 + 8, 60, 3)  # under the name of the file
        np.testing.assert_allclose(frame[30:60], 10 * step, atol=3)
        assert (frame[:20] < 100).any()


def test_a_longer_training_makes_it_again(tmp_path):
    add_previews(tmp_path, (1, 2, 3))
    write_clip(tmp_path)
    add_previews(tmp_path, (4,))
    write_clip(tmp_path)
    assert len(frames(tmp_path)[0]) == 4


def test_two_previews_are_no_clip(tmp_path):
    write_clip(tmp_path)
    add_previews(tmp_path, (1, 2))
    write_clip(tmp_path)
    assert not (tmp_path / "previews.mp4").exists()


def test_previews_of_another_size_are_left_out(tmp_path):
    add_previews(tmp_path, (1, 2, 3))
    add_previews(tmp_path, (4, 5), size=(40, 30))
    write_clip(tmp_path)
    assert len(frames(tmp_path)[0]) == 2


def test_large_previews_are_shrunk(tmp_path):
    add_previews(tmp_path, (1, 2, 3), size=(2400, 1000))
    write_clip(tmp_path)
    assert frames(tmp_path)[0][0][1].shape[:2] == (1080 + 20 + 8, 450)


def test_a_damaged_preview_costs_one_warning(tmp_path, caplog):
    add_previews(tmp_path, (1, 2, 3))
    (tmp_path / "previews" / "panel-00000002.png").write_bytes(b"cut")
    write_clip(tmp_path)
    (record,) = caplog.records
    assert "The clip of the previews is left out: " in record.getMessage()
    assert "panel-00000002.png" in record.getMessage()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["previews"]
