"""The flags that both scripts share, and the translator of them."""

import re

import av
import numpy as np
import pytest
import skimage.data
from absl import flags
from absl.testing import flagsaver

from cartoon_tfds.errors import UserError
from cartoon_tfds.images import read_image, write_png
from cartoon_tfds.styles import cartoonize
from pix2pix_flax.cli.translation_flags import make_translator
from pix2pix_flax.inference.images.pixels import resize
from pix2pix_flax.inference.predictor import Predictor
from pix2pix_flax.inference.tiling.tiled_predictor import TiledPredictor
from pix2pix_flax.inference.translator import FunctionNetwork, Translator
from tests.commands import run_command
from tests.pix2pix_flax.inference.video.clips import decode, make_clip, pan

PHOTOS = np.stack([skimage.data.coffee()[100:160, 200:290], skimage.data.coffee()[60:120, 0:90]])


def run(script, *arguments):
    return run_command(f"scripts/{script}", *arguments)


@pytest.fixture
def given():
    """Makes flags as a command line would, for a block: `with given(tile="32"):`."""
    flags.FLAGS.mark_as_parsed()
    yield flagsaver.as_parsed
    flags.FLAGS.unparse_flags()


@pytest.mark.parametrize("scale", [0.25, 0.5, 1.0, 1.3, 2, 4])
@pytest.mark.parametrize("own", [1, 4])
def test_outscale_decides_the_size_whatever_the_networks_own(scale, own):
    translate = Translator(FunctionNetwork(lambda x: x.repeat(own, 1).repeat(own, 2)), scale)
    found = translate(PHOTOS)
    assert found.dtype == np.uint8
    assert found.shape == (2, round(60 * scale), round(90 * scale), 3)
    # The same picture, only in another size.
    again = resize(found, 60, 90)
    assert np.abs(again.astype(float) - PHOTOS).mean() < (12 if scale < 0.5 else 8)


def test_without_outscale_the_network_has_the_last_word():
    assert Translator(FunctionNetwork(lambda x: x[:, ::3, ::3]))(PHOTOS).shape == (2, 20, 30, 3)
    assert Translator(FunctionNetwork(lambda x: x), 0.001)(PHOTOS).shape == (2, 1, 1, 3)


@pytest.mark.parametrize("strength", [0.0, 0.3, 0.5, 1.0])
def test_strength_mixes_what_the_network_makes_into_the_picture(strength):
    negative = 255 - PHOTOS
    found = Translator(FunctionNetwork(lambda x: 255 - x), strength=strength)(PHOTOS)
    assert found.dtype == np.uint8
    expected = (1 - strength) * PHOTOS.astype(float) + strength * negative
    assert np.abs(found - expected).max() <= 0.5 + 1e-4
    again = Translator(FunctionNetwork(lambda x: 255 - x), 0.5, strength)(PHOTOS)
    np.testing.assert_array_equal(again, resize(found, 30, 45))


def test_strength_is_for_networks_that_keep_the_size():
    translate = Translator(FunctionNetwork(lambda x: x[:, ::2, ::2]), strength=0.5)
    with pytest.raises(ValueError, match="--strength is for networks that keep the size"):
        translate(PHOTOS)


def test_a_result_that_memory_cannot_hold_is_refused():
    translate = Translator(FunctionNetwork(lambda x: x), outscale=10_000)
    with pytest.raises(UserError, match=r"900000x600000 .* GiB .*: choose a smaller"):
        translate(PHOTOS)


@pytest.mark.parametrize("colours", [False, True])
def test_what_is_known_of_the_network_is_passed_on(colours):
    predictor = Predictor(lambda _, x: x / 127.5 - 1, {}, 1, colours=colours)
    assert Translator(TiledPredictor(predictor)).colours is colours
    assert Translator(FunctionNetwork(lambda images: images)).colours is False


def test_resizing():
    assert resize(PHOTOS, 60, 90) is PHOTOS
    np.testing.assert_array_equal(
        resize(PHOTOS, 30, 45),
        np.rint(PHOTOS.reshape(2, 30, 2, 45, 2, 3).mean((2, 4)) + 1e-6).astype(np.uint8),
    )
    # What is interpolated is sharper than its nearest and linear neighbours.
    larger = resize(resize(PHOTOS, 30, 45), 60, 90).astype(float)
    assert (
        np.abs(larger - PHOTOS).mean()
        < 0.9
        * np.abs(resize(PHOTOS, 30, 45).repeat(2, 1).repeat(2, 2).astype(float) - PHOTOS).mean()
    )


