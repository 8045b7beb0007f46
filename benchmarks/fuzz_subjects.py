"""Small valid files of every kind that the project reads, and the functions that read them."""

import io
import os
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageCms

_PIXELS = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)
_TORCH = Path(__file__).parents[1] / "tests" / "pix2pix_flax" / "pretrained" / "data"
_PICTURES = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "AVIF", "BMP", "PPM")
_CLIPS = {
    "mp4": "libx264",
    "mov": "libx264",
    "mkv": "libx264",
    "webm": "libvpx-vp9",
    "avi": "mpeg4",
    "ts": "libx264",
}


class Subject(NamedTuple):
    """A kind of file.

    Attributes:
      suffix: suffix of the files.
      make: returns the bytes of a valid file.
      read: reads a file as the project's commands do.
      cost: how many files of a quick kind take as long as one of this.
    """

    suffix: str
    make: Callable[[], bytes]
    read: Callable[[Path], object]
    cost: int = 1


def _picture(format: str) -> Callable[[], bytes]:
    def make() -> bytes:
        exif = Image.Exif()
        exif[0x0112], exif[0x010E] = 6, "a description"
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        options = {"exif": exif, "icc_profile": profile, "comment": "a comment"}
        if format in ("TIFF", "GIF", "WEBP"):
            options |= {"save_all": True, "append_images": [Image.fromarray(_PIXELS[::-1])]}
        if format == "TIFF":
            options["compression"] = "tiff_lzw"
        stream = io.BytesIO()
        Image.fromarray(_PIXELS).save(stream, format, **options)
        return stream.getvalue()

    return make


def _read_picture(path: Path) -> None:
    from cartoon_tfds.images import read_picture

    read_picture(path).over_white()


def _clip(suffix: str) -> Callable[[], bytes]:
    def make() -> bytes:
        import av

        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/clip.{suffix}"
            with av.open(path, "w") as container:
                stream = container.add_stream(_CLIPS[suffix], rate=25)
                stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
                sound = None
                if suffix in ("mp4", "mov", "mkv", "ts"):
                    sound = container.add_stream("aac", rate=8000, layout="mono")
                for n in range(8):
                    image = np.roll(np.tile(_PIXELS, (2, 2, 1)), n, axis=1)[:, :64]
                    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image))
                    container.mux(stream.encode(frame))
                    if sound:
                        samples = np.zeros((1, 320), np.float32)
                        frame = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
                        frame.sample_rate, frame.pts = 8000, 320 * n
                        container.mux(sound.encode(frame))
                for ended in filter(None, (stream, sound)):
                    container.mux(ended.encode(None))
            return Path(path).read_bytes()

    return make


def _read_clip(path: Path) -> None:
    from pix2pix_flax.inference.video import VideoOptions, translate_video

    output = path.with_name("result.mp4")
    options = VideoOptions(overwrite=True, progress=False, preset="ultrafast")
    translate_video(lambda images: 255 - images, path, output, options)


def _archive(suffix: str) -> Callable[[], bytes]:
    def make() -> bytes:
        members = {f"{n}/a.png": _picture("PNG")() for n in range(3)}
        stream = io.BytesIO()
        if suffix == "zip":
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, data in members.items():
                    archive.writestr(name, data)
        else:
            with tarfile.open(fileobj=stream, mode="w:gz" if suffix == "tgz" else "w") as archive:
                for name, data in members.items():
                    member = tarfile.TarInfo(name)
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
        return stream.getvalue()

    return make


def _read_archive(path: Path) -> None:
    from cartoon_tfds.images import ImageError, read_image
    from cartoon_tfds.sources.archives import ArchiveFile

    for photo in ArchiveFile(path, "unknown").photos():
        try:
            read_image(photo.data)
        except ImageError as error:
            problem = error
        else:
            problem = None
    if problem:
        raise problem


def _safetensors() -> bytes:
    from pix2pix_flax.pretrained.generator import load_generator, to_safetensors

    return to_safetensors(load_generator("lite"), "float16")


def _read_safetensors(path: Path) -> None:
    from pix2pix_flax.pretrained.generator import load_generator

    load_generator(path)


def _exported(suffix: str) -> Callable[[], bytes]:
    def make() -> bytes:
        from pix2pix_flax.export.exporter import export_generator

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"lite.{suffix}")
            export_generator("lite", suffix, path, [_PIXELS, _PIXELS[:, :24]])
            return path.read_bytes()

    return make


def _run_exported(path: Path) -> None:
    from pix2pix_flax.inference.exported import load_exported

    load_exported(path)(_PIXELS[np.newaxis])


def _read_torch(path: Path) -> None:
    from pix2pix_flax.models.frozen.pytorch_reader import read_state_dict

    read_state_dict(path)


SUBJECTS = {
    **{name: Subject(name.lower(), _picture(name), _read_picture) for name in _PICTURES},
    **{name: Subject(name, _clip(name), _read_clip) for name in _CLIPS},
    **{name: Subject(name, _archive(name), _read_archive) for name in ("zip", "tar", "tgz")},
    "pth": Subject("pth", (_TORCH / "unet_batch.pth").read_bytes, _read_torch),
    "safetensors": Subject("safetensors", _safetensors, _read_safetensors, 10),
    "onnx": Subject("onnx", _exported("onnx"), _run_exported, 4),
    "stablehlo": Subject("stablehlo", _exported("stablehlo"), _run_exported, 20),
}


def prepare() -> None:
    """Sets up a process that reads files: on the CPU, and without FFmpeg's messages."""
    os.environ["JAX_PLATFORMS"] = "cpu"
