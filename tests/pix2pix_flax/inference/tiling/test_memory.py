"""Pictures that do not fit into memory: predicted, and survived where the prediction was wrong."""

import logging
import subprocess
import sys
import tracemalloc
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data

from cartoon_tfds.images.channels import Picture
from pix2pix_flax.inference.images.pixels import translate_pixels
from pix2pix_flax.inference.predictor import Predictor
from pix2pix_flax.inference.tiling import memory, tiled_predictor
from pix2pix_flax.inference.tiling.tiled_predictor import (
    TiledPredictor,
    TooLargeError,
)

ROOT = Path(__file__).parents[4]
PHOTO = skimage.data.coffee()[np.newaxis, :200, :300]


def blur(variables, images):
    """A network of stride 8 and halo 1."""
    x = jnp.pad(images.astype(jnp.float32), ((0, 0), (1, 1), (1, 1), (0, 0)))
    size = images.shape[1], images.shape[2]
    shifted = [x[:, y : y + size[0], z : z + size[1]] for y in range(3) for z in range(3)]
    return variables * sum(shifted) / 9 / 127.5 - 1


def limited(most):
    """A predictor that runs out of memory for more than so many pixels at once."""

    class Limited(Predictor):
        def run(self, images):
            if images.size // 3 > most:
                raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 7")
            return super().run(images)

    return Limited(blur, jnp.float32(1), 8)


def test_first_batches_shrink_and_then_tiles(caplog):
    caplog.set_level(logging.INFO, "pix2pix_flax")
    expected = Predictor(blur, jnp.float32(1), 8)(PHOTO)
    for most, tile, batch_size in (
        (4 * 64**2, 64, 4),
        (2 * 64**2, 64, 2),
        (64**2, 64, 1),
        (20**2, 16, 1),
    ):
        caplog.clear()
        tiled = TiledPredictor(limited(most), halo="exact", batch_size=4)
        tiled.tile = 64
        np.testing.assert_array_equal(tiled(PHOTO), expected)
        assert (tiled.tile, tiled.batch_size) == (tile, batch_size)
        told = [record.getMessage() for record in caplog.records]
        assert told[0] == "memory does not suffice for 1x200x304 px"
        last = f"memory does not suffice: from here on tiles of {tile} px, {batch_size} at a time"
        assert told[1:][-1:] == ([] if batch_size == 4 else [last])


def test_what_stays_too_large_is_one_line():
    with pytest.raises(
        TooLargeError, match=r"^memory does not suffice for one tile of 16 px[^\n]*$"
    ):
        TiledPredictor(limited(9), tile=64)(PHOTO)


def test_pictures_of_a_batch_run_one_by_one_before_they_are_tiled():
    tiled = TiledPredictor(limited(PHOTO[0].size // 2), tile=0)
    np.testing.assert_array_equal(tiled(np.repeat(PHOTO, 3, 0)), np.repeat(tiled(PHOTO), 3, 0))
    assert tiled.summary == ""


def test_other_errors_are_raised():
    class Broken(Predictor):
        def run(self, images):
            raise jax.errors.JaxRuntimeError("INTERNAL: no such device")

    with pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"):
        TiledPredictor(Broken(blur, jnp.float32(1), 8))(PHOTO)


def test_too_large_a_program_is_not_even_run(monkeypatch):
    predictor = Predictor(blur, jnp.float32(1), 8)
    whole = predictor.program((1, 200, 304, 3))
    plan = whole.memory_analysis()
    needed = plan.temp_size_in_bytes + plan.output_size_in_bytes
    monkeypatch.setattr(memory, "available_bytes", lambda: needed)
    assert not memory.fits(whole)
    monkeypatch.setattr(memory, "available_bytes", lambda: 2 * needed)
    assert memory.fits(whole)
    monkeypatch.setattr(memory, "available_bytes", lambda: None)
    assert memory.fits(whole)
    monkeypatch.setattr(tiled_predictor, "fits", lambda program: program is not whole)
    monkeypatch.setattr(tiled_predictor, "DEFAULT_TILE", 64)
    tiled = TiledPredictor(predictor)
    np.testing.assert_array_equal(tiled(PHOTO), predictor(PHOTO))
    assert tiled.seam is not None


def test_an_enlarged_picture_is_in_memory_once():
    """Of NumPy's arrays the result is the largest; JAX's, which are not traced, are a few tiles."""

    def forward(variables, images):
        x = blur(variables, images)
        return x.repeat(4, axis=1).repeat(4, axis=2)

    predictor = Predictor(forward, jnp.float32(1), 1)
    tiled = TiledPredictor(predictor, tile=64)
    tiled(np.zeros_like(PHOTO))  # compiles; black needs no halo, and it grows for the next picture
    assert tiled.halo == 0
    tracemalloc.start()
    output = tiled(PHOTO)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tiled.halo, output.shape) == (1, (1, 800, 1200, 3))
    assert peak < 1.5 * output.size  # bytes
    assert np.abs(np.int16(output) - predictor(PHOTO)).max() <= 1


def test_sixteen_bits_are_in_memory_once():
    deep = Picture(PHOTO[0] * np.uint16(257), None, False, None)
    enlarged = PHOTO.repeat(4, axis=1).repeat(4, axis=2)
    tracemalloc.start()
    output = translate_pixels(lambda images: enlarged, deep)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(output, enlarged[0] * np.uint16(257))
    assert peak < 1.5 * output.nbytes


def test_the_smallest_of_all_limits_counts(tmp_path, monkeypatch):
    (tmp_path / "self").mkdir()
    monkeypatch.setattr(memory, "_PROC", tmp_path)
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    assert memory.available_bytes() is None
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:      8 kB\n")
    assert memory.available_bytes() == 8192
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available_bytes() == 8192
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 50\n")
    assert memory.available_bytes() == 350


SCRIPT = """
import logging, resource, sys
import jax, jax.numpy as jnp, numpy as np
from pix2pix_flax.inference.tiling import memory
from pix2pix_flax.inference.predictor import Predictor
from pix2pix_flax.inference.tiling.tiled_predictor import TiledPredictor
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)

def forward(kernel, images):
    x = jnp.tile(images.astype(jnp.float32), (1, 1, 1, 16))
    for _ in range(2):
        x = jax.lax.conv_general_dilated(
            x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return x[..., :3] / 127.5 - 1

kernel = jnp.zeros((3, 3, 48, 48)).at[1, 1].set(jnp.eye(48))
tiled = TiledPredictor(Predictor(forward, kernel, 8), halo="exact", batch_size=1)
small = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
tiled(small)
used = memory._field(memory._PROC / "self" / "status", "VmSize:", 1024)
resource.setrlimit(resource.RLIMIT_AS, (used + 3 * 2**27, resource.RLIM_INFINITY))
if sys.argv[1] == "caught":
    memory.available_bytes = lambda: None
picture = np.tile(small, (1, 20, 20, 1))
print("equal", np.array_equal(tiled(picture), picture))
print(tiled.summary)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS")
@pytest.mark.parametrize("how", [pytest.param("predicted", marks=pytest.mark.long), "caught"])
def test_a_process_with_little_memory_falls_back_to_tiles(how):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, how], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "memory does not suffice for 1x1280x1280 px" in lines
    assert "equal True" in lines
    assert lines[-1].startswith("tiles of 512 px, 1 at a time, halo 2 px (exact: 2 px)")
