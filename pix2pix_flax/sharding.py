"""A device mesh with one axis: batches are split over it, train states are replicated."""

import logging
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from cartoon_tfds.errors import UserError

_log = logging.getLogger(__name__)

_AXIS = "batch"


def make_mesh(batch_size: int, devices: Sequence[jax.Device] | None = None) -> Mesh:
    """Makes a mesh of the most devices that divide the batch; logs a warning if some stay idle.

    Args:
      batch_size: the global batch size.
      devices: the devices to choose from; None for all devices.

    Raises:
      UserError: several hosts cannot share the batch evenly.
    """
    devices = jax.devices() if devices is None else devices
    count = max(n for n in range(1, len(devices) + 1) if batch_size % n == 0)
    if count < len(devices):
        if jax.process_count() > 1:
            raise UserError(f"A batch of {batch_size} cannot be split over {len(devices)} devices.")
        _log.warning(
            "Using %d of %d devices, because they must divide the batch of %d.",
            count,
            len(devices),
            batch_size,
        )
    # linen.Dropout raises an error under explicit axes, JAX's default.
    return jax.make_mesh((count,), (_AXIS,), axis_types=(AxisType.Auto,), devices=devices[:count])


def replicated(mesh: Mesh) -> NamedSharding:
    """Returns the sharding that puts the whole array on each device."""
    return NamedSharding(mesh, PartitionSpec())


def by_batch(mesh: Mesh) -> NamedSharding:
    """Returns the sharding that splits the leading axis over the devices."""
    return NamedSharding(mesh, PartitionSpec(_AXIS))


def put_batch(batch: dict[str, np.ndarray], mesh: Mesh) -> dict[str, Any]:
    """Moves this host's part of a batch [B, ...] to its devices, split along the leading axis."""
    sharding = by_batch(mesh)
    return {
        name: jax.make_array_from_process_local_data(sharding, array)
        for name, array in batch.items()
    }
