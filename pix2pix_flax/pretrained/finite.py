"""Refuses weights that are not numbers, which would draw black images without an error."""

from collections.abc import Mapping

import numpy as np


class NotFiniteError(ValueError):
    """Weights hold a NaN or an infinite number; the message is one line."""


def refuse_not_finite(arrays: Mapping[str, np.ndarray]) -> None:
    """Raises a NotFiniteError that names the first array with a NaN or an infinite number."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise NotFiniteError(f"{name} has numbers that are not finite (NaN or infinity)")
