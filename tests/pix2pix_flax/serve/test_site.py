import subprocess
import sys

import pytest
import skimage.data

from cartoon_tfds.errors import UserError
from pix2pix_flax.cache import CACHE_VARIABLE
from pix2pix_flax.inference.predictor import load_predictor
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


def test_the_service_draws_by_the_files_of_the_page(models):
    networks = site.load_networks(models)
    assert list(networks) == ["ink"]
    assert difference(networks["ink"](PHOTO), load_predictor("lite")(PHOTO)) <= 1
    (models / "models" / "lite.onnx").write_bytes(b"no network")
    with pytest.raises(UserError, match=r"lite\.onnx is not an exported generator"):
        site.load_networks(models)


def test_without_a_page_the_service_draws_by_the_shipped_networks():
    networks = site.load_shipped({"lite": "Ink", "sketch": "Sketch"})
    assert list(networks) == ["ink", "sketch"]
    assert difference(networks["ink"](PHOTO), load_predictor("lite")(PHOTO)) <= 1


def test_without_a_cache_the_service_draws_too(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    networks = site.load_shipped({"lite": "Ink"})
    assert difference(networks["ink"](PHOTO), load_predictor("lite")(PHOTO)) <= 1


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


@pytest.mark.parametrize(
    "text", ['{"networks": [', "{}", '{"networks": [{"file": "a"}]}', "[]", "7"]
)
def test_a_damaged_list_of_networks_is_told_in_one_line(models, text):
    (models / "models" / "models.json").write_text(text)
    with pytest.raises(UserError, match=r"models\.json is damaged: make the page again"):
        site.load_networks(models)


def test_a_page_without_networks_is_refused(models):
    (models / "models" / "models.json").write_text('{"networks": []}')
    with pytest.raises(UserError, match="has no network: make it again with pix2pix-flax page"):
        site.load_networks(models)
