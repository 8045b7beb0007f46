"""Type aliases that all subpackages share."""

from typing import Any

import jax

PyTree = Any
Batch = dict[str, jax.Array]
Metrics = dict[str, jax.Array]
