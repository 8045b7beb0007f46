"""A device mesh with one axis: batches are split over it, train states are replicated.

A host is a process of a training: one on each machine, or one for each GPU. All hosts run the same
program and must call the functions that wait for all hosts in the same order.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
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


def put_whole_batch(batch: dict[str, np.ndarray], mesh: Mesh) -> dict[str, Any]:
    """Splits a batch [B, ...] that each host holds whole over the devices, as `put_batch` does."""
    sharding = by_batch(mesh)
    return {
        name: jax.make_array_from_process_local_data(sharding, array, array.shape)
        for name, array in batch.items()
    }


def is_first_host() -> bool:
    """Returns whether this host writes the logs, the pictures and the descriptions of a run."""
    return jax.process_index() == 0


def first_host_does(work: Callable[[], None]) -> None:
    """Calls `work` on the first host, while the other hosts wait."""
    if is_first_host():
        work()
    multihost_utils.sync_global_devices("the work of the first host")


def largest_of_hosts(values: Sequence[float]) -> list[float]:
    """Returns for each place the largest value that a host gives, in float32; all hosts wait."""
    if jax.process_count() == 1:
        return list(values)
    return multihost_utils.process_allgather(np.array(values, np.float32)).max(axis=0).tolist()
