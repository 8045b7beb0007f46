"""The kind of flag whose value is a finite number.

    _SECONDS = flags.DEFINE(Finite(lower_bound=0.1), "seconds", 1.0, "Seconds of the clip.")

The bounds of absl's own flags let `nan` pass, and `inf` where there is no upper bound.
"""

import math

from absl import flags


class Finite(flags.FloatParser):
    """Parses a number between two bounds; the first argument of `flags.DEFINE`."""

    def parse(self, argument: float | int | str) -> float:
        """Returns the number; raises ValueError if it is infinite, nan or out of bounds."""
        value = super().parse(argument)
        if not math.isfinite(value):
            raise ValueError("has to be a finite number")
        return value
