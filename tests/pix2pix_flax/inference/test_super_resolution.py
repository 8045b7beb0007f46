"""Super-resolution from the checkpoint on: where a GAN starts, the report, pictures and videos."""

import av
import cv2
import jax
import numpy as np
import pytest
import skimage.data

from cartoon_tfds.images import read_picture
from pix2pix_flax.evaluation.dataset_choice import DatasetChoice
from pix2pix_flax.evaluation.report import evaluate_checkpoint
from pix2pix_flax.export.exporter import export_generator
from pix2pix_flax.inference.images import translate_images
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.inference.tiling.tiled_predictor import TiledPredictor
from pix2pix_flax.inference.translator import Translator
from pix2pix_flax.inference.video import VideoOptions, translate_video
from pix2pix_flax.pretrained.generator import load_generator, started_from, to_safetensors
from pix2pix_flax.tasks.factory import make_task
from pix2pix_flax.train import train

PHOTO = skimage.data.coffee()


@pytest.fixture(scope="module")
def trained(smoke_config, tmp_path_factory):
    """A work directory in which a small SRResNet was trained for some steps."""
    workdir = tmp_path_factory.mktemp("srresnet")
    changes = {"generator__blocks": 1, "train__steps": 4}
    assert train(smoke_config("srresnet", **changes), workdir) == 0
    return workdir


def test_a_gan_starts_from_it(trained, smoke_config, tmp_path):
    config = smoke_config("srgan", generator__blocks=1)
    with config.unlocked():  # of no matter here, and slow to compile
        config.loss_weights.perceptual, config.evaluation.lpips = 0.0, False
    pictures = {name: np.zeros((4, 32, 32, 3), np.uint8) for name in ("input", "target")}
    state = jax.jit(make_task(config, total_steps=1).init)(jax.random.key(0), pictures)
    path = tmp_path / "gen.safetensors"
    path.write_bytes(to_safetensors(load_generator(trained)))
    wanted = load_generator(trained).variables
    assert set(wanted) == {"params", "batch_stats"}
    for checkpoint in (trained, path):
        nets = started_from(checkpoint, state).nets
        for name in ("gen", "gen_ema"):
            jax.tree.map(np.testing.assert_array_equal, nets[name].variables, wanted)
        assert nets["disc"] is state.nets["disc"]


def test_the_report_has_rows_of_bicubic_and_nearest(trained):
    report, panel = evaluate_checkpoint(trained, DatasetChoice("test"), vgg16=False, panel_rows=2)
    assert report.summary.keys() == {"network", "nearest", "bicubic"}
    for scores in report.summary.values():
        assert {"l1", "psnr", "ssim", "psnr_y", "ssim_y", "lpips"} == scores.keys()
    summary = report.summary
    assert summary["bicubic"]["psnr_y"] > summary["nearest"]["psnr_y"] + 0.5
    captions, panel = panel[:84], panel[84:]
    assert captions.min() < 128 < captions.max()
    assert panel.shape == (2 * 36, 4 * 32 + 3 * 4, 3)
    shown = [panel[:32, start : start + 32].reshape(8, 4, 8, 4, 3) for start in (0, 36)]
    assert [(x == x[:, :1, :, :1]).all() for x in shown] in ([True, False], [False, True])


def test_pictures_and_tiles_are_enlarged(trained):
    network = load_predictor(trained)
    photo = PHOTO[np.newaxis, :60, :70]
    whole = network(photo)
    assert whole.shape == (1, 240, 280, 3)
    exact = TiledPredictor(network, tile=40, halo="exact")
    assert np.abs(np.int32(exact(photo)) - whole).max() <= 1
    assert exact.exact_halo == 8 + 2 * 1
    measured = TiledPredictor(network, tile=40)
    assert np.abs(np.int32(measured(photo)) - whole).max() <= 1


def test_transparency_grey_and_sixteen_bits_are_enlarged(trained, tmp_path):
    grey = skimage.data.camera()[:20, :24]
    pictures = {
        "colour": PHOTO[:20, :24],
        "grey": grey,
        "deep": grey.astype(np.uint16) * 257,
        "alpha": np.dstack([PHOTO[:20, :24], np.full_like(grey, 77)]),
    }
    (tmp_path / "in").mkdir()
    for name, picture in pictures.items():
        assert cv2.imwrite(str(tmp_path / "in" / f"{name}.png"), picture)
    predict = Translator(TiledPredictor(load_predictor(trained), tile=16))
    report = translate_images(predict, [tmp_path / "in"], tmp_path / "out", progress=False)
    assert report.complete
    found = {path.stem: read_picture(path) for path in report.written}
    assert {picture.rgb.shape for picture in found.values()} == {(80, 96, 3)}
    assert {name for name, picture in found.items() if picture.is_grey} == {"grey", "deep"}
    assert found["deep"].rgb.dtype == np.uint16
    assert set(np.unique(found["alpha"].alpha)) == {77}


@pytest.mark.parametrize(("outscale", "size"), [(2.0, (40, 48)), (1.5, (30, 36)), (None, (80, 96))])
def test_the_result_may_have_another_size(trained, outscale, size):
    translate = Translator(load_predictor(trained), outscale)
    assert translate(PHOTO[np.newaxis, :20, :24]).shape == (1, *size, 3)


def test_videos_are_enlarged(trained, tmp_path):
    source = tmp_path / "source.mp4"
    with av.open(source, "w") as container:
        stream = container.add_stream("h264", rate=5)
        stream.width, stream.height = 32, 24
        for start in range(3):
            frame = av.VideoFrame.from_ndarray(PHOTO[:24, start : start + 32].copy(), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    options = VideoOptions(progress=False)
    report = translate_video(load_predictor(trained), source, tmp_path / "out.mp4", options)
    assert report.frames == 3
    with av.open(tmp_path / "out.mp4") as container:
        sizes = [(frame.width, frame.height) for frame in container.decode(video=0)]
    assert sizes == [(128, 96)] * 3


def test_what_is_exported(trained, tmp_path):
    """As ONNX: test_export_super_resolution.py."""
    photos = [PHOTO[:64, :64], PHOTO[:64, 64:128]]
    for file_format in ("stablehlo", "safetensors"):
        output = tmp_path / f"sr.{file_format}"
        report = export_generator(trained, file_format, output, photos)
        assert report.difference <= 1
