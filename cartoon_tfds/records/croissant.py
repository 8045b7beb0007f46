"""Describes a prepared dataset for others, as Croissant 1.0 (docs.mlcommons.org/croissant).

`croissant.json` lies beside the manifest. It names the files with their SHA-256, the licences of
the photographs, and a record set of the manifest's lines: the texts and numbers about each example.
The pictures are in ArrayRecord files, which Croissant cannot read.
"""

import json
from pathlib import Path
from typing import Any

from cartoon_tfds.files import atomic_write
from cartoon_tfds.records import manifest

_VOCABULARY = (
    *("citeAs", "column", "equivalentProperty", "extract", "field", "fileObject", "fileProperty"),
    *("fileSet", "format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField"),
    *("path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate"),
    *("separator", "source", "subField", "transform"),
)
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{name: f"cr:{name}" for name in _VOCABULARY},
}
_TYPES = {str: "sc:Text", int: "sc:Integer", float: "sc:Float"}


def write(folder: Path, name: str, description: str, version: str) -> None:
    """Writes the description of a complete dataset, which has a manifest, into its folder.

    Args:
      folder: folder of the dataset, DATA_DIR/cartoon_tfds/CONFIG/VERSION.
      name: name of the dataset.
      description: a sentence about it.
      version: its version, such as `2.0.0`.
    """
    examples = manifest.read_examples(folder)  # a million lines do not fit into memory
    first = next(examples)
    licences = {first["license"], *(example["license"] for example in examples)}
    content = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": name,
        "description": description,
        "version": version,
        "license": sorted(licences),
        "distribution": [_file(*item) for item in _described_files(folder).items()],
        "recordSet": [_records(first)],
    }
    with atomic_write(folder / manifest.CROISSANT) as partial:
        partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _described_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Returns the size and SHA-256 of each file by name, the manifest first."""
    own = {manifest.NAME: manifest.describe_file(folder / manifest.NAME)}
    return own | manifest.read_build(folder)["files"]


def _file(name: str, described: dict[str, Any]) -> dict[str, Any]:
    kinds = {".json": "application/json", ".jsonl": "application/jsonlines"}
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{described['bytes']} B",
        "encodingFormat": kinds.get(Path(name).suffix, "application/octet-stream"),
        "sha256": described["sha256"],
    }


def _records(example: dict[str, Any]) -> dict[str, Any]:
    """Returns the record set of the manifest's lines, by one of them."""
    fields = {name: _TYPES[type(value)] for name, value in example.items() if type(value) in _TYPES}
    return {
        "@type": "cr:RecordSet",
        "@id": "examples",
        "name": "examples",
        "description": "A line for each example. The first and the last line of the file are about "
        "the build, and have no values here.",
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"examples/{name}",
                "name": name,
                "dataType": kind,
                "source": {"fileObject": {"@id": manifest.NAME}, "extract": {"column": name}},
            }
            for name, kind in fields.items()
        ],
    }
