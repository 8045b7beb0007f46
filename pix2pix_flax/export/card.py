"""A model card: metadata that the Hugging Face Hub reads, and text for people."""

import collections
import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import ml_collections

from pix2pix_flax.checkpoint.integrity import read_metrics
from pix2pix_flax.data.records import DatasetError
from pix2pix_flax.data.source import has_part_of, open_builder
from pix2pix_flax.metrics.ranking import HIGHER_IS_BETTER
from pix2pix_flax.pretrained.generator import TrainedGenerator

_LIBRARY = "pix2pix-flax"
_MANIFEST = "manifest.jsonl"  # of datasets of cartoon_tfds; one line for each example

_TEXT = """---
{metadata}
---

# {name}

A network of {library} for the task `{task}`: uint8 RGB pictures `[B, H, W, 3]` of any height and
width in, {output} out. {count:,} parameters, generator `{generator}`.

```
pix2pix-flax images --checkpoint={name} --input=photos/ --output=results/
```

```python
from pix2pix_flax.inference.predictor import load_predictor

results = load_predictor("{name}")(photos)
```

`model.safetensors` holds the weights, and as metadata the configuration of `config.json`. It holds
no code.

## Training pictures

{pictures}

## Scores

{scores}

## Limits

{limits}

## Licence

{licence}
"""


@dataclasses.dataclass(frozen=True)
class CardFacts:
    """The facts of a model card.

    Attributes:
      name: name of the model, its folder.
      licence: the Hub's name of its licence; None: not stated.
      config: configuration of the training.
      pipeline: the Hub's name of the kind of task.
      scale: size of an output divided by the size of its input.
      num_parameters: number of parameters of the generator.
      pictures: number of training pictures by licence, as `count_pictures` returns it; {} if the
        dataset is not on this machine.
      scores: values by score; None: the value is not finite.
      dataset: name of the dataset of the scores.
      split: its split.
      attribution: a file that names the authors of the training pictures; "" if there is none.
    """

    name: str
    licence: str | None
    config: ml_collections.ConfigDict
    pipeline: str
    scale: int
    num_parameters: int
    pictures: Mapping[str, int]
    scores: Mapping[str, float | None]
    dataset: str
    split: str
    attribution: str = ""

    @classmethod
    def of(cls, generator: TrainedGenerator, name: str, licence: str | None) -> "CardFacts":
        """Returns the facts of a generator, with the validation scores of its checkpoint."""
        task, config = generator.task, generator.config
        labels = bool(task.representation.legend)
        origin = generator.origin
        leaves = jax.tree.leaves(generator.variables["params"])
        return cls(
            name=name,
            licence=licence,
            config=config,
            pipeline="image-segmentation" if labels else "image-to-image",
            scale=task.resolution.scale,
            num_parameters=sum(leaf.size for leaf in leaves),
            pictures=count_pictures(config),
            scores=read_metrics(origin) if origin.is_dir() else {},
            dataset=config.data.name,
            split=config.data.validation_split,
        )


def count_pictures(config: ml_collections.ConfigDict) -> dict[str, int]:
    """Returns the number of training pictures by licence; {} without a manifest on this machine.

    Of a split that is cut, such as `train[100:]`, all pictures are counted.
    """
    data = config.data
    try:
        folder = Path(open_builder(data.name, data.data_dir).data_path)
        lines = (folder / _MANIFEST).read_text(encoding="utf-8").splitlines()
    except (DatasetError, OSError):
        return {}
    described = [line for line in map(json.loads, lines) if "split" in line]
    examples = [line for line in described if has_part_of(data.train_split, line["split"])]
    licences = {example["id"]: example["license"] for example in examples}
    return dict(collections.Counter(licences.values()).most_common())


def make_card(facts: CardFacts) -> str:
    """Returns a model card as Markdown with a head of YAML."""
    output = (
        "pictures of the same size"
        if facts.scale == 1
        else f"`[B, {facts.scale}H, {facts.scale}W, 3]`"
    )
    return _TEXT.format(
        # JSON is YAML too.
        metadata="\n".join(
            f"{key}: {json.dumps(value)}" for key, value in _metadata(facts).items()
        ),
        name=facts.name,
        library=_LIBRARY,
        task=facts.config.task,
        output=output,
        count=facts.num_parameters,
        generator=facts.config.generator.name,
        pictures=_pictures(facts),
        scores=_scores(facts),
        limits="\n".join(f"- {limit}" for limit in _limits(facts)),
        licence=facts.licence or "Not stated.",
    )


def _metadata(facts: CardFacts) -> dict[str, Any]:
    found: dict[str, Any] = {"license": facts.licence or "other"}
    if facts.licence is None:
        found["license_name"] = "not-stated"
    found |= {
        "library_name": _LIBRARY,
        "pipeline_tag": facts.pipeline,
        "tags": ["jax", "flax", "gan", "pix2pix", facts.config.task],
    }
    metrics = [
        {"type": name, "name": name, "value": value}
        for name, value in facts.scores.items()
        if value is not None
    ]
    if metrics:
        dataset = {"type": facts.dataset, "name": facts.dataset, "split": facts.split}
        result = {"task": {"type": facts.pipeline}, "dataset": dataset, "metrics": metrics}
        found["model-index"] = [{"name": facts.name, "results": [result]}]
    return found


def _pictures(facts: CardFacts) -> str:
    text = f"Dataset `{facts.config.data.name}`, split `{facts.config.data.train_split}`."
    if facts.attribution:
        text += (
            f" [{facts.attribution}]({facts.attribution}) names each picture, author and licence."
        )
    if facts.pictures:
        rows = "\n".join(f"| {licence} | {count:,} |" for licence, count in facts.pictures.items())
        is_cut = "[" in facts.config.data.train_split
        head = f"| licence | pictures{', at most' if is_cut else ''} |"
        text += f"\n\n{head}\n|---|---|\n{rows}"
    elif not facts.attribution:
        text += " Its pictures and their licences are not known here."
    return text


def _scores(facts: CardFacts) -> str:
    if not facts.scores:
        return "None are known here; `pix2pix-flax evaluate` computes them."
    rows = "\n".join(
        f"| {name} | {'higher' if name in HIGHER_IS_BETTER else 'lower'} |"
        f" {'not finite' if value is None else f'{value:.4g}'} |"
        for name, value in facts.scores.items()
    )
    head = f"On `{facts.dataset}`, split `{facts.split}`:"
    return f"{head}\n\n| score | better | value |\n|---|---|---|\n{rows}"


def _limits(facts: CardFacts) -> list[str]:
    limits = ["Pictures that look unlike the training pictures come out worse than the scores say."]
    if facts.pipeline == "image-segmentation":
        limits.append(
            "Every pixel gets one of the known classes, also what belongs to none of them."
        )
    elif facts.scale > 1:
        limits.append(
            "It undoes bicubic reductions. Noise and the blocks of JPEG are enlarged like detail. "
            "Fine detail is made up: it proves nothing about the scene."
        )
    else:
        limits.append("It imitates the targets of its training, with their faults.")
    if facts.config.sizes.inference:
        limits.append(
            f"Larger pictures are computed at a short side of about {facts.config.sizes.inference} "
            "pixels, and the result is enlarged."
        )
    return limits
