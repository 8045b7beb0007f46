"""Names of types that all rooms share."""

from typing import Any

import jax

PyTree = Any
Batch = dict[str, jax.Array]
Metrics = dict[str, jax.Array]
