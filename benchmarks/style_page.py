"""Writes a page with photographs in every style side by side and with the table of numbers.

    python -m benchmarks.style_page --photos=DIR --out=page.md

The pictures are written to a folder next to the page, with the same name. The shown and the
measured photographs may differ: `docs/styles.md` shows the packaged photographs with the numbers of
an archive, by

    python -m benchmarks.style_page --photos=DIR --videos=DIR --every=4 --show=packaged \
        --note="..."

Packaged photographs without a stated licence are left out.
"""

import pathlib
import textwrap

import cv2
import numpy as np
from absl import app, flags

from benchmarks import styles
from cartoon_tfds.sources.packaged import PACKAGED
from cartoon_tfds.styles import STYLES, cartoonize

_SHOW = flags.DEFINE_string("show", None, "Photographs to show, like --photos; default: --photos.")
_OUT = flags.DEFINE_string("out", "docs/styles.md", "Page to write.")
_NOTE = flags.DEFINE_string("note", "", "Description of the measured data.")

_SIDE = 256  # pixels of a picture on the page
_LARGE = 1024  # pixels of the picture that shows the effect of the line width
_QUALITY = 82  # of JPEG
_STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)

_PAGE = """\
# Styles

`cartoonize` turns a photograph into a drawing with OpenCV and NumPy: no network, no randomness,
the same bits on any number of threads.

```python
from cartoon_tfds.styles import STYLES, cartoonize

drawing = cartoonize(photo)  # RGB uint8 [H, W, 3]; the style `ink`
drawing = cartoonize(photo, "watercolour", strength=0.8)
```

{summaries}

`STYLES[name].version` is raised whenever the pixels of a style change; datasets record it.

## Side by side

Photographs at {side}x{side} pixels, each style at full strength and with its own line width.

{photographs}
{credits}
## Strength

`strength` goes from the photograph (0, bit for bit) to the full style (1): each value of RGB moves
in proportion, so the effect of a style changes evenly. Here is `ink`:

{strengths}

## Line width

All smoothing is proportional to `line_width`. By default it is the picture's size (the root of its
area) divided by `STYLES[name].lines_across`, so that a photograph looks alike at all sizes: for
`ink`, 1.3 pixels at 256x256 and 5.1 at 1024x1024.
A number fixes it in pixels. Training pairs need this, because a convolutional network has a fixed
pixel scale; a larger picture then has finer lines. Here is `ink` on one photograph at two sizes
(enlarged if it is smaller), all shown at the same size:

{line_widths}

The reference styles follow `line_width` as far as OpenCV allows: the lines of `opencv` are always
one pixel wide.

## Numbers

```
{command}
```

{measured}

- `outline`: share of the photograph's strong contours that have a dark line.
- `stray`: share of the new lines that lie away from all contours.
- `crisp`: the largest gradients, divided by the photograph's.
- `vivid`: mean chroma, divided by the photograph's.
- `tones`: number of tones.
- `white`: change of the colour of whites, in Lab units.
- `specks/MP`: small dark dots per million pixels.
- `flat`: share of pixels of even colour.
- `keep`: share of the photograph's strongest edges that have an edge of the drawing nearby.
- `ms`: the shortest of several drawings of one photograph, at 256x256 on one core.
- `images/s`: the best pass over all photographs at this size; the machine had other work too.
- `flicker`: change of a clip along its motion, divided by the change of the source; under 1 is
  steadier than the source.

`benchmarks/look_metrics.py` and `benchmarks/style_metrics.py` define these numbers.

{table}

## Papers

- Winnemoeller, Olsen, Gooch: Real-Time Video Abstraction, 2006: repeated bilateral filters, soft
  quantisation of the luminance.
- Kang, Lee, Chui: Coherent Line Drawing, 2007: the edge tangent flow, and lines by a difference of
  Gaussians across it.
- Kyprianidis, Doellner: Image Abstraction by Structure Adaptive Filtering, 2008: the edge
  tangent flow from the structure tensor, and averages along it.
- Kyprianidis, Kang, Doellner: Image and Video Abstraction by Anisotropic Kuwahara Filtering, 2009:
  the even patches of `watercolour` and `poster`.
- Winnemoeller, Kyprianidis, Olsen: XDoG, 2012: considered for the lines, but its tone term
  blackens shadows.
- Bousseau, Kaplan, Thollot, Sillion: Interactive Watercolor Rendering with Temporal Coherence and
  Abstraction, 2006: dark borders and density of the pigment in `watercolour`.
- Gastal, Oliveira: Domain Transform for Edge-Aware Image and Video Processing, 2011: removal of
  texture; also the filter inside `opencv`.
- Grigorescu, Petkov, Westenberg: Contour detection based on nonclassical receptive field
  inhibition, 2003: no lines in texture.
"""


