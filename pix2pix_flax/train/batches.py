"""The next batch of a training, on the devices of all hosts."""

import time

import grain
import jax

from pix2pix_flax.data.records import DatasetError
from pix2pix_flax.sharding import put_batch
from pix2pix_flax.train.stop import StopRequest
from pix2pix_flax.typing import Batch, Metrics


def next_batch(
    iterator: grain.DatasetIterator, mesh: jax.sharding.Mesh, metrics: Metrics, stop: StopRequest
) -> tuple[Batch, float]:
    """Returns a batch, and the seconds that the devices idled meanwhile; waits for the last step.

    Meanwhile no device works, so this is the moment in which `stop` asks all hosts.

    Args:
      iterator: the batches of this host.
      mesh: the devices.
      metrics: the scalars of the last step; {} before the first one.
      stop: the request to end.

    Raises:
      DatasetError: a host cannot read its part of the batch. The iterators of the other hosts are
        before this batch again.
    """
    start, position, error = time.perf_counter(), iterator.get_state(), None
    try:
        batch = put_batch(next(iterator), mesh)
    except DatasetError as found:
        error = found
    idle = all(value.is_ready() for value in metrics.values())
    waited = (time.perf_counter() - start) * idle
    jax.block_until_ready(metrics)  # never more than one step ahead
    if stop.ask(has_failed=error is not None):
        if error is None:
            iterator.set_state(position)
        raise error or DatasetError("Another host cannot read its part of a batch; see its log.")
    return batch, waited
