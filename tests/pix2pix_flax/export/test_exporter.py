"""Exported files, run by their own runtimes, against the predictor."""

import dataclasses
import importlib.util
import os
import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import av
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data

import pix2pix_flax
from configs.default import get_config
from pix2pix_flax.checkpoint.manager import Checkpoints
from pix2pix_flax.export.exporter import FORMATS, ExportError, export_generator
from pix2pix_flax.export.stablehlo import to_stablehlo
from pix2pix_flax.inference import exported
from pix2pix_flax.inference.exported import ExportedFileError, load_exported
from pix2pix_flax.inference.predictor import Predictor, load_predictor
from pix2pix_flax.models.unet import Unet
from pix2pix_flax.pretrained import generator
from pix2pix_flax.pretrained.generator import GeneratorFileError
from pix2pix_flax.tasks.factory import make_task

ROOT = Path(pix2pix_flax.__file__).parents[1]
COFFEE = skimage.data.coffee()
PHOTOGRAPHS = [COFFEE[:60, :80], skimage.data.chelsea()[50:110, 50:130]]
SIZES = ((1, 1), (5, 7), (16, 9), (8, 8))
RUNTIMES = {"onnx": ("onnx", "onnxruntime"), "stablehlo": ("flatbuffers",), "safetensors": ()}


def with_runtime(name, *values):
    """A parameter that is skipped where the format's packages are not installed."""
    missing = [package for package in RUNTIMES[name] if importlib.util.find_spec(package) is None]
    mark = pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} not installed")
    return pytest.param(name, *values, marks=mark)


ALONE = [with_runtime("onnx"), with_runtime("stablehlo")]
ALL = [*ALONE, with_runtime("safetensors")]


def cut(count, height, width):
    """Pieces of a photograph, uint8 [count, height, width, 3]."""
    return np.stack([COFFEE[20 * i :, 60 * i :][:height, :width] for i in range(count)])


def roughened(variables):
    """Weights as far from their start as those of a trained network."""
    rng = np.random.default_rng(0)

    def move(path, leaf):
        noise = 0.1 * rng.standard_normal(leaf.shape)
        is_variance = path[-1].key == "var"
        return jnp.asarray(leaf + (np.abs(noise) if is_variance else noise), jnp.float32)

    return jax.tree_util.tree_map_with_path(move, variables)


def difference(a, b):
    assert a.dtype == b.dtype == np.uint8
    assert a.shape == b.shape
    return np.abs(a.astype(int) - b).max()


@pytest.fixture(scope="module")
def save(tmp_path_factory):
    """Saves an untrained network with `config.generator` and other fields changed; its workdir."""

    def save(**changes):
        workdir = tmp_path_factory.mktemp("run")
        config = get_config("smoke")
        config.update_from_flattened_dict({k.replace("__", "."): v for k, v in changes.items()})
        batch = {name: np.zeros((2, 40, 40, 3), np.uint8) for name in ("input", "target")}
        state = jax.jit(make_task(config, 1).init)(jax.random.key(0), batch)
        average = state.nets["gen_ema"]
        moved = roughened({"params": average.params, "model_state": average.model_state})
        state = state.replace(nets={**state.nets, "gen_ema": average.replace(**moved)})
        checkpoints = Checkpoints(workdir, keep=1, best_metric="l1")
        checkpoints.save(state, {"config": config.to_dict()}, {})
        checkpoints.close()
        return workdir

    return save


@pytest.fixture(scope="module")
def run(save):
    return save(generator__depth=2)


@pytest.fixture(scope="module")
def files(run, tmp_path_factory):
    """Exports into each format once, when it is asked for."""
    made, folder = {}, tmp_path_factory.mktemp("files")

    def make(name):
        if name not in made:
            made[name] = export_generator(run, name, folder / f"generator.{name}", PHOTOGRAPHS)
        return made[name].path

    make.reports = made
    return make


@pytest.mark.parametrize("norm", ["batch", "none", "group", "instance"])
@pytest.mark.parametrize("upsample", ["resize", "transpose"])
@pytest.mark.parametrize(("name", "depth"), [with_runtime("onnx", 3), with_runtime("stablehlo", 1)])
def test_every_unet_of_any_size(name, depth, upsample, norm, tmp_path):
    module = Unet(depth, 4, 3, norm, upsample, 0.0)
    start = module.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)), train=False)
    variables = roughened(start)

    def forward(variables, images):
        return module.apply(variables, images / 127.5 - 1.0, train=False)

    file = tmp_path / f"generator.{name}"
    if name == "onnx":
        from pix2pix_flax.export.onnx.networks import to_onnx

        file.write_bytes(to_onnx(module, variables, {}))
    else:
        file.write_bytes(to_stablehlo(forward, variables, module.stride))
    translate, predict = load_exported(file), Predictor(forward, variables, module.stride)
    for size in SIZES[: 4 if name == "onnx" else 2]:  # each size is compiled twice
        images = cut(2, *size)
        assert difference(translate(images), predict(images)) <= 1
    assert predict(images).std() > 1


