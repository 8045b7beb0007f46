"""ONNX files of networks that enlarge: the same pictures, and every use that takes such files."""

from pathlib import Path

import av
import jax
import numpy as np
import pytest
import skimage.data

from cartoon_tfds.images import read_picture, write_png
from configs import lite_x4_real, rrdb, srresnet
from pix2pix_flax.export.exporter import FORMATS, export_generator
from pix2pix_flax.inference.exported import load_exported
from pix2pix_flax.inference.images import translate_images
from pix2pix_flax.inference.predictor import Predictor, load_predictor
from pix2pix_flax.inference.translator import FunctionNetwork, Translator
from pix2pix_flax.pretrained.generator import TrainedGenerator, to_safetensors
from pix2pix_flax.tasks.factory import make_task
from tests.commands import run_command
from tests.pix2pix_flax.export.networks import difference, roughened
from tests.pix2pix_flax.inference.video.clips import make_clip

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

PHOTO = skimage.data.coffee()[100:124, 200:232]


SMALL = {"blocks": 2, "width": 16, "out_channels": 3, "kernel_init": "kaiming"}


def make_generator(recipe, **changes):
    """A network with weights far from their start, that returns levels of all kinds."""
    config = recipe.get_config("smoke")
    with config.unlocked():
        if "name" in changes:
            config.generator = {}
        config.generator.update(changes)
    config.sizes.crop = 24  # a multiple of each scale
    task, picture = make_task(config, total_steps=1), PHOTO[None, :8, :8]
    start = jax.jit(lambda: task.step.gen.net.init(jax.random.key(0), task.network_input()))()
    variables = roughened(start.variables)
    scale = 0.3 / jax.jit(task.predict)(variables, picture).std()
    variables["params"]["out"] = jax.tree.map(lambda x: scale * x, variables["params"]["out"])
    return TrainedGenerator(config, variables, Path())


@pytest.mark.parametrize(
    ("recipe", "changes"),
    [
        (srresnet, {"scale": 4, "norm": "batch", "blocks": 2}),
        (srresnet, {"scale": 2, "norm": "instance", "blocks": 1}),
        (srresnet, {"scale": 1, "norm": "group", "blocks": 1}),
        (srresnet, {"scale": 8, "norm": "none", "blocks": 1}),
        (rrdb, {"scale": 4, "blocks": 1}),
        (lite_x4_real, SMALL | {"name": "compact", "scale": 3}),
        (lite_x4_real, SMALL | {"name": "span", "scale": 2, "centred": True, "residual": True}),
        (lite_x4_real, SMALL | {"name": "span", "scale": 2, "centred": False, "residual": False}),
    ],
    ids=["batch", "instance", "group", "none", "rrdb", "compact", "span", "paper's span"],
)
def test_every_network_in_every_size(recipe, changes, tmp_path):
    generator, file = make_generator(recipe, **changes), tmp_path / "a.onnx"
    file.write_bytes(FORMATS["onnx"][0](generator))
    predict = Predictor(generator.task.predict, generator.variables, generator.stride)
    translate = load_exported(file)
    for images in (PHOTO[None, :1, :1], np.stack([PHOTO, 255 - PHOTO])[:, :7, :12]):
        assert difference(translate(images), predict(images)) <= 1
    assert translate(images).shape == (2, 7 * changes["scale"], 12 * changes["scale"], 3)
    assert 5 < predict(images).std() < 100  # neither flat nor black and white


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One x4 network as a safetensors and as an ONNX file."""
    folder = tmp_path_factory.mktemp("files")
    network, file = folder / "a.safetensors", folder / "a.onnx"
    network.write_bytes(to_safetensors(make_generator(srresnet, blocks=1)))
    report = export_generator(network, "onnx", file, [PHOTO, PHOTO[:, ::-1]])
    assert (report.compared, report.difference <= 1) == (4, True)
    return network, file


def test_a_file_says_by_how_much_it_enlarges(files):
    import onnxruntime

    session = onnxruntime.InferenceSession(files[1])
    (images,), (translated,) = session.get_inputs(), session.get_outputs()
    assert images.shape == ["batch", "height", "width", 3]
    assert translated.shape == ["batch", "height_x4", "width_x4", 3]


def test_pictures_by_onnxruntime(files, tmp_path):
    pictures = {"colour": PHOTO, "deep": PHOTO[..., 0] * np.uint16(257)}
    (tmp_path / "in").mkdir()
    for name, picture in pictures.items():
        write_png(tmp_path / "in" / f"{name}.png", picture)
    found = {}
    onnx = FunctionNetwork(load_exported(files[1]))
    for name, network in (("jax", load_predictor(files[0])), ("onnx", onnx)):
        report = translate_images(
            Translator(network), [tmp_path / "in"], tmp_path / name, progress=False
        )
        assert report.complete
        found[name] = {path.stem: read_picture(path).rgb for path in report.written}
    assert {picture.shape for picture in found["onnx"].values()} == {(96, 128, 3)}
    assert found["onnx"]["deep"].dtype == np.uint16
    assert difference(found["onnx"]["colour"], found["jax"]["colour"]) <= 1
    assert Translator(onnx, outscale=1.5)(PHOTO[None]).shape == (1, 36, 48, 3)


def test_a_clip_by_onnxruntime_and_what_times_it(files, tmp_path):
    clip = make_clip(tmp_path / "in.mp4", np.stack([PHOTO] * 4))
    flags = ("--engine=onnxruntime", f"--checkpoint={files[1]}", f"--input={clip}")
    output = tmp_path / "out.mp4"
    for command in (
        ("scripts/translate_video.py", f"--output={output}", "--side_by_side"),
        ("-m", "benchmarks.video", "--sizes=32x24", "--turns=1", "--batch_size=3"),
    ):
        done = run_command(*command, *flags)
        assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("32x24: ")
    with av.open(str(output)) as container:
        sizes = [(frame.width, frame.height) for frame in container.decode(video=0)]
    assert sizes == [(2 * 128, 96)] * 4
