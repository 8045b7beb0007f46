"""Writes the pairs of a dataset as folders of pictures with captions.

Trainers of image editing read `before/` and `after/` with a caption for each pair, and the loader
`imagefolder` of Hugging Face datasets reads `metadata.jsonl`.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from cartoon_tfds.errors import UserError
from cartoon_tfds.files import refuse_foreign_code
from cartoon_tfds.records.array_record import iter_records, parse_record
from cartoon_tfds.styles import STYLES

BEFORE, AFTER = "before", "after"
_METADATA = "metadata.jsonl"
_COPIED = ("id", "source", "license", "style")


def write_image_folders(folder: Path, output: Path, caption: str | None = None) -> dict[str, int]:
    """Writes the pairs of a prepared dataset as PNG files, and returns their number by split.

    Each split gets `before/NUMBER.png`, `after/NUMBER.png`, the caption of the pair in
    `after/NUMBER.txt`, and a line of `metadata.jsonl` with both files, the caption as `text`, and
    the origin and licence of the photograph. The files hold the bytes of the records.

    Args:
      folder: folder of the dataset, DATA_DIR/cartoon_tfds/CONFIG/VERSION.
      output: a folder that is empty or missing.
      caption: the caption of each pair; None: for cartoons one that names the style.

    Raises:
      UserError: the examples are no pairs, they have no style and no caption is given, or the
        output is not empty.
      RecordError: a record is damaged.
    """
    refuse_foreign_code(folder)
    names = tfds.builder_from_directory(folder).info.supervised_keys
    if not names:
        raise UserError(f"{folder} has single pictures, and this export is for pairs")
    if output.exists() and any(output.iterdir()):
        raise UserError(f"{output} is not empty; name a new folder")
    lines: dict[str, list[str]] = {}
    for split, index, record in iter_records(folder):
        features = parse_record(record)
        text = caption or _caption(features, folder)
        files = dict(_write_pair(output / split, index, [features[name] for name in names], text))
        line = {**files, "text": text, **{k: features[k] for k in _COPIED if k in features}}
        lines.setdefault(split, []).append(json.dumps(line, ensure_ascii=False) + "\n")
    for split, texts in lines.items():
        (output / split / _METADATA).write_text("".join(texts), encoding="utf-8")
    return {split: len(texts) for split, texts in lines.items()}


def _caption(features: dict[str, Any], folder: Path) -> str:
    style = features.get("style")
    if style is None:
        raise UserError(f"{folder} has pairs without a style: say what changes by --caption=TEXT")
    look = STYLES[style].summary if style in STYLES else style
    return f"Redraw this photograph in the style {style}: {look}."


def _write_pair(
    folder: Path, index: int, pictures: list[bytes], text: str
) -> Iterator[tuple[str, str]]:
    """Writes the files of a pair; yields the key of `metadata.jsonl` and the path of each picture.

    The loader makes a column `before` of the key `before_file_name`.
    """
    for kind, picture in zip((BEFORE, AFTER), pictures, strict=True):
        path = folder / kind / f"{index:06d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture)
        yield f"{kind}_file_name", f"{kind}/{path.name}"
    path.with_suffix(".txt").write_text(text + "\n", encoding="utf-8")