@pytest.mark.parametrize("name", ALL)
def test_a_file_does_what_the_checkpoint_does(name, files, run):
    file = files(name)
    translate = load_predictor(file) if name == "safetensors" else load_exported(file)
    predict = load_predictor(run)
    for size, count in zip(SIZES, (1, 2, 3, 2), strict=True):
        images = cut(count, *size)
        assert difference(translate(images), predict(images)) <= 1
    assert predict(images).std() > 5
    report = files.reports[name]
    assert (report.compared, report.size) == (4, file.stat().st_size)  # a pair, an odd one, a pixel
    assert report.difference <= 1
    assert "at most" in str(report)
    assert sorted(path.suffix for path in file.parent.iterdir() if path.name.startswith(".")) == []


@pytest.mark.parametrize("name", [with_runtime("onnx"), with_runtime("safetensors")])
def test_a_network_in_bfloat16(name, save, tmp_path):
    run = save(generator__depth=1, dtype="bfloat16")
    report = export_generator(run, name, tmp_path / f"a.{name}", PHOTOGRAPHS)
    assert report.difference <= 1
    assert report.differing < 300  # in bfloat16 it would be each eighth of 28,800 values


@pytest.fixture
def poisoned(tmp_path):
    """An environment in which packages cannot be imported."""

    def make(*packages):
        for package in packages:
            (tmp_path / "poison" / package).mkdir(parents=True)
            file = tmp_path / "poison" / package / "__init__.py"
            file.write_text(f"raise SystemExit('{package} was imported')")
        path = os.pathsep.join([str(tmp_path / "poison"), os.environ.get("PYTHONPATH", "")])
        return os.environ | {"PYTHONPATH": path}

    return make


@pytest.mark.parametrize(
    ("name", "others"),
    [with_runtime("onnx", ("jax", "flax")), with_runtime("stablehlo", ("flax", "orbax"))],
)
def test_a_copy_of_the_runner_needs_no_project(name, others, files, run, poisoned, tmp_path):
    program = tmp_path / "elsewhere" / "run.py"
    program.parent.mkdir()
    program.write_bytes(Path(exported.__file__).read_bytes())
    np.savez(tmp_path / "in.npz", photo=cut(2, 11, 13))
    subprocess.run(
        [sys.executable, program, files(name), tmp_path / "in.npz", tmp_path / "out.npz"],
        env=poisoned("pix2pix_flax", "cartoon_tfds", *others),
        cwd=program.parent,
        check=True,
    )
    with np.load(tmp_path / "out.npz") as found:
        assert difference(found["photo"], load_predictor(run)(cut(2, 11, 13))) <= 1


def run_command(script, *flags, before="", env=None):
    """Runs a script after a few lines of Python; returns its exit code and what it prints."""
    program = f"import runpy, sys\n{before}\nrunpy.run_path(sys.argv[0], run_name='__main__')"
    program = f"import sys\nsys.argv = sys.argv[1:]\n{program}"
    done = subprocess.run(
        [sys.executable, "-c", program, ROOT / "scripts" / script, *flags],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=env,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_command_compares_on_photographs(run, tmp_path):
    output = tmp_path / "new" / "a.safetensors"
    flags = (f"--checkpoint={run}", "--format=safetensors", f"--output={output}")
    code, stdout, stderr = run_command("export_generator.py", *flags)
    assert (code, stderr) == (0, "")
    assert stdout.startswith(f"{output}: 0.0 MiB. On 10 images it differs")
    assert [path.name for path in output.parent.iterdir()] == [output.name]


# One bias of the file's network is another than the checkpoint's: 0.05 in [-1, 1] is 6.4 levels.
CHANGED = """
import copy, dataclasses
from pix2pix_flax.export import exporter
def change(name):
    write, *rest = exporter.FORMATS[name]
    def write_other(source):
        variables = copy.deepcopy(source.variables)
        layer = variables["params"]["up0"]["Conv_0"]
        layer["bias"] = layer["bias"] + 0.05
        return write(dataclasses.replace(source, variables=variables))
    return write_other, *rest
"""


@pytest.mark.parametrize("name", ALL)
def test_a_file_that_differs_is_not_kept(name, run, tmp_path, monkeypatch):
    scope = {}
    exec(CHANGED, scope)
    monkeypatch.setitem(FORMATS, name, scope["change"](name))
    output = tmp_path / f"a.{name}"
    with pytest.raises(ExportError) as caught:
        export_generator(run, name, output, PHOTOGRAPHS)
    start = f"{output} was not kept: it differs from the predictor by "
    assert str(caught.value).startswith(start)
    assert 2 <= int(str(caught.value).removeprefix(start).split()[0]) <= 7
    assert list(tmp_path.iterdir()) == []

    output.write_bytes(b"of an earlier run")
    with pytest.raises(ExportError, match=r"exists already \(--overwrite replaces it\)"):
        export_generator(run, name, output, PHOTOGRAPHS)
    if name == "safetensors":  # which needs no further process
        with pytest.raises(ExportError, match="was not kept"):
            export_generator(run, name, output, PHOTOGRAPHS, overwrite=True)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"of an earlier run"]


