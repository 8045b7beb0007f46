import json
import shutil
import subprocess
import sys

import pytest
import skimage.data

from cartoon_tfds.errors import UserError
from pix2pix_flax.export.engine import onnx_of
from pix2pix_flax.inference.predictor import load_predictor
from pix2pix_flax.pretrained.shipped_files import shipped_file
from pix2pix_flax.serve import site
from tests.commands import ROOT
from tests.pix2pix_flax.export.networks import difference

PHOTO = skimage.data.astronaut()[None, :96, 128:288]


def test_an_archive_of_another_runtime_is_refused(tmp_path):
    archive = tmp_path / "other.tgz"
    archive.write_bytes(b"another program")
    with pytest.raises(UserError, match=r"other\.tgz is not the archive of onnxruntime-web@"):
        site.build_site(tmp_path / "site", {}, [], {}, archive=archive)


def test_a_missing_npm_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"npm is missing: install Node\.js"):
        site.build_site(tmp_path / "site", {}, [], {})


@pytest.fixture
def models(tmp_path):
    """The folder of a page whose only file is the shipped network lite."""
    (tmp_path / "models").mkdir()
    listed = {"networks": [{"file": "lite.onnx", "title": "Ink"}]}
    (tmp_path / "models" / "models.json").write_text(json.dumps(listed))
    shutil.copy(onnx_of(shipped_file("lite")), tmp_path / "models" / "lite.onnx")
    return tmp_path


def test_the_service_draws_by_the_files_of_the_page(models):
    networks = site.load_networks(models)
    assert list(networks) == ["ink"]
    assert difference(networks["ink"](PHOTO), load_predictor("lite")(PHOTO)) <= 1
    (models / "models" / "lite.onnx").write_bytes(b"no network")
    with pytest.raises(UserError, match=r"lite\.onnx is not an exported generator"):
        site.load_networks(models)


def test_the_service_needs_no_jax(models):
    program = """
import sys
from pathlib import Path
from pix2pix_flax.serve import app, site
app.make_app(site.load_networks(Path(sys.argv[1])))
print([name for name in ("jax", "flax", "tensorflow") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program, models],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
