import pytest

from cartoon_tfds.errors import UserError
from pix2pix_flax.serve import site


def test_an_archive_of_another_runtime_is_refused(tmp_path):
    archive = tmp_path / "other.tgz"
    archive.write_bytes(b"another program")
    with pytest.raises(UserError, match=r"other\.tgz is not the archive of onnxruntime-web@"):
        site.build_site(tmp_path / "site", {}, [], {}, archive=archive)


def test_a_missing_npm_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"npm is missing: install Node\.js"):
        site.build_site(tmp_path / "site", {}, [], {})
