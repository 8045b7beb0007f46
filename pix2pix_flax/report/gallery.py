"""The sections of a report that show pictures, as HTML."""

import html
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pix2pix_flax.evaluation.dataset_choice import DatasetChoice
from pix2pix_flax.evaluation.panel import Extremes
from pix2pix_flax.evaluation.report import score_checkpoint
from pix2pix_flax.evaluation.report_text import title
from pix2pix_flax.report.chart import short
from pix2pix_flax.report.pictures import choose, data_uri, encode, encode_within
from pix2pix_flax.report.previews import Example, read_body, read_examples
from pix2pix_flax.report.run import Run
from pix2pix_flax.report.sections import summary_table

# Bytes before they become text, which is a third longer: the file stays below 10 MB.
_EXAMPLES_BUDGET = 1_500_000
_STRIP_BUDGET = 3_000_000
_EXTREMES_BUDGET = 1_500_000
_CLIP_BUDGET = 1_200_000
_MOST_EXAMPLES = 8
_EXTREMES = 10  # worst and as many best examples of a split, by each score


def image(content: bytes, name: str, attributes: str = "") -> str:
    """Returns an image element that holds its picture, WebP."""
    uri = data_uri(content, "image/webp")
    return f'<img src="{uri}" alt="{html.escape(name)}" {attributes}>'


def examples(run: Run) -> Iterator[str]:
    """Yields the examples of the last preview, each as two images with a border to move.

    Yields no example of a network that draws from noise: `strip` shows its images.
    """
    if not run.previews:
        return
    last = run.previews[-1]
    found = read_examples(last.path)[:_MOST_EXAMPLES]
    captions = found[0].captions if found else ()
    if len(captions) < 2:
        return
    cards, size = [], 0
    for example in found:
        contents = [encode(picture) for picture in example.images]
        size += sum(map(len, contents))
        if cards and size > _EXAMPLES_BUDGET:
            break
        cards.append(_compared(example, contents))
    yield f'<p class="faint">At {last.title}. Move the border in a picture.</p>'
    yield _radios("On the left:", "left", captions[:-1])  # the last one is always on the right
    yield f'<div class="cards wide">{"".join(cards)}</div>'
    yield _legend(run)


def _radios(legend: str, name: str, values: Sequence[str]) -> str:
    """Returns a choice of one of several values; the first is chosen."""
    radios = "".join(
        f'<label><input type="radio" name="{name}" value="{html.escape(value)}"'
        f"{' checked' if place == 0 else ''}> {html.escape(value)}</label>"
        for place, value in enumerate(values)
    )
    return f'<fieldset class="choice"><legend>{legend}</legend>{radios}</fieldset>'


def _compared(example: Example, contents: list[bytes]) -> str:
    *left, right = example.captions
    over = "".join(
        image(content, name, f'class="over"{"" if place == 0 else " hidden"}')
        for place, (name, content) in enumerate(zip(left, contents, strict=False))
    )
    return (
        f'<div class="card compare">{image(contents[-1], right)}{over}'
        f'<span class="tag">{html.escape(left[0])}</span>'
        f'<span class="tag right">{html.escape(right)}</span>'
        '<input type="range" min="0" max="100" value="50" aria-label="Border between the images">'
        "</div>"
    )


def _legend(run: Run) -> str:
    """Returns the colours of the classes of label maps; "" for other tasks."""
    items = "".join(
        f'<li><span style="background: rgb({", ".join(map(str, colour))})"></span>'
        f"{html.escape(name)}</li>"
        for name, colour, _ in run.config.data.palette
    )
    return f'<ul class="swatches">{items}</ul>' if items else ""


def strip(run: Run) -> Iterator[str]:
    """Yields the previews, one at a time by a slider, and the clip of the run."""
    if run.previews:
        paths = [preview.path for preview in run.previews]
        contents = choose(paths, _STRIP_BUDGET, lambda path: read_body(path)[1])
        shown = [preview for preview in run.previews if preview.path in contents]
        last = len(shown) - 1
        images = "".join(
            image(contents[preview.path], preview.title, "" if place == last else "hidden")
            for place, preview in enumerate(shown)
        )
        slider = (
            f'<input type="range" min="0" max="{last}" value="{last}" aria-label="Step">'
            if last
            else ""
        )
        left_out = len(run.previews) - len(shown)
        note = f' <span class="faint">{left_out} of {len(run.previews)} are left out.</span>'
        caption = f"<output>{shown[-1].title}</output>{note if left_out else ''}"
        heads = _heads(read_body(shown[-1].path)[0])
        yield f'<figure class="card strip"><div>{heads}{images}</div>{slider}{caption}</figure>'
    yield _clip(run.workdir / "previews.mp4")


def _clip(path: Path) -> str:
    """Returns the clip of the previews; "" if there is none, or it is large."""
    if not path.is_file() or path.stat().st_size > _CLIP_BUDGET:
        return ""
    uri = data_uri(path.read_bytes(), "video/mp4")
    return (
        "<details><summary>The same as a clip</summary>"
        f'<video class="card" controls playsinline src="{uri}"></video></details>'
    )


def extremes(run: Run, choice: DatasetChoice, *, vgg16: bool) -> Iterator[str]:
    """Evaluates the best step on a split, and yields its scores and the worst and best examples.

    Raises:
      UserError: the dataset or the split is missing, or weights that the scores need.
    """
    scored = score_checkpoint(run.workdir, choice, vgg16=vgg16)
    yield f"<p>{html.escape(title(scored.report))}</p>"
    yield summary_table(scored.report.summary)
    found = scored.extremes(_EXTREMES)
    if found is None:
        _, picture = scored.show("spread", _EXTREMES)
        yield f'<figure class="card">{image(encode(picture), "Generated and real images")}</figure>'
        return
    yield from _ranked(found)
    yield _legend(run)


def _ranked(found: Extremes) -> Iterator[str]:
    """Yields the examples of all orders once; a script shows one order at a time."""
    metrics = list(dict.fromkeys(metric for metric, _ in found.orders))
    yield _radios("Ordered by:", "metric", metrics)
    yield _radios("Shown:", "end", ["worst", "best"])
    ids = list(dict.fromkeys(identity for ids in found.orders.values() for identity in ids))
    contents = encode_within(_EXTREMES_BUDGET, [found.rows[identity] for identity in ids])
    places = {" ".join(key): list(map(ids.index, order)) for key, order in found.orders.items()}
    shown = places[f"{metrics[0]} worst"]
    figures = "".join(
        f'<figure class="card"{"" if place in shown else " hidden"}>'
        f"{_heads(found.captions)}{image(content, identity)}"
        f"<figcaption>{_values(found.scores[identity])}</figcaption></figure>"
        for place, (identity, content) in enumerate(zip(ids, contents, strict=True))
    )
    orders = html.escape(json.dumps(places))
    yield f'<div class="cards wide ranked" data-orders="{orders}">{figures}</div>'


def _heads(captions: Sequence[str]) -> str:
    """Returns the names above the columns of a picture; "" if there are none."""
    names = "".join(f"<span>{html.escape(name)}</span>" for name in captions)
    return f'<div class="heads">{names}</div>' if names else ""


def _values(scores: dict[str, float]) -> str:
    """Returns the scores of an example, each in an element that its name finds."""
    return " ".join(
        f'<span data-metric="{html.escape(name)}">{html.escape(name)} {short(value)}</span>'
        for name, value in scores.items()
    )
