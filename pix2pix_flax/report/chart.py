"""A scalar of a training as an SVG picture.

Matplotlib is no requirement of a training, and a library of JavaScript would be a hundred times
longer than these lines. One curve with two axes is all that a report needs.
"""

import html
import math
import statistics
from collections.abc import Callable, Iterator, Sequence

_WIDTH, _HEIGHT = 360, 170  # of the picture; the page scales it
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 10, 10, 22  # margins
_BUCKETS = 300  # each gives at most two points: the lowest and the highest value
_SPREAD = 20  # with a maximum of so many medians, the axis is logarithmic


def draw_chart(steps: Sequence[int], values: Sequence[float]) -> str:
    """Returns a curve as an SVG element.

    Long curves are thinned; the lowest and the highest value of each part stay, so that no spike
    is lost. The axis of values is logarithmic if the values are positive and a few are far above
    the others. The points are also in the attribute `data-points`, for the script of the page.

    Args:
      steps: the steps, ascending; at least one.
      values: a finite value for each step.
    """
    is_log = min(values) > 0 and max(values) > _SPREAD * statistics.median(values)
    points = list(thin(steps, values))
    to_x = _scale(steps[0], steps[-1], _LEFT, _WIDTH - _RIGHT)
    convert = math.log10 if is_log else float
    low, high = convert(min(values)), convert(max(values))
    to_y = _scale(low, high, _HEIGHT - _BOTTOM, _TOP)
    places = [(to_x(step), to_y(convert(value))) for step, value in points]
    curve = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    shown = " ".join(f"{step}:{short(value)}" for step, value in points)
    ticks = [low] if low == high else [low, (low + high) / 2, high]
    parts = [
        *(_value_tick(to_y(tick), 10**tick if is_log else tick) for tick in ticks),
        *_step_ticks(steps[0], steps[-1]),
        f'<polyline points="{curve}"/>',
        f'<circle cx="{places[-1][0]:.1f}" cy="{places[-1][1]:.1f}" r="3.5"/>',
    ]
    label = f"{'logarithmic curve' if is_log else 'curve'} from {short(values[0])}"
    label += f" to {short(values[-1])}; lowest {short(min(values))}, highest {short(max(values))}"
    head = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(label)}"'
    return f'<svg class="chart" {head} data-points="{shown}">{"".join(parts)}</svg>'


def thin(steps: Sequence[int], values: Sequence[float]) -> Iterator[tuple[int, float]]:
    """Yields the steps and values of at most 600 points, among them all spikes."""
    size = max(1, -(-len(steps) // _BUCKETS))
    for start in range(0, len(steps), size):
        bucket = range(start, min(start + size, len(steps)))
        lowest, highest = min(bucket, key=values.__getitem__), max(bucket, key=values.__getitem__)
        for place in sorted({lowest, highest}):
            yield steps[place], values[place]


def short(value: float) -> str:
    """Returns a number with at most four digits that count."""
    return f"{value:.4g}"


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """Returns the linear function from `low`..`high` to `start`..`end`."""
    if low == high:
        return lambda value: (start + end) / 2
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _value_tick(y: float, value: float) -> str:
    line = f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return f'{line}<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_tick(value)}</text>'


def _tick(value: float) -> str:
    """Returns a number of at most nine letters, as wide as the left margin."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"


def _step_ticks(first: int, last: int) -> Iterator[str]:
    y = _HEIGHT - 5
    yield f'<text x="{_LEFT}" y="{y}">step {first:,}</text>'
    if last > first:
        yield f'<text x="{_WIDTH - _RIGHT}" y="{y}" text-anchor="end">{last:,}</text>'
