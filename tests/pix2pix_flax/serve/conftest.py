"""A page's networks, for the tests of the page and of the service."""

import json
import shutil

import pytest

from pix2pix_flax.export.engine import onnx_of
from pix2pix_flax.pretrained.shipped_files import shipped_file


@pytest.fixture
def models(tmp_path):
    """The folder of a page whose only file is the shipped network lite."""
    (tmp_path / "models").mkdir()
    listed = {"networks": [{"file": "lite.onnx", "title": "Ink"}]}
    (tmp_path / "models" / "models.json").write_text(json.dumps(listed))
    shutil.copy(onnx_of(shipped_file("lite")), tmp_path / "models" / "lite.onnx")
    return tmp_path
