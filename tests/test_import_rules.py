"""Who may import whom, and how the tree is kept: see CONTRIBUTING.md."""

import ast
import collections
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("pix2pix_flax", "cartoon_tfds", "configs", "scripts", "benchmarks")

# Each part of pix2pix_flax may import the parts in the lines above its own, and itself. A part is
# a folder, or a module together with those that were split off from it.
LAYERS = (
    (["train_state"], ["weights"], ["command_line"], ["older_configs"], ["palettes"], ["grid"]),
    (
        ["models"],
        ["losses"],
        ["metrics", "distribution_metrics"],
        ["optimizers"],
        ["augment", "diff_augment"],
        ["colour"],
        ["resampling"],
        ["sharding"],
        ["data"],
    ),
    (["tasks"],),
    (
        ["checkpoints", "checkpoint_files", "generators", "pytorch_checkpoint", "pytorch_import"],
        ["writers"],
        ["meter"],
        ["stop"],
    ),
    (
        [
            "evaluate",
            "judge",
            "neighbours",
            "panel",
            "real_control",
            "report",
            "report_text",
            "split_features",
        ],
        ["inference"],
    ),
    (["train", "validation"],),
    (["main"],),
)
# What lies above and is kept apart all the same.
APART = {
    "tasks": {"data", "sharding"},
    "evaluate": {"writers"},
    "report": {"writers"},
    "inference": {"data", "writers"},
}
TENSORFLOW = ("tensorflow", "keras", "tf_keras", "clu", "flax.metrics")


def relative(path):
    return str(path.relative_to(ROOT))


def files(folder):
    return sorted((ROOT / folder).rglob("*.py"))


ALL = [path for folder in FOLDERS for path in files(folder)]


def imported(source):
    """Returns all that a source text imports: for `from a import b` both `a` and `a.b`."""
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


def place(part):
    """Returns the line of a part in LAYERS, and the names that belong to it."""
    found = [(i, group) for i, layer in enumerate(LAYERS) for group in layer if part in group]
    assert len(found) == 1, f"pix2pix_flax/{part} has no place in LAYERS"
    return found[0]


def misplaced(part, source):
    """Returns what a part of pix2pix_flax imports and must not."""
    line, group = place(part)
    names = {name.split(".")[1] for name in imported(source) if name.startswith("pix2pix_flax.")}
    return {
        other
        for other in names - set(group)
        if place(other)[0] >= line or other in APART.get(part, ())
    }


def test_imports_are_found_wherever_they_are():
    source = "import a.b\nfrom c import d\ndef f():\n    from pix2pix_flax import train\n"
    assert imported(source) == {"a.b", "c", "c.d", "pix2pix_flax", "pix2pix_flax.train"}
    assert misplaced("losses", source) == {"train"}
    assert misplaced("losses", "from pix2pix_flax.metrics import psnr") == {"metrics"}
    assert misplaced("tasks", "from pix2pix_flax import sharding, losses") == {"sharding"}
    assert misplaced("report", "import pix2pix_flax.evaluate, pix2pix_flax.data.source") == set()


def test_each_part_imports_the_ones_above_it():
    package = ROOT / "pix2pix_flax"
    found = {}
    for path in files("pix2pix_flax"):
        part = path.relative_to(package).with_suffix("").parts[0]
        wrong = misplaced(part, path.read_text()) if part != "__init__" else ()
        found |= {relative(path): wrong} if wrong else {}
    assert not found


def test_every_part_in_the_layers_exists():
    parts = [part for layer in LAYERS for group in layer for part in group]
    package = ROOT / "pix2pix_flax"
    assert not [p for p in parts if not list(package.glob(f"{p}.py")) + list(package.glob(p))]


def test_data_import_no_jax():
    libraries = ("jax", "jaxlib", "flax", "optax", "orbax", "dm_pix")
    assert not offences(files("pix2pix_flax/data") + files("cartoon_tfds"), *libraries)


def test_nothing_imports_tensorflow():
    users = [path for path in ALL if path.parts[len(ROOT.parts)] != "benchmarks"]
    assert not offences(users, *TENSORFLOW)


def test_the_package_imports_no_configs_and_no_scripts():
    inside = files("pix2pix_flax") + files("cartoon_tfds")
    assert not offences(inside, "configs", "scripts", "benchmarks", "tests")


def test_the_packages_meet_in_the_reader_of_pictures_only():
    assert not offences(files("cartoon_tfds"), "pix2pix_flax")
    found = collections.defaultdict(set)
    for path in files("pix2pix_flax"):
        for name in imported(path.read_text()):
            if name.startswith("cartoon_tfds"):
                found[relative(path.parent)].add(".".join(name.split(".")[:2]))
    assert found == {"pix2pix_flax/inference": {"cartoon_tfds.images"}}


@pytest.mark.parametrize("path", ALL, ids=relative)
def test_files_are_short_and_say_what_they_are(path):
    assert path.stem not in ("utils", "util", "helpers", "common", "misc")
    assert len(path.read_text().splitlines()) <= 300
    assert not any(name.startswith(".") for name in imported(path.read_text()))
