"""What the tests of one subject share."""

import pickle
import threading

import pytest

from pix2pix_flax.models.frozen.weights import WeightsMissingError, load_lpips_weights


@pytest.fixture
def nothing_is_left(tmp_path):
    """Checks that no thread and no hidden file outlives the test."""
    yield
    assert not [t for t in threading.enumerate() if t.name.startswith(("read-", "write-"))]
    assert not [p for p in tmp_path.rglob("*") if p.name.startswith(".")]


@pytest.fixture(scope="session")
def trained_gan(trained_once):
    """A work directory in which `configs/anime.py:smoke` was trained."""
    changes = {"unconditional__distances": False, "train__best_metric": "accuracy_real"}
    return trained_once("anime", "gan", **changes)


@pytest.fixture(scope="session")
def untrained(made_once):
    """A work directory with a small untrained U-Net, to export."""
    from tests.pix2pix_flax.export.networks import save_untrained

    return made_once("untrained", lambda path: save_untrained(path, generator__depth=2))


@pytest.fixture(scope="session")
def exported_file(untrained, made_once):
    """Exports `untrained` into a format once, when it is asked for: the report and its `path`."""
    from pix2pix_flax.export.exporter import export_generator
    from tests.pix2pix_flax.export.networks import PHOTOGRAPHS

    def export(name):
        def make(folder):
            report = export_generator(untrained, name, folder / f"generator.{name}", PHOTOGRAPHS)
            (folder / "report.pickle").write_bytes(pickle.dumps(report))

        return pickle.loads((made_once(f"export_{name}", make) / "report.pickle").read_bytes())

    return export


@pytest.fixture(scope="session")
def vgg16():
    """The weights of VGG16; without the extra `lpips` the test is skipped."""
    try:
        return load_lpips_weights("vgg16")
    except WeightsMissingError as error:
        pytest.skip(str(error))
