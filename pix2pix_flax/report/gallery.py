"""The sections of a report that show pictures, as HTML."""

import html
from collections.abc import Iterator
from pathlib import Path

from pix2pix_flax.evaluation.dataset_choice import DatasetChoice
from pix2pix_flax.evaluation.report import score_checkpoint
from pix2pix_flax.evaluation.report_text import title
from pix2pix_flax.report.pictures import choose, data_uri, encode
from pix2pix_flax.report.previews import Example, read_examples
from pix2pix_flax.report.run import Run
from pix2pix_flax.report.sections import summary_table

# Bytes before they become text, which is a third longer: the file stays below 10 MB.
_EXAMPLES_BUDGET = 1_500_000
_STRIP_BUDGET = 3_000_000
_CLIP_BUDGET = 1_200_000
_MOST_EXAMPLES = 8
_EXTREMES = 10  # worst and best examples of a split


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
    yield _choice(captions)
    yield f'<div class="cards">{"".join(cards)}</div>'
    yield _legend(run)


def _choice(captions: tuple[str, ...]) -> str:
    """Returns the choice of the image on the left side; the last one is always on the right."""
    radios = "".join(
        f'<label><input type="radio" name="left" value="{html.escape(name)}"'
        f"{' checked' if place == 0 else ''}> {html.escape(name)}</label>"
        for place, name in enumerate(captions[:-1])
    )
    return f'<fieldset class="choice"><legend>On the left:</legend>{radios}</fieldset>'


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
        contents = choose([preview.path for preview in run.previews], _STRIP_BUDGET)
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
        yield f'<figure class="card strip">{images}{slider}{caption}</figure>'
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
    for order in [name for name in ("worst", "best") if name in scored.orders] or ["spread"]:
        described, picture = scored.show(order, _EXTREMES)
        metric = f"The {order} by {described['metric']}" if "metric" in described else "Examples"
        shown = image(encode(picture), metric)
        yield (
            f"<details open><summary>{html.escape(metric)}</summary>"
            f'<figure class="card">{shown}</figure></details>'
        )
