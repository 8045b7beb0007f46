"""A trained generator as a folder in the layout of the Hugging Face Hub, with a model card."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cartoon_tfds.errors import UserError
from cartoon_tfds.files import atomic_write
from pix2pix_flax.export.card import CardFacts, make_card
from pix2pix_flax.export.exporter import ExportError, ExportReport, export_generator
from pix2pix_flax.pretrained.generator import (
    ATTRIBUTION,
    WEIGHTS,
    TrainedGenerator,
    describe,
    is_shipped,
    load_generator,
)

_CONFIG, _CARD = "config.json", "README.md"
_SHIPPED_LICENCE = "apache-2.0"


def export_to_hub(
    checkpoint: str | Path,
    folder: Path,
    photographs: Sequence[np.ndarray],
    *,
    licence: str | None = None,
    scores: Path | None = None,
    style: str | None = None,
    half: bool = False,
    overwrite: bool = False,
) -> ExportReport:
    """Writes a generator as `model.safetensors`, `config.json` and a model card `README.md`.

    `load_generator` takes the folder as it takes a run. A file ATTRIBUTION.md beside the checkpoint
    is copied too; without one, the attribution of an earlier export is removed from the folder.

    Args:
      checkpoint: a training run, a safetensors file or the name of a shipped generator.
      folder: the folder to write; it is made if it is missing.
      photographs: two or more images on which the file is compared; see `export_generator`.
      licence: the Hub's name of the licence of the weights, such as `cc-by-4.0`; None: the licence
        of a shipped generator, and of another one "other", not stated.
      scores: a JSON file of `pix2pix-flax evaluate`, whose scores the card gets; None: the
        validation scores of the checkpoint, if it has any.
      style: name of the style that the folder draws; see `export_generator`.
      half: whether the weights are stored in float16.
      overwrite: whether existing files are replaced.

    Raises:
      ExportError: a file exists already, or as in `export_generator`.
      UserError: `scores` is no report of an evaluation, or is the report of another network.
    """
    names = (WEIGHTS, _CONFIG, _CARD, ATTRIBUTION)
    taken = [folder / name for name in names if (folder / name).exists()]
    if taken and not overwrite:
        raise ExportError(f"{taken[0]} exists already (--overwrite replaces it)")
    generator = load_generator(checkpoint).of_images().in_style(style)
    if licence is None and is_shipped(generator):
        licence = _SHIPPED_LICENCE
    facts = CardFacts.of(generator, folder.resolve().name, licence)
    if scores:
        facts = dataclasses.replace(facts, **_read_scores(scores, generator))
    report = export_generator(
        checkpoint,
        "safetensors",
        folder / WEIGHTS,
        photographs,
        style=style,
        half=half,
        overwrite=overwrite,
    )
    config = json.loads(describe(generator.config))
    texts = {_CONFIG: json.dumps(config, indent=2) + "\n"}
    attribution = generator.origin.with_name(ATTRIBUTION)
    if attribution.is_file():
        texts[ATTRIBUTION] = attribution.read_text(encoding="utf-8")
        facts = dataclasses.replace(facts, attribution=ATTRIBUTION)
    else:  # The attribution of an earlier export is of other weights.
        (folder / ATTRIBUTION).unlink(missing_ok=True)
    texts[_CARD] = make_card(facts)
    for name, text in texts.items():
        with atomic_write(folder / name) as partial:
            partial.write_text(text, encoding="utf-8")
    return report


def _read_scores(path: Path, generator: TrainedGenerator) -> dict[str, object]:
    """Returns the fields of `CardFacts` that the report of an evaluation of a generator holds."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        scores = dict(report["summary"]["network"])
        found = {"scores": scores, "dataset": report["dataset"], "split": report["split"]}
        scored = Path(report.get("checkpoints", {}).get("network", generator.origin))
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is no JSON file of pix2pix-flax evaluate ({type(error).__name__})"
        ) from error
    if scored.exists() and not scored.samefile(generator.origin):  # a run may have moved
        raise UserError(
            f"{path} has the scores of {scored}, not of {generator.origin}: make them with "
            "pix2pix-flax evaluate"
        )
    return found