class Pictures:
    """Writes the pictures of a page and returns the HTML that shows them."""

    def __init__(self, page: pathlib.Path):
        self._folder = page.with_suffix("")
        self._folder.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, alt: str, image: np.ndarray) -> str:
        """Writes `name`.jpg, RGB uint8 `[H, W, 3]`, and returns the HTML that shows it."""
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
        (self._folder / f"{name}.jpg").write_bytes(data.tobytes())
        return f'<img src="{self._folder.name}/{name}.jpg" alt="{alt}" width="200">'


def photographs_to_show(folder: str, every: int) -> tuple[dict[str, np.ndarray], str]:
    """Returns the photographs by name, and their credits if they are packaged."""
    photos = styles.read_photos(folder, every)
    if folder != styles.PACKAGED:
        return photos, ""
    licences = {item.photo_id: item.license for item in PACKAGED}
    photos = {name: photo for name, photo in photos.items() if "none stated" not in licences[name]}
    credits = "; ".join(f"{name}: {licences[name]}" for name in photos)
    text = f"Photographs: {credits}. The drawings are under the licence of their photograph."
    return photos, f"\n{textwrap.fill(text, 100)}\n"


def square(photo: np.ndarray, side: int) -> np.ndarray:
    """Returns the middle square of a photograph, scaled to `[side, side, 3]`."""
    edge = min(photo.shape[:2])
    top, left = ((length - edge) // 2 for length in photo.shape[:2])
    method = cv2.INTER_AREA if edge >= side else cv2.INTER_CUBIC
    return cv2.resize(
        photo[top : top + edge, left : left + edge], (side, side), interpolation=method
    )


def side_by_side(photos: dict[str, np.ndarray], pictures: Pictures) -> str:
    """Returns a table with one row per photograph: the photograph, then every style."""
    rows = []
    for name, photo in photos.items():
        small = square(photo, _SIDE)
        drawn = {"photo": small} | {style: cartoonize(small, style) for style in STYLES}
        rows.append([pictures.add(f"{name}-{s}", f"{name}, {s}", d) for s, d in drawn.items()])
    return _table(["photo", *STYLES], rows)


def strengths(photo: np.ndarray, pictures: Pictures) -> str:
    """Returns a table row of one photograph, from strength 0 to 1 of the style `ink`."""
    small = square(photo, _SIDE)
    row = [
        pictures.add(f"strength-{s}", f"strength {s}", cartoonize(small, strength=s))
        for s in _STRENGTHS
    ]
    return _table([str(s) for s in _STRENGTHS], [row])


def line_widths(photo: np.ndarray, pictures: Pictures) -> str:
    """Returns a table row of one photograph in two sizes, the larger also with a fixed width."""
    large = square(photo, _LARGE)
    drawn = {
        f"{_SIDE}x{_SIDE}": cartoonize(square(photo, _SIDE)),
        f"{_LARGE}x{_LARGE}": cartoonize(large),
        f"{_LARGE}x{_LARGE}, `line_width=2.0`": cartoonize(large, line_width=2.0),
    }
    row = [
        pictures.add(f"line-width-{number}", title.replace("`", ""), square(drawing, 2 * _SIDE))
        for number, (title, drawing) in enumerate(drawn.items())
    ]
    return _table(list(drawn), [row])


def command() -> str:
    """Returns the command that prints the same numbers, with DIR for folders."""
    folder = styles.PACKAGED if styles.PHOTOS.value == styles.PACKAGED else "DIR"
    videos = " --videos=DIR" if styles.VIDEOS.value else ""
    return f"python -m benchmarks.styles --photos={folder}{videos} --every={styles.EVERY.value}"


def main(argv: list[str]) -> None:
    """Writes the page and its pictures."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown arguments: {argv[1:]}")
    page = pathlib.Path(_OUT.value)
    pictures = Pictures(page)
    every = 1 if _SHOW.value else styles.EVERY.value
    shown, credits = photographs_to_show(_SHOW.value or styles.PHOTOS.value, every)
    first = next(iter(shown.values()))
    measured = list(styles.read_photos(styles.PHOTOS.value, styles.EVERY.value).values())
    clips = styles.flag_clips()
    counts = f"{len(measured)} photographs and {len(clips)} clips"
    summaries = [f"- `{name}`: {style.summary}" for name, style in STYLES.items()]
    text = _PAGE.format(
        summaries="\n".join(summaries),
        side=_SIDE,
        photographs=side_by_side(shown, pictures),
        credits=credits,
        strengths=strengths(first, pictures),
        line_widths=line_widths(first, pictures),
        command=command(),
        measured=textwrap.fill(f"{counts}{': ' if _NOTE.value else ''}{_NOTE.value}.", 100),
        table="\n".join(styles.measure(measured, clips)),
    )
    page.write_text(text, encoding="utf-8")


def _table(titles: list[str], rows: list[list[str]]) -> str:
    """Returns a Markdown table of pictures."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    app.run(main)