def test_the_translator_of_the_flags(trained, given):
    with given(checkpoint=str(trained), tile="32", halo="8", batch_size="2", outscale="2"):
        translate = make_translator()
    assert isinstance(translate.network, TiledPredictor)
    assert translate(PHOTOS).shape == (2, 120, 180, 3)
    assert re.match("tiles of 32 px, 2 at a time, halo 8 px", translate.summary)
    with given(checkpoint=str(trained), halo="exact"):
        translate = make_translator()
    assert translate(PHOTOS).shape == PHOTOS.shape
    assert translate.summary == ""


@pytest.mark.parametrize("style", ["ink", "poster"])
def test_a_style_without_a_network(given, style):
    with given(checkpoint=f"opencv:{style}"):
        translate = make_translator()
    expected = np.stack([cartoonize(photo, style) for photo in PHOTOS])
    np.testing.assert_array_equal(translate(PHOTOS), expected)


STYLE, ONNX = {"checkpoint": "opencv:ink"}, {"checkpoint": "run", "engine": "onnxruntime"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"checkpoint": "opencv:oil"}, "STYLE must be one of ink, .*, not 'oil'"),
        ({**STYLE, "tile": "64"}, "runs no network: leave out --tile"),
        ({**STYLE, "working_size": "0"}, "runs no network: leave out --working_size"),
        ({**STYLE, "engine": "onnxruntime"}, "runs no network: leave out --engine=onnxruntime"),
        ({**ONNX, "tile": "64"}, "onnxruntime has no tiles: leave out --tile and --halo"),
        ({**ONNX, "halo": "0"}, "onnxruntime has no tiles"),
        ({**ONNX, "working_size": "0"}, "has the size of its export: leave out --working_size"),
        ({**ONNX, "style": "ink"}, "has only the style of its export: leave out --style"),
        (ONNX, r"runs shipped networks and \.onnx files"),
        ({"checkpoint": "a.onnx", "engine": "jax"}, r"jax cannot run a\.onnx: leave --engine out"),
    ],
)
def test_flags_that_an_engine_does_not_have_are_named(given, values, message):
    with given(**values), pytest.raises(UserError, match=message):
        make_translator()


def test_a_missing_onnx_file_is_a_mistake_of_the_user(given, tmp_path):
    file = tmp_path / "none.onnx"
    with (
        given(checkpoint=str(file), engine="onnxruntime"),
        pytest.raises(UserError, match=f"{file}: No such file"),
    ):
        make_translator()


@pytest.mark.parametrize("script", ["translate_images.py", "translate_video.py"])
def test_help_names_the_shared_flags(script):
    shown = run(script, "--help").stdout
    shared = ("checkpoint", "engine", "tile", "halo", "batch_size", "outscale", "output")
    for name in (*shared, "style", "strength"):
        assert re.search(rf"\n  --{name}( \(required\))?\n", shown), name


def test_all_options_of_the_video_script_together(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pan(50), audio=True, gop=12)
    paths = ["--checkpoint=lite", f"--input={source}"]  # A blend of even grey would change little.
    part = ["--start=0:01", "--duration=0.5", "--max_height=48", "--side_by_side"]
    encoding = ["--codec=h265", "--crf=10", "--preset=fast"]
    found = []
    for temporal in ("--temporal", "--notemporal"):
        options = [*part, *encoding, "--tile=48", "--halo=8", "--outscale=2", temporal]
        output = tmp_path / f"{temporal}.mp4"
        done = run("translate_video.py", *paths, *options, f"--output={output}")
        assert done.returncode == 0, done.stderr
        assert "13 frames, " in done.stdout
        assert "tiles of 48 px" in done.stdout
        images, times = decode(output)
        assert images.shape == (13, 96, 256, 3)
        assert times[0][0] == 0
        found.append(images.astype(float))
    with av.open(str(output)) as container:
        assert container.streams.video[0].codec_context.name == "hevc"
    difference = np.abs(found[0] - found[1]).mean((0, 1, 3))
    assert difference[:120].mean() < 0.5 < difference[136:].mean()  # The source is not blended.


def test_an_outscale_of_pictures(trained, tmp_path):
    write_png(tmp_path / "a.png", PHOTOS[0])
    paths = [f"--checkpoint={trained}", f"--input={tmp_path / 'a.png'}", f"--output={tmp_path}/out"]
    done = run("translate_images.py", *paths, "--outscale=0.5")
    assert done.returncode == 0, done.stderr
    assert read_image(tmp_path / "out" / "a.png").shape == (30, 45, 3)
    done = run("translate_images.py", *paths, "--strength=0", "--overwrite")
    np.testing.assert_array_equal(read_image(tmp_path / "out" / "a.png"), PHOTOS[0])
    done = run("translate_images.py", *paths, "--style=ink", "--overwrite")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(
        r"error: \S* was trained without named styles: leave out --style; styles without a network "
        r"are --checkpoint=opencv:STYLE\n",
        done.stderr,
    )
