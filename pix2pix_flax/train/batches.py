"""The batches of a training, on the devices of all hosts."""

import functools
import time
from collections.abc import Callable, Iterator

import grain
import jax
import numpy as np

from cartoon_tfds.errors import UserError
from pix2pix_flax.data.pipeline import make_corner_iterator, make_train_iterator, open_examples
from pix2pix_flax.data.records import DatasetError
from pix2pix_flax.inference.tiling.memory import available_bytes
from pix2pix_flax.sharding import by_batch, put_batch, replicated
from pix2pix_flax.train.stop import StopRequest
from pix2pix_flax.typing import Batch, Metrics

Put = Callable[[dict[str, np.ndarray]], Batch]
"""Moves what an iterator returns on this host to the devices: the images of a batch."""

_SHARE = 0.5  # of the free memory that the examples may take; the training needs the rest


def make_batches(config, mesh: jax.sharding.Mesh) -> tuple[grain.DatasetIterator, Put]:
    """Makes the iterator of a training, and the function that puts its batches on the devices.

    With `config.data.cache` device, the examples lie on each device and the iterator returns only
    the places of the windows. The images and the states of the iterator are the same.

    Raises:
      DatasetError: as `make_train_iterator`.
      UserError: the examples do not fit into the memory of a device.
    """
    shard = jax.process_index(), jax.process_count()
    options = {"batch_size": config.train.batch_size, "seed": config.seed, "shard": shard}
    if config.data.cache != "device":
        return make_train_iterator(config, **options), functools.partial(put_batch, mesh=mesh)
    examples = list(_fitting(config))
    sizes = [example["input"].shape[:2] for example in examples]
    stored = jax.device_put(_stack(examples), replicated(mesh))
    size = config.sizes.canvas if config.data.canvas_mode == "crop" else None
    cut = jax.jit(functools.partial(_cut, size=size), out_shardings=by_batch(mesh))
    iterator = make_corner_iterator(sizes, config, **options)
    return iterator, lambda places: cut(stored, put_batch(places, mesh))


def _fitting(config) -> Iterator[dict[str, np.ndarray]]:
    """Yields all examples; raises an error as soon as they need more memory than there is."""
    examples, free = open_examples(config, config.train.batch_size), available_bytes()
    height = width = 0
    for index in range(len(examples)):
        example = examples[index]
        height, width = np.maximum((height, width), example["input"].shape[:2])
        channels = sum(image.shape[2] for image in example.values())
        needed = len(examples) * int(height) * int(width) * channels
        if free is not None and needed > _SHARE * free:
            raise UserError(
                f"config.data.cache is device, but {len(examples):,} examples of {width}x{height} "
                f"pixels take {needed / 1e6:,.0f} MB, more than half of the {free / 1e6:,.0f} MB "
                "that are free: set it to host, disk or none."
            )
        yield example


def _stack(examples: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Returns the images uint8 [N, H, W, C] by name; smaller ones are filled up at two sides."""
    stacks = {}
    for name in examples[0]:
        images = [example[name] for example in examples]
        height, width = (max(image.shape[axis] for image in images) for axis in (0, 1))
        stack = np.zeros((len(images), height, width, images[0].shape[2]), np.uint8)
        for place, image in zip(stack, images, strict=True):
            place[: image.shape[0], : image.shape[1]] = image
        stacks[name] = stack
    return stacks


def _cut(stored: Batch, places: Batch, *, size: int | None) -> Batch:
    """Returns the windows at `places`, or whole images if there is no size."""

    def one(stack: jax.Array, place: Batch) -> jax.Array:
        sides = stack.shape[1:3] if size is None else (size, size)
        start = place["index"], place["top"], place["left"], 0
        return jax.lax.dynamic_slice(stack, start, (1, *sides, stack.shape[3]))[0]

    return {name: jax.vmap(functools.partial(one, stack))(places) for name, stack in stored.items()}


def next_batch(
    iterator: grain.DatasetIterator, put: Put, metrics: Metrics, stop: StopRequest
) -> tuple[Batch, float]:
    """Returns a batch, and the seconds that the devices idled meanwhile; waits for the last step.

    Meanwhile no device works, so this is the moment in which `stop` asks all hosts.

    Args:
      iterator: the batches of this host.
      put: moves a batch to the devices, see `make_batches`.
      metrics: the scalars of the last step; {} before the first one.
      stop: the request to end.

    Raises:
      DatasetError: a host cannot read its part of the batch. The iterators of the other hosts are
        before this batch again.
    """
    start, position, error = time.perf_counter(), iterator.get_state(), None
    try:
        batch = put(next(iterator))
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
