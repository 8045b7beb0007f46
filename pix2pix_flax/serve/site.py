"""Makes the folder of the page: its files, the networks, and the runtime that runs them.

The folder needs no server of its own: any static host can give it out.
"""

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from cartoon_tfds.errors import UserError
from cartoon_tfds.files import atomic_write
from cartoon_tfds.images import write_picture
from pix2pix_flax.inference.exported import ExportedFileError, Translate, load_exported
from pix2pix_flax.pretrained.shipped_files import shipped_file

_PACKAGE = Path(__file__).parents[1]
BUILT = Path(__file__).with_name("site")
"""The folder that `build_site` makes for the package itself."""

NETWORKS = {"lite": "Ink", "sketch": "Sketch", "watercolour": "Watercolour", "poster": "Poster"}
"""Titles of the networks that the page and the service offer, by checkpoint."""

RUNTIME = "onnxruntime-web@1.30.0"
_SHA512 = (  # of the package's archive, in base64
    "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
)
_RUNTIME_FILES = (
    "ort.wasm.min.mjs",
    "ort-wasm-simd-threaded.mjs",
    "ort-wasm-simd-threaded.wasm",
    "ort.webgpu.min.mjs",
    "ort-wasm-simd-threaded.asyncify.mjs",
    "ort-wasm-simd-threaded.asyncify.wasm",
)


def source() -> Path:
    """Returns the folder of the page's own files, in a package or in a checkout."""
    return next(path for path in (_PACKAGE / "web", _PACKAGE.parent / "web") if path.is_dir())


def build_site(
    folder: Path,
    checkpoints: Mapping[str, str],
    photographs: Sequence[np.ndarray],
    examples: Mapping[str, np.ndarray],
    *,
    archive: Path | None = None,
) -> None:
    """Writes the page, complete, to a folder.

    Args:
      folder: it is made if it is missing; files of the page in it are replaced.
      checkpoints: the networks to offer: titles by checkpoint.
      photographs: uint8 RGB [H, W, 3], on which each export is compared with its network.
      examples: photographs to try, uint8 RGB [H, W, 3], by title.
      archive: the archive of onnxruntime-web, as `npm pack` writes it; None: npm loads it.

    Raises:
      UserError: npm is missing or cannot load the runtime, or the archive is another one.
    """
    from pix2pix_flax.export.exporter import export_generator  # imports JAX, for this function only

    shutil.copytree(source(), folder, dirs_exist_ok=True)
    _unpack_runtime(folder / "vendor", archive)
    networks = []
    for checkpoint, title in checkpoints.items():
        name = f"{Path(checkpoint).stem}.onnx"
        path = folder / "models" / name
        export_generator(checkpoint, "onnx", str(path), photographs, overwrite=True)
        networks.append({"file": name, "title": title})
    _write_json(folder / "models" / "models.json", {"networks": networks})
    _write_examples(folder / "examples", examples)


def load_networks(folder: Path) -> dict[str, Translate]:
    """Loads the networks of a page, by their titles in small letters.

    Raises:
      UserError: there is none, a file of them is missing or damaged, or onnxruntime is not
        installed.
    """
    models = folder / "models"
    try:
        listed = json.loads((models / "models.json").read_text(encoding="utf-8"))["networks"]
        files = {each["title"]: models / each["file"] for each in listed}
    except (ValueError, LookupError, TypeError) as error:
        path = models / "models.json"
        raise UserError(f"{path} is damaged: make the page again with pix2pix-flax page") from error
    if not files:
        raise UserError(f"{folder} has no network: make it again with pix2pix-flax page")
    return _load(files, load_exported)


def load_shipped(checkpoints: Mapping[str, str]) -> dict[str, Translate]:
    """Loads shipped networks without a page, by their titles in small letters.

    Args:
      checkpoints: titles by checkpoint.

    Raises:
      ExportError: the package onnx is missing, which writes their files for the first time.
      UserError: onnxruntime is not installed.
    """
    from pix2pix_flax.export.engine import load_shipped_onnx

    files = {title: shipped_file(name) for name, title in checkpoints.items()}
    return _load(files, load_shipped_onnx)


def _load(files: Mapping[str, Path], load: Callable[[Path], Translate]) -> dict[str, Translate]:
    """Loads files by their titles in small letters."""
    try:
        return {title.lower(): load(file) for title, file in files.items()}
    except ExportedFileError as error:  # exported.py does not import UserError
        raise UserError(str(error)) from error


def _unpack_runtime(folder: Path, archive: Path | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        archive = archive or _load_runtime(Path(scratch))
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if digest != _SHA512:
            raise UserError(f"{archive} is not the archive of {RUNTIME}: its SHA-512 is another")
        with tarfile.open(archive) as files:
            for name in _RUNTIME_FILES:
                member = files.extractfile(f"package/dist/{name}")
                (folder / name).write_bytes(member.read())
    licence = "onnxruntime-web is by Microsoft, under the MIT licence: see its package.\n"
    (folder / "LICENSE.txt").write_text(licence, encoding="utf-8")


def _load_runtime(scratch: Path) -> Path:
    npm = shutil.which("npm")
    if not npm:
        raise UserError(
            f"npm is missing: install Node.js, or run npm pack {RUNTIME} elsewhere and "
            "name the file with --runtime"
        )
    command = [npm, "pack", RUNTIME, "--silent", f"--pack-destination={scratch}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"npm cannot load {RUNTIME}: {reason}")
    return next(scratch.glob("*.tgz"))


def _write_examples(folder: Path, examples: Mapping[str, np.ndarray]) -> None:
    folder.mkdir(exist_ok=True)
    listed = []
    for title, photograph in examples.items():
        name = f"{title.split()[0].lower()}.jpg"
        write_picture(folder / name, photograph, quality=90)
        listed.append({"file": name, "title": title})
    _write_json(folder / "examples.json", listed)


def _write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as partial:
        partial.write_text(json.dumps(value, indent=2), encoding="utf-8")
