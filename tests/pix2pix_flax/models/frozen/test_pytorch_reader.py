"""State dicts of PyTorch are read as arrays, whatever else their pickles ask for."""

import contextlib
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from pix2pix_flax.models.frozen.pytorch_reader import PyTorchFileError, read_state_dict

DATA = Path(__file__).parents[2] / "pretrained" / "data"
VALUES = np.arange(6, dtype="<f4")


def text(value):
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def number(value):
    return b"J" + value.to_bytes(4, "little", signed=True)


def group(*items):
    return b"(" + b"".join(items) + b"t"


def named(module, name):
    return f"c{module}\n{name}\n".encode()


def storage(kind="FloatStorage", key="0", count=6):
    return (
        group(text("storage"), named("torch", kind), text(key), text("cpu"), number(count)) + b"Q"
    )


def tensor(offset=0, size=(2, 3), stride=(3, 1), stored=None):
    shape = (group(*map(number, axis)) for axis in (size, stride))
    hooks = named("collections", "OrderedDict") + b")R"
    arguments = group(stored or storage(), number(offset), *shape, b"\x89", hooks)
    return named("torch._utils", "_rebuild_tensor_v2") + arguments + b"R"


def state_dict(**values):
    items = b"".join(text(name) + value + b"s" for name, value in values.items())
    return b"\x80\x02" + named("collections", "OrderedDict") + b")R" + items + b"."


@pytest.fixture
def write(tmp_path):
    def write(data, compression=zipfile.ZIP_STORED, **records):
        records = {"data.pkl": data, "data/0": VALUES.tobytes(), "byteorder": "little", **records}
        with zipfile.ZipFile(tmp_path / "net.pth", "w", compression) as archive:
            for name, content in records.items():
                archive.writestr(f"net/{name}", content)
        return tmp_path / "net.pth"

    return write


def refuse(path, problem="."):
    with pytest.raises(PyTorchFileError, match=problem) as caught:
        read_state_dict(path)
    assert str(caught.value).startswith(f"{path} cannot be read as a state dict: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 250


def test_a_file_of_torch_save_is_read():
    arrays = read_state_dict(DATA / "resnet_batch.pth")
    assert arrays["model.1.weight"].shape == (2, 3, 7, 7)
    assert {str(array.dtype) for array in arrays.values()} == {"float32", "int64"}


def test_tensors_may_share_a_storage_and_lie_in_any_order(write):
    turned = tensor(offset=1, size=(2, 2), stride=(1, 3))
    arrays = read_state_dict(write(state_dict(a=tensor(), b=turned)))
    np.testing.assert_array_equal(arrays["a"], VALUES.reshape(2, 3))
    np.testing.assert_array_equal(arrays["b"], [[1, 4], [2, 5]])


@pytest.mark.parametrize(
    ("kind", "dtype"), [("HalfStorage", "<f2"), ("DoubleStorage", "<f8"), ("LongStorage", "<i8")]
)
def test_each_kind_of_storage_is_read_as_what_it_is(write, kind, dtype):
    values = VALUES.astype(dtype)
    stored = tensor(stored=storage(kind))
    array = read_state_dict(write(state_dict(a=stored), **{"data/0": values.tobytes()}))["a"]
    assert array.dtype == values.dtype
    np.testing.assert_array_equal(array.ravel(), values)


def test_the_same_names_are_read_from_safetensors(tmp_path):
    path = tmp_path / "net.safetensors"
    path.write_bytes(safetensors.numpy.save({"a": VALUES}))
    np.testing.assert_array_equal(read_state_dict(path)["a"], VALUES)
    path.write_bytes(path.read_bytes()[:-1])
    refuse(path)


@pytest.mark.parametrize("place", ["value", "storage", "key"])
def test_a_payload_is_refused_and_not_executed(write, tmp_path, place):
    marker = tmp_path / "ran"
    payload = named("os", "mkdir") + group(text(str(marker))) + b"R"
    data = {
        "value": state_dict(a=payload),
        "storage": state_dict(a=tensor(stored=payload)),
        "key": state_dict(a=tensor(stored=group(text("storage"), payload) + b"Q")),
    }[place]
    refuse(write(data), r"it asks for os\.mkdir, not a tensor")
    assert not marker.exists()
    pickle.loads(b"\x80\x02" + payload + b".")  # the payload is a live one
    assert marker.exists()


@pytest.mark.parametrize(
    "name", ["builtins eval", "torch.storage _load_from_bytes", "models.networks UnetGenerator"]
)
def test_other_names_are_refused(write, name):
    data = b"\x80\x02" + named(*name.split()) + group(text("1")) + b"R."
    refuse(write(data), f"it asks for {name.replace(' ', '[.]')}, not a tensor")


def test_the_error_stays_one_short_line_whatever_the_name(write):
    data = b"\x80\x04" + text("os\n" * 1000) + text("mkdir") + b"\x93."
    refuse(write(data), "it asks for os os os")


@pytest.mark.parametrize("state", ["attributes", "slots"])
@pytest.mark.parametrize(
    "target", [named("torch._utils", "_rebuild_tensor_v2"), named("collections", "OrderedDict")]
)
def test_what_makes_tensors_cannot_be_changed(write, target, state):
    values = b"}" + text("__call__") + b"Ns" + text("__setstate__") + b"Ns"
    built = {"attributes": values, "slots": group(b"N", values)}[state]
    refuse(write(b"\x80\x02" + target + built + b"b."), "attribute|argument")
    read_state_dict(write(state_dict(a=tensor())))


def test_attributes_of_the_names_are_left_out(write):
    data = state_dict(a=tensor()).removesuffix(b".") + b"}" + text("items") + b"Nsb."
    arrays = read_state_dict(write(data))
    assert [name for name, _ in arrays.items()] == ["a"]


@pytest.mark.parametrize(
    "changes",
    [
        {"size": (2, 4), "stride": (3, 1)},
        {"offset": 1},
        {"offset": -1},
        {"size": (2**30, 2**30), "stride": (0, 0)},
        {"size": (2,), "stride": (-1,)},
        {"size": (2,), "stride": (2**30,)},
    ],
)
def test_tensors_beyond_their_storage_are_refused(write, changes):
    refuse(write(state_dict(a=tensor(**changes))), "a tensor is larger than its storage")


def test_storages_that_are_cut_or_missing_are_refused(write):
    refuse(write(state_dict(a=tensor()), **{"data/0": b"\0" * 20}), "storage 0 has not as many")
    refuse(write(state_dict(a=tensor(stored=storage(key="1")))), "net/data/1")


def test_zip_bombs_are_refused_before_they_are_read(write):
    data = state_dict(a=tensor())
    bomb = write(data, zipfile.ZIP_DEFLATED, **{"data/0": b"\0" * 10**7})
    assert bomb.stat().st_size < 10**5
    refuse(bomb, "its records are larger than the file")


def test_records_that_overlap_are_refused(write):
    path = write(state_dict(a=tensor()), **{"data/0": VALUES.tobytes() * 50})
    with zipfile.ZipFile(path, "a") as archive:
        archive.filelist += [archive.getinfo("net/data/0")] * 20
        archive.writestr("net/more", b"")
    refuse(path, "its records are larger than the file")


def test_a_pickle_that_would_fill_the_memory_is_refused(write):
    data = state_dict(a=tensor()).removesuffix(b".") + b"r\xff\xff\xff\x7f."
    refuse(write(data), "has an index larger than the pickle itself")


@pytest.mark.parametrize(
    "data", [b"\x80\x02].", b"\x80\x02}" + text("epoch") + number(3) + b"s.", b"\x80\x02N."]
)
def test_what_is_no_state_dict_is_refused(write, data):
    refuse(write(data), "not a dict of tensors by name")


def test_big_endian_numbers_are_refused(write):
    refuse(write(state_dict(a=tensor()), byteorder="big"), "not little-endian")


def legacy(data, numbers=VALUES, count=6):
    """A file as PyTorch wrote it before 1.6."""
    head = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]
    written = b"".join(pickle.dumps(each, protocol=2) for each in head) + data
    return written + pickle.dumps(["0"], 2) + count.to_bytes(8, "little") + numbers.tobytes()


