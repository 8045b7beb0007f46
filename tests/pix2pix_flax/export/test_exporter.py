"""Exported files, run by their own runtimes, against the predictor."""

import sys

import numpy as np
import pytest

from pix2pix_flax.export.exporter import FORMATS, SUFFIXES, ExportError, export_generator
from pix2pix_flax.inference.exported import load_exported
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.pretrained.generator import GeneratorFileError
from tests.pix2pix_flax.export.networks import (
    ALL,
    PHOTOGRAPHS,
    SIZES,
    cut,
    difference,
    run_script,
    save_untrained,
    with_runtime,
)


@pytest.mark.parametrize("name", ALL)
def test_a_file_does_what_the_checkpoint_does(name, exported_file, untrained):
    report = exported_file(name)
    file = report.path
    translate = load_predictor(file) if name == "safetensors" else load_exported(file)
    predict = load_predictor(untrained)
    for size, count in zip(SIZES, (1, 2, 3, 2), strict=True):
        images = cut(count, *size)
        assert difference(translate(images), predict(images)) <= 1
    assert predict(images).std() > 5
    assert (report.compared, report.size) == (4, file.stat().st_size)  # a pair, an odd one, a pixel
    assert report.difference <= 1
    assert "at most" in str(report)
    assert sorted(path.suffix for path in file.parent.iterdir() if path.name.startswith(".")) == []


@pytest.mark.parametrize("name", [with_runtime("onnx"), with_runtime("safetensors")])
def test_a_network_in_bfloat16(name, tmp_path):
    run = save_untrained(tmp_path / "run", generator__depth=1, dtype="bfloat16")
    report = export_generator(run, name, tmp_path / f"a.{name}", PHOTOGRAPHS)
    assert report.difference <= 1
    assert report.differing < 300  # in bfloat16 it would be each eighth of 28,800 values


def test_the_command_compares_on_photographs(untrained, tmp_path):
    output = tmp_path / "new" / "a.safetensors"
    flags = (f"--checkpoint={untrained}", "--format=safetensors", f"--output={output}")
    code, stdout, stderr = run_script("export_generator.py", *flags)
    assert (code, stderr) == (0, "")
    assert stdout.startswith(f"{output}: 0.0 MiB. On 10 images it differs")
    assert [path.name for path in output.parent.iterdir()] == [output.name]


def test_half_of_the_bytes_give_nearly_the_same_images(untrained, tmp_path):
    single, half = (
        export_generator(
            untrained, "safetensors", tmp_path / f"{half}.safetensors", PHOTOGRAPHS, half=half
        )
        for half in (False, True)
    )
    assert half.size < 0.8 * single.size  # the configuration does not shrink
    assert half.differing > 0
    images = cut(2, 16, 9)
    predict = [load_predictor(report.path) for report in (single, half)]
    assert np.abs(predict[0](images).astype(int) - predict[1](images)).mean() < 0.1
    with pytest.raises(ExportError, match="--half is for safetensors files, not for onnx"):
        export_generator(untrained, "onnx", tmp_path / "a.onnx", PHOTOGRAPHS, half=True)


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
def test_a_file_that_differs_is_not_kept(name, untrained, tmp_path, monkeypatch):
    scope = {}
    exec(CHANGED, scope)
    monkeypatch.setitem(FORMATS, name, scope["change"](name))
    output = tmp_path / f"a.{name}"
    with pytest.raises(ExportError) as caught:
        export_generator(untrained, name, output, PHOTOGRAPHS)
    start = f"{output} was not kept: it differs from the predictor by "
    assert str(caught.value).startswith(start)
    assert 2 <= int(str(caught.value).removeprefix(start).split()[0]) <= 7
    assert list(tmp_path.iterdir()) == []

    output.write_bytes(b"of an earlier run")
    with pytest.raises(ExportError, match=r"exists already \(--overwrite replaces it\)"):
        export_generator(untrained, name, output, PHOTOGRAPHS)
    if name == "safetensors":  # which needs no further process
        with pytest.raises(ExportError, match="was not kept"):
            export_generator(untrained, name, output, PHOTOGRAPHS, overwrite=True)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"of an earlier run"]


@pytest.mark.parametrize("name", [with_runtime("stablehlo")])
def test_the_command_fails_where_the_file_differs(name, untrained, tmp_path):
    code, stdout, stderr = run_script(
        "export_generator.py",
        f"--checkpoint={untrained}",
        f"--format={name}",
        f"--output={tmp_path / 'a'}.{name}",
        before=f"{CHANGED}\nexporter.FORMATS[{name!r}] = change({name!r})",
    )
    assert (code, stdout) == (1, "")
    assert stderr.startswith(f"error: {tmp_path / 'a'}.{name} was not kept: it differs")
    assert stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_with_weights_of_another_network_is_refused(exported_file, tmp_path):
    import safetensors.numpy

    path = exported_file("safetensors").path
    arrays = safetensors.numpy.load_file(path)
    with safetensors.safe_open(path, framework="numpy") as file:
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
def test_networks_that_draw_or_measure_at_test_are_refused(changes, tmp_path):
    run = save_untrained(tmp_path / "run", generator__depth=1, **changes)
    for name in FORMATS:
        output = tmp_path / f"a.{SUFFIXES.get(name, name)}"
        with pytest.raises(ExportError, match=r"cannot be exported: its network takes statistics"):
            export_generator(run, name, output, PHOTOGRAPHS)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_output_with_another_ending_is_refused(untrained, tmp_path):
    with pytest.raises(ExportError, match=r"does not end in \.onnx"):
        export_generator(untrained, "onnx", tmp_path / "a.stablehlo", PHOTOGRAPHS)


@pytest.mark.parametrize("package", ["onnx", "flatbuffers"])
def test_a_missing_package_is_named(package, untrained, tmp_path, monkeypatch):
    for module in list(sys.modules):
        if module.startswith((package, "jax._src.export.serialization")) or "export.onnx" in module:
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    name = "onnx" if package == "onnx" else "stablehlo"
    with pytest.raises(ExportError, match=f"nothing was exported: .*{package}.*pip install"):
        export_generator(untrained, name, tmp_path / f"a.{name}", PHOTOGRAPHS)
    assert list(tmp_path.iterdir()) == []