@pytest.mark.parametrize("name", [with_runtime("stablehlo")])
def test_the_command_fails_where_the_file_differs(name, run, tmp_path):
    code, stdout, stderr = run_command(
        "export_generator.py",
        f"--checkpoint={run}",
        f"--format={name}",
        f"--output={tmp_path / 'a'}.{name}",
        before=f"{CHANGED}\nexporter.FORMATS[{name!r}] = change({name!r})",
    )
    assert (code, stdout) == (1, "")
    assert stderr.startswith(f"error: {tmp_path / 'a'}.{name} was not kept: it differs")
    assert stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


class Malicious:
    """What would make a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("kind", ["empty", "text", "noise", "cut", "pickle"])
@pytest.mark.parametrize("name", ALL)
def test_garbage_is_refused_in_one_line(name, kind, files, tmp_path):
    contents = {
        "empty": b"",
        "text": b"no network",
        "noise": np.random.default_rng(0).bytes(5000),
        "cut": files(name).read_bytes()[:3000],
        "pickle": pickle.dumps(Malicious(tmp_path / "made")),
    }
    file = tmp_path / f"a.{name}"
    file.write_bytes(contents[kind])
    load = load_predictor if name == "safetensors" else load_exported
    with pytest.raises((ExportedFileError, GeneratorFileError)) as caught:
        load(file)
    assert str(caught.value).startswith(f"{file} is not a")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("name", ["a.onnx", "a.stablehlo", "a.pkl"])
def test_files_that_are_missing_or_of_another_kind(name, tmp_path):
    if name == "a.pkl":
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(
        ExportedFileError, match=r"a\.(onnx|stablehlo): No such file|does not end in"
    ):
        load_exported(tmp_path / name)


@pytest.mark.parametrize("name", ALONE)
def test_programs_that_do_something_else_are_refused(name, tmp_path):
    file = tmp_path / f"a.{name}"
    if name == "onnx":
        from onnx import TensorProto, helper

        shape = ["batch", "height", "width", 3]
        ends = [helper.make_tensor_value_info(x, TensorProto.FLOAT, shape) for x in ("x", "y")]
        graph = helper.make_graph(
            [helper.make_node("Relu", ["x"], ["y"])], "relu", *map(list, zip(ends))
        )
        opset = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=8)
        file.write_bytes(model.SerializeToString())
    else:
        images = jax.ShapeDtypeStruct((1, 8, 8, 3), np.uint8)
        file.write_bytes(jax.export.export(jax.jit(lambda x: 255 - x))(images).serialize())
    with pytest.raises(ExportedFileError, match=r"input and output are not uint8 \[B, H, W, 3\]"):
        load_exported(file)


def test_a_file_with_weights_of_another_network_is_refused(files, tmp_path):
    import safetensors.numpy

    arrays = safetensors.numpy.load_file(files("safetensors"))
    with safetensors.safe_open(files("safetensors"), framework="numpy") as file:
        metadata = file.metadata()
    arrays["params/up0/Conv_0/bias"] = np.zeros(4, np.float32)
    safetensors.numpy.save_file(arrays, tmp_path / "a.safetensors", metadata=metadata)
    with pytest.raises(GeneratorFileError, match=r"params\.up0\.Conv_0\.bias is float32\[4\]"):
        load_predictor(tmp_path / "a.safetensors")
    metadata = {name: text.replace("unet", "other") for name, text in metadata.items()}
    safetensors.numpy.save_file(arrays, tmp_path / "a.safetensors", metadata=metadata)
    with pytest.raises(GeneratorFileError, match=r"unknown configuration: config\.generator\.name"):
        load_predictor(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    "changes",
    [{"inference__statistics": "batch"}, {"inference__dropout": True, "generator__dropout": 0.5}],
    ids=["statistics", "dropout"],
)
def test_networks_that_draw_or_measure_at_test_are_refused(changes, save, tmp_path):
    run = save(generator__depth=1, **changes)
    for name in FORMATS:
        with pytest.raises(ExportError, match=r"cannot be exported: its network takes statistics"):
            export_generator(run, name, tmp_path / f"a.{name}", PHOTOGRAPHS)
    assert list(tmp_path.iterdir()) == []


def test_an_output_with_another_ending_is_refused(run, tmp_path):
    with pytest.raises(ExportError, match=r"does not end in \.onnx"):
        export_generator(run, "onnx", tmp_path / "a.stablehlo", PHOTOGRAPHS)


@dataclasses.dataclass
class Other:
    """A network that has no graph."""

    stride = 1


@pytest.mark.parametrize("name", [with_runtime("onnx")])
def test_not_all_networks_have_an_onnx_graph(name, run, tmp_path, monkeypatch):
    task = SimpleNamespace(module=Other())
    monkeypatch.setattr(generator, "make_task", lambda *_, **__: task)
    known = "only for Unet, SRResNet, RRDBNet"
    with pytest.raises(ExportError, match=f"no ONNX graph is known for Other, {known}"):
        export_generator(run, name, tmp_path / f"a.{name}", PHOTOGRAPHS)


@pytest.mark.parametrize("name", [with_runtime("onnx")])
def test_networks_that_see_grey_have_no_onnx_graph(name, save, tmp_path):
    run = save(generator__depth=1, input_channels=1)
    with pytest.raises(ExportError, match="input or output is not RGB"):
        export_generator(run, name, tmp_path / f"a.{name}", PHOTOGRAPHS)


@pytest.mark.parametrize("name", ALONE)
def test_a_missing_runtime_is_named(name, files, monkeypatch):
    package = {"onnx": "onnxruntime", "stablehlo": "jax"}[name]
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ExportedFileError, match=f"{name} cannot be run: .*{package}.*pip install"):
        load_exported(files(name))


@pytest.mark.parametrize("package", ["onnx", "flatbuffers"])
def test_a_missing_package_is_named(package, run, tmp_path, monkeypatch):
    for module in list(sys.modules):
        if module.startswith((package, "jax._src.export.serialization")) or "export.onnx" in module:
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    name = "onnx" if package == "onnx" else "stablehlo"
    with pytest.raises(ExportError, match=f"nothing was exported: .*{package}.*pip install"):
        export_generator(run, name, tmp_path / f"a.{name}", PHOTOGRAPHS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [with_runtime("onnx")])
def test_videos_by_onnxruntime_need_no_jax(name, files, run, poisoned, tmp_path):
    clip = tmp_path / "clip.mp4"
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        for i in range(6):
            image = np.ascontiguousarray(COFFEE[100:132, 8 * i : 8 * i + 48])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        container.mux(stream.encode(None))
    shown = []
    environment = poisoned("jax", "jaxlib", "flax")
    for engine, checkpoint, env in (("jax", run, None), ("onnxruntime", files(name), environment)):
        output = tmp_path / f"{engine}.mp4"
        flags = [f"--engine={engine}", f"--checkpoint={checkpoint}", f"--input={clip}"]
        code, stdout, stderr = run_command(
            "translate_video.py", *flags, f"--output={output}", "--crf=0", env=env
        )
        assert code == 0, stderr
        assert "6 frames" in stdout
        with av.open(str(output)) as container:
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        shown.append(np.stack(frames))
    assert shown[0].shape == (6, 32, 48, 3)
    assert difference(*shown) <= 4  # one level before it was encoded
    flags = ["--engine=onnxruntime", f"--checkpoint={run}", f"--input={clip}", "--output=a.mp4"]
    code, _, stderr = run_command("translate_video.py", *flags)
    assert (code, stderr.count("\n")) == (1, 1)
    assert "--engine=onnxruntime runs .onnx files" in stderr