@pytest.mark.parametrize("name", ["_rebuild_tensor_v2", "_rebuild_tensor"])
def test_files_from_before_pytorch_1_6_are_read(tmp_path, name):
    path = tmp_path / "net.pth"
    data = state_dict(a=tensor(), b=tensor(offset=1, size=(2, 2), stride=(1, 3)))
    path.write_bytes(legacy(data.replace(b"_rebuild_tensor_v2", name.encode())))
    arrays = read_state_dict(path)
    np.testing.assert_array_equal(arrays["a"], VALUES.reshape(2, 3))
    np.testing.assert_array_equal(arrays["b"], [[1, 4], [2, 5]])


def test_old_files_are_refused_like_new_ones(tmp_path):
    path, data = tmp_path / "net.pth", state_dict(a=tensor())
    for end in range(10, len(legacy(data)), 7):
        path.write_bytes(legacy(data)[:end])
        refuse(path)
    path.write_bytes(legacy(data, count=5))
    refuse(path, "has not as many numbers")
    path.write_bytes(legacy(state_dict(a=tensor(stored=storage(count=10**6)))))
    refuse(path, "larger than the file")
    path.write_bytes(legacy(state_dict(a=named("os", "mkdir"))))
    refuse(path, r"it asks for os\.mkdir, not a tensor")


@pytest.mark.parametrize("name", ["params_ema", "params", "state_dict"])
def test_tensors_are_taken_out_of_the_dict_around_them(write, name):
    inner = state_dict(a=tensor())[2:-1]
    arrays = read_state_dict(write(state_dict(**{name: inner})))
    np.testing.assert_array_equal(arrays["a"], VALUES.reshape(2, 3))


@pytest.mark.parametrize("data", [b"", b"not a zip file", b"PK\x05\x06" + b"\0" * 18])
def test_other_files_are_refused(tmp_path, data):
    path = tmp_path / "net.pth"
    path.write_bytes(data)
    refuse(path)


def test_files_that_end_too_early_are_refused(tmp_path):
    whole, path = (DATA / "unet_batch.pth").read_bytes(), tmp_path / "net.pth"
    for length in range(1, len(whole), 997):
        path.write_bytes(whole[:length])
        refuse(path)


def test_a_file_with_changed_bytes_is_refused_or_read_as_arrays(tmp_path):
    whole, path = (DATA / "unet_batch.pth").read_bytes(), tmp_path / "net.pth"
    rng = np.random.default_rng(0)
    for position in rng.integers(0, 20_000, 100):  # where the pickle is
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        with contextlib.suppress(PyTorchFileError):
            arrays = read_state_dict(path)
            assert all(isinstance(array, np.ndarray) for array in arrays.values())


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        read_state_dict(tmp_path / "none.pth")
    assert caught.value.filename == os.fspath(tmp_path / "none.pth")
