"""Exported files are run by their own runtimes, and files that are none are refused."""

import os
import pickle
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import av
import jax
import numpy as np
import pytest

from pix2pix_flax.inference import exported
from pix2pix_flax.inference.exported import ExportedFileError, load_exported
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.pretrained.generator import GeneratorFileError
from tests.pix2pix_flax.export.networks import (
    ALL,
    ALONE,
    COFFEE,
    cut,
    difference,
    run_script,
    with_runtime,
)


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
def test_a_copy_of_the_runner_needs_no_project(
    name, others, exported_file, untrained, poisoned, tmp_path
):
    program = tmp_path / "elsewhere" / "run.py"
    program.parent.mkdir()
    program.write_bytes(Path(exported.__file__).read_bytes())
    file = exported_file(name).path
    np.savez(tmp_path / "in.npz", photo=cut(2, 11, 13))
    subprocess.run(
        [sys.executable, program, file, tmp_path / "in.npz", tmp_path / "out.npz"],
        env=poisoned("pix2pix_flax", "cartoon_tfds", *others),
        cwd=program.parent,
        check=True,
    )
    with np.load(tmp_path / "out.npz") as found:
        assert difference(found["photo"], load_predictor(untrained)(cut(2, 11, 13))) <= 1


class Malicious:
    """What would make a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("kind", ["empty", "text", "noise", "cut", "pickle"])
@pytest.mark.parametrize("name", ALL)
def test_garbage_is_refused_in_one_line(name, kind, exported_file, tmp_path):
    contents = {
        "empty": b"",
        "text": b"no network",
        "noise": np.random.default_rng(0).bytes(5000),
        "cut": exported_file(name).path.read_bytes()[:3000],
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


@pytest.mark.parametrize("name", ALONE)
def test_a_missing_runtime_is_named(name, exported_file, monkeypatch):
    package = {"onnx": "onnxruntime", "stablehlo": "jax"}[name]
    file = exported_file(name).path
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ExportedFileError, match=f"{name} cannot be run: .*{package}.*pip install"):
        load_exported(file)


@pytest.mark.parametrize("name", [with_runtime("onnx")])
def test_videos_by_onnxruntime_need_no_jax(name, exported_file, untrained, poisoned, tmp_path):
    clip = tmp_path / "clip.mp4"
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        for i in range(6):
            image = np.ascontiguousarray(COFFEE[100:132, 8 * i : 8 * i + 48])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        container.mux(stream.encode(None))
    shown = []
    engines = {
        "jax": (untrained, None),
        "onnxruntime": (exported_file(name).path, poisoned("jax", "jaxlib", "flax")),
    }
    for engine, (checkpoint, env) in engines.items():
        output = tmp_path / f"{engine}.mp4"
        flags = [f"--engine={engine}", f"--checkpoint={checkpoint}", f"--input={clip}"]
        code, stdout, stderr = run_script(
            "translate_video.py", *flags, f"--output={output}", "--crf=0", env=env
        )
        assert code == 0, stderr
        assert "6 frames" in stdout
        with av.open(str(output)) as container:
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        shown.append(np.stack(frames))
    assert shown[0].shape == (6, 32, 48, 3)
    assert difference(*shown) <= 4  # one level before it was encoded
    flags = ["--engine=onnxruntime", f"--checkpoint={untrained}", f"--input={clip}"]
    code, _, stderr = run_script("translate_video.py", *flags, "--output=a.mp4")
    assert (code, stderr.count("\n")) == (1, 1)
    assert "--engine=onnxruntime runs shipped networks and .onnx files" in stderr


stablehlo = pytest.mark.skipif(not find_spec("flatbuffers"), reason="flatbuffers not installed")


def program_that_calls(target):
    """A StableHLO file whose only operation is a function of native code."""

    def translate(images):
        call = jax.ffi.ffi_call(target, jax.ShapeDtypeStruct(images.shape, images.dtype))
        return call(images, index=np.uint64(2**40))

    images = jax.ShapeDtypeStruct(jax.export.symbolic_shape("b, h, w, 3"), np.uint8)
    allowed = [jax.export.DisabledSafetyCheck.custom_call(target)]
    exported = jax.export.export(jax.jit(translate), disabled_checks=allowed, platforms=["cpu"])
    return bytes(exported(images).serialize())


@stablehlo
@pytest.mark.parametrize("target", ["xla_ffi_python_cpu_callback", "shape_assertion2", "x"])
def test_native_code_is_not_called(target, tmp_path):
    file = tmp_path / "a.stablehlo"
    file.write_bytes(program_that_calls(target))
    with pytest.raises(ExportedFileError, match=f"it calls {target}, which is code outside"):
        load_exported(file)


@stablehlo
def test_a_file_that_blocks_its_reader_is_refused(exported_file, monkeypatch):
    monkeypatch.setattr(exported, "_CHECK_SECONDS", 0.2)
    with pytest.raises(ExportedFileError, match=r"takes more than 0\.2 seconds"):
        load_exported(exported_file("stablehlo").path)


@stablehlo
def test_a_file_that_ends_its_reader_is_refused(exported_file, monkeypatch, tmp_path):
    monkeypatch.setattr(exported, "__file__", str(tmp_path / "crash.py"))
    (tmp_path / "crash.py").write_text("import os; os.abort()")
    with pytest.raises(ExportedFileError, match=r"reading it ends the process \(code -6\)"):
        load_exported(exported_file("stablehlo").path)


@pytest.mark.parametrize("name", ALONE)
def test_errors_of_a_runtime_name_the_file(name, exported_file):
    path = exported_file(name).path
    with pytest.raises(ExportedFileError) as caught:
        load_exported(path)(np.zeros((3, 4), np.uint8))
    assert str(caught.value).startswith(f"{path} fails on images [3, 4]: ")
    assert "\n" not in str(caught.value)
