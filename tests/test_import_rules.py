"""Who may import whom, and how the tree is kept: see CONTRIBUTING.md."""

import ast
import collections
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("pix2pix_flax", "cartoon_tfds", "configs", "scripts", "benchmarks")
# A room may import the rooms before it, and itself.
ORDER = {
    "pix2pix_flax": "typing ranges cache sharding image data models losses metrics steps tasks "
    "checkpoint pretrained inference export serve evaluation report train cli main",
    "cartoon_tfds": "opencv errors files images styles sources recipes records generation "
    "cartoon_tfds_dataset_builder build report __main__",
}
TENSORFLOW = ("tensorflow", "keras", "tf_keras", "clu", "flax.metrics")


def relative(path):
    return str(path.relative_to(ROOT))


def files(folder):
    return sorted((ROOT / folder).rglob("*.py"))


ALL = [path for folder in FOLDERS for path in files(folder)]


def imported(source):
    """Returns all modules that a source text imports: for `from a import b` both `a` and `a.b`."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return names


def offences(paths, *modules):
    """Returns the files that import one of the modules or something inside it, and which."""
    return {
        (relative(path), module)
        for path in paths
        for name in imported(path.read_text())
        for module in modules
        if name == module or name.startswith(f"{module}.")
    }


def upward(package, room, source):
    """Returns the rooms that a source text in `room` imports and must not."""
    order = ORDER[package].split()
    names = [name.split(".") for name in imported(source)]
    rooms = {name[1] for name in names if name[0] == package and len(name) > 1}
    return {other for other in rooms if order.index(other) > order.index(room)}


def test_imports_are_found_wherever_they_are():
    source = "import a.b\nfrom c import d\ndef f():\n    from pix2pix_flax import train\n"
    assert imported(source) == {"a.b", "c", "c.d", "pix2pix_flax", "pix2pix_flax.train"}
    assert upward("pix2pix_flax", "losses", source) == {"train"}
    assert upward("pix2pix_flax", "train", source) == set()


@pytest.mark.parametrize("package", ORDER)
def test_each_room_imports_the_rooms_before_it(package):
    found = {}
    for path in files(package):
        room = path.relative_to(ROOT / package).with_suffix("").parts[0]
        wrong = upward(package, room, path.read_text()) if room != "__init__" else ()
        found |= {relative(path): wrong} if wrong else {}
    assert not found


def test_data_import_no_jax():
    libraries = ("jax", "jaxlib", "flax", "optax", "orbax", "dm_pix")
    assert not offences(files("pix2pix_flax/data") + files("cartoon_tfds"), *libraries)


def test_nothing_imports_tensorflow():
    users = [path for path in ALL if path.parts[len(ROOT.parts)] != "benchmarks"]
    assert not offences(users, *TENSORFLOW)


def test_the_packages_import_no_configs_and_no_scripts():
    inside = files("pix2pix_flax") + files("cartoon_tfds")
    assert not offences(inside, "configs", "scripts", "benchmarks", "tests")


def test_inference_reads_no_datasets():
    assert not offences(files("pix2pix_flax/inference"), "pix2pix_flax.data")


def test_the_packages_meet_in_the_reader_of_pictures_and_in_commands_only():
    assert not offences(files("cartoon_tfds"), "pix2pix_flax")
    found = collections.defaultdict(set)
    for path in files("pix2pix_flax"):
        for name in imported(path.read_text()):
            if name.startswith("cartoon_tfds"):
                room = path.relative_to(ROOT / "pix2pix_flax").parts[0]
                found[room].add(".".join(name.split(".")[:2]))
    shared = {"cartoon_tfds.errors", "cartoon_tfds.files", "cartoon_tfds.images"}
    # Commands draw in the styles, and compare exports on the packaged photographs.
    assert found.pop("cli") <= shared | {"cartoon_tfds.sources", "cartoon_tfds.styles"}
    assert set().union(*found.values()) <= shared


@pytest.mark.parametrize("path", ALL, ids=relative)
def test_files_are_short_and_say_what_they_are(path):
    assert path.stem not in ("utils", "util", "helpers", "common", "misc")
    assert len(path.read_text().splitlines()) <= 300
    assert not any(name.startswith(".") for name in imported(path.read_text()))
