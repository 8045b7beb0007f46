"""Metrics of what people see in a cartoon at first glance: outlines, crispness, colour and tones.

All functions take RGB uint8 pictures `[H, W, 3]` of one size. A blur wins none of these metrics,
but dirt wins `outline`, because thick dirt covers every contour: read it beside `stray` and specks.
"""

import dataclasses
import math

import cv2
import numpy as np

from benchmarks.style_metrics import (
    edge_keep,
    flat_share,
    gradient,
    lab_gradient,
    specks_per_megapixel,
    to_lab,
)

LINE_DEPTH = 18  # L units by which a line is darker than both of its sides
WINDOW = 48  # side of a picture divided by the side of the window that a line must fit into
CONTOUR_SIGMA = 200  # side of a picture divided by the blur before its contours are found
STRONG, VISIBLE = 0.95, 0.80  # quantiles of the gradient above which contours lie
NEAR, FAR = 2, 3  # pixels between a contour and a line that covers it; and one that strays
CRISP_QUANTILE = 0.95  # of the gradients that are compared
TONES = 64  # bins of the luminance
WHITE_LUMINANCE, WHITE_CHROMA = 88, 6  # whites are lighter and greyer
GREY_CHROMA = 1  # mean chroma of photographs without colour
FEWEST_WHITES = 0.01  # share of a picture
FEWEST_INKED = 20  # pixels


@dataclasses.dataclass(frozen=True)
class Look:
    """The numbers of one picture beside its photograph.

    Attributes:
      outline: share of the photo's strong contours with a thin dark line within 2 pixels, 0..1.
      stray: share of the new lines that lie over 3 pixels from all visible contours, 0..1.
      crisp: 95th percentile of the Lab gradient divided by the photo's; under 1 is blurred.
      vivid: mean chroma divided by the photo's; not a number for a grey photo.
      tones: exponential of the entropy of L in 64 bins; fewer are more posterised.
      white: mean absolute difference of Lab a on whites; not a number if there are hardly any.
      specks: small dark dots per million pixels.
      flat: share of pixels of even colour, 0..1.
      keep: share of the photo's edges that have an edge nearby, 0..1.
      ink: share of the darkness of the teacher's new lines that the picture has too; not a number
        without a teacher, or if it has no new lines.
    """

    outline: float
    stray: float
    crisp: float
    vivid: float
    tones: float
    white: float
    specks: float
    flat: float
    keep: float
    ink: float = math.nan


def look(photo: np.ndarray, picture: np.ndarray, teacher: np.ndarray | None = None) -> Look:
    """Measures a cartoon of a photograph; `teacher` is the cartoon that a network learnt from."""
    drawn = lines(picture)
    new = drawn & ~_grown(lines(photo), 1)
    strays = ~_grown(contours(photo, VISIBLE), FAR)
    strong = contours(photo, STRONG)
    return Look(
        outline=_mean(_grown(drawn, NEAR)[strong], empty=1.0),
        stray=_mean(strays[new], empty=0.0),
        crisp=crispness(picture) / crispness(photo),
        vivid=_vividness(picture, photo),
        tones=tones(picture),
        white=white_shift(picture, photo if teacher is None else teacher),
        specks=specks_per_megapixel(picture),
        flat=flat_share(picture),
        keep=edge_keep(photo, picture),
        ink=math.nan if teacher is None else ink_share(photo, picture, teacher),
    )


def compare(
    photos: list[np.ndarray], pictures: list[np.ndarray], teachers: list[np.ndarray]
) -> tuple[float, Look]:
    """Returns the mean absolute difference from the teachers, of values 0..1, and the mean look."""
    pairs = zip(pictures, teachers, strict=True)
    l1 = np.mean([np.abs(a / 255 - b / 255).mean() for a, b in pairs])
    return float(l1), means(list(map(look, photos, pictures, teachers)))


def means(looks: list[Look]) -> Look:
    """Returns the mean of each number over the pictures that have it."""
    columns = np.array([dataclasses.astuple(found) for found in looks]).T
    known = (column[~np.isnan(column)] for column in columns)
    return Look(*(float(column.mean()) if column.size else math.nan for column in known))


def lines(image: np.ndarray, depth: float = LINE_DEPTH) -> np.ndarray:
    """Returns where a thin structure is darker than both sides, bool `[H, W]`: a black top-hat."""
    luminance = to_lab(image)[..., 0]
    window = max(3, round(math.sqrt(luminance.size) / WINDOW) | 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (window, window))
    return cv2.morphologyEx(luminance, cv2.MORPH_BLACKHAT, disc) > depth


def contours(photo: np.ndarray, quantile: float) -> np.ndarray:
    """Returns the contours of a photograph, bool `[H, W]`: its largest blurred gradients."""
    sigma = math.sqrt(photo.shape[0] * photo.shape[1]) / CONTOUR_SIGMA
    found = gradient(cv2.GaussianBlur(to_lab(photo), (0, 0), sigma))
    return found > np.quantile(found, quantile)


def crispness(image: np.ndarray) -> float:
    """Returns the 95th percentile of the Lab gradient of a picture, in units per pixel."""
    return float(np.quantile(lab_gradient(image), CRISP_QUANTILE))


def tones(image: np.ndarray) -> float:
    """Returns how many tones a picture has: the exponential of the entropy of its luminance."""
    counts, _ = np.histogram(to_lab(image)[..., 0], TONES, (0, 100))
    shares = counts[counts > 0] / counts.sum()
    return float(np.exp(-np.sum(shares * np.log(shares))))


def white_shift(image: np.ndarray, reference: np.ndarray) -> float:
    """Returns mean |difference of Lab a| where the reference is white: white must stay white."""
    lab = to_lab(reference)
    white = (lab[..., 0] > WHITE_LUMINANCE) & (_chroma(lab) < WHITE_CHROMA)
    if white.mean() < FEWEST_WHITES:
        return math.nan
    return float(np.abs(to_lab(image) - lab)[..., 1][white].mean())


def ink_share(photo: np.ndarray, picture: np.ndarray, teacher: np.ndarray) -> float:
    """Returns the share of the darkness of the teacher's new lines that the picture has."""
    inked = lines(teacher, 10) & ~_grown(lines(photo, 5), 1)
    if inked.sum() <= FEWEST_INKED:
        return math.nan
    wanted, found = ((to_lab(photo) - to_lab(image))[..., 0][inked] for image in (teacher, picture))
    return float((wanted * found).sum() / (wanted * wanted).sum())


def _chroma(lab: np.ndarray) -> np.ndarray:
    return np.hypot(lab[..., 1], lab[..., 2])


def _vividness(image: np.ndarray, photo: np.ndarray) -> float:
    before = _chroma(to_lab(photo)).mean()
    return float(_chroma(to_lab(image)).mean() / before) if before > GREY_CHROMA else math.nan


def _grown(mask: np.ndarray, radius: int) -> np.ndarray:
    """Returns the pixels within `radius` of the mask."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
    return cv2.dilate(mask.astype(np.uint8), disc) > 0


def _mean(values: np.ndarray, empty: float) -> float:
    return float(values.mean()) if values.size else empty
