"""Two copies of OpenCV in one folder are named."""

import os
import subprocess
import sys

import pytest

from tests.commands import ROOT


def _install(folder, name, version):
    """Leaves in a folder the files that pip leaves there for a package of OpenCV."""
    (folder / "cv2").mkdir(exist_ok=True)
    (folder / "cv2" / "__init__.py").write_text("")
    metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


@pytest.mark.parametrize("second", ["opencv-python", "opencv-contrib-python", None])
def test_two_packages_that_install_cv2_are_named_in_one_line(second, tmp_path):
    _install(tmp_path, "opencv-python-headless", "5.0.0.93")
    if second:
        _install(tmp_path, second, "4.12.0.88")
    done = subprocess.run(
        [sys.executable, "-c", "import cartoon_tfds"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )
    if second is None:
        assert done.stderr == ""
        return
    (line,) = done.stderr.splitlines()
    both = f"{second} 4.12.0.88 and opencv-python-headless 5.0.0.93"
    assert line.startswith(f"{both} in {tmp_path} overwrite each other's folder cv2")
    assert f"pip uninstall -y {second} opencv-python-headless, then pip install --no-deps" in line
