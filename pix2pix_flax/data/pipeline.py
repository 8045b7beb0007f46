"""Batches of uint8 images for training (endless, resumable) and for evaluation (each once)."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import grain
import numpy as np

from pix2pix_flax.data.canvas import MODES, middle, scale, to_canvas
from pix2pix_flax.data.readers import label_names, make_reader
from pix2pix_flax.data.source import DatasetError, fingerprint, open_source

Batch = dict[str, np.ndarray]


class EvalBatch(NamedTuple):
    """A batch of which the first `count` examples are new and the rest only fill it up.

    Attributes:
      images: uint8 arrays [B, H, W, C], by name, and `index`, uint32 [B]: places in the split.
      count: how many examples count, 1 to B.
      ids: a name for each counted example, from the dataset where it has one.
    """

    images: Batch
    count: int
    ids: tuple[str, ...]


def make_train_iterator(
    config, *, batch_size: int, seed: int, shard: tuple[int, int] = (0, 1)
) -> grain.DatasetIterator:
    """Makes the endless iterator over shuffled training batches.

    Its `get_state()` is its position; `set_state()` continues there with the very same batches.
    Order and crops depend on the seed and the position only, not on threads or timing.

    Args:
      config: the whole configuration; `data` and `sizes.canvas` are used.
      batch_size: examples in the global batch.
      seed: of the order and of the crops.
      shard: this host's index and the number of hosts, each of which reads its own share.

    Raises:
      DatasetError: where the dataset is missing, or smaller than a batch, or its pictures differ
        in size where they must not; the last is raised by the iterator.
    """
    data = config.data
    if data.canvas_mode not in MODES:
        raise DatasetError(
            f"config.data.canvas_mode must be one of {', '.join(MODES)}, not {data.canvas_mode!r}."
        )
    source = open_source(data.name, data.train_split, data.data_dir)
    if len(source) < batch_size:
        raise DatasetError(
            f"Split {data.train_split!r} of {data.name!r} has {len(source)} examples, "
            f"fewer than one batch of {batch_size} (config.train.batch_size)."
        )
    index, count = shard
    dataset = (
        grain.MapDataset.source(source)[index::count]
        .seed(seed)
        .shuffle()
        .repeat()
        .random_map(_make_cut(data, config.sizes.canvas, source))
        # Rounded up instead, grain's "endless" length overflows for batches of one.
        .batch(batch_size // count, drop_remainder=True)
    )
    options = grain.ReadOptions(num_threads=data.num_threads, prefetch_buffer_size=16)
    return iter(dataset.to_iter_dataset(options))


def _make_cut(
    data, canvas_size: int, source: Sequence[dict[str, Any]]
) -> Callable[[dict[str, Any], np.random.Generator], Batch]:
    """Makes the function from an example to its canvas, which has the size of the first one's."""
    reader, labels = make_reader(data), label_names(data)

    def cut(example: dict[str, Any], rng: np.random.Generator) -> Batch:
        images = reader(example)
        return to_canvas(images, canvas_size, data.canvas_mode, rng, labels)

    wanted = cut(source[0], np.random.default_rng(0))["input"].shape[:2]

    def checked(example: dict[str, Any], rng: np.random.Generator) -> Batch:
        canvas = cut(example, rng)
        if (size := canvas["input"].shape[:2]) != wanted:
            raise DatasetError(
                f"Pictures differ in size: the first is {wanted[1]}x{wanted[0]}, "
                f"{_text(example.get('id', 'another one'))} {size[1]}x{size[0]}, and "
                f"config.data.canvas_mode {data.canvas_mode} needs one size; crop and resize "
                "take pictures of any size."
            )
        return canvas

    return checked


def order_fingerprint(config, *, batch_size: int, seed: int, hosts: int) -> str:
    """Returns 16 hexadecimal digits that stand for which examples come in which order, and how.

    Args:
      config: the whole configuration; `data` and `sizes.canvas` are used.
      batch_size: examples in the global batch.
      seed: of the order and of the crops.
      hosts: how many share the reading.

    Raises:
      DatasetError: where the dataset is missing or damaged.
    """
    data = config.data
    order = (
        fingerprint(data.name, data.train_split, data.data_dir),
        tuple(data.features),
        data.canvas_mode,
        config.sizes.canvas,
        batch_size,
        seed,
        hosts,
    )
    if data.labels:  # only then: older runs had none, and go on
        order += (data.labels, tuple(data.palette))
    if data.styles:
        order += (tuple(data.styles),)
    return hashlib.sha256(repr(order).encode()).hexdigest()[:16]


def eval_batches(
    config,
    *,
    split: str,
    batch_size: int,
    limit: int = 0,
    places: Sequence[int] | None = None,
    crop: int = 0,
) -> Iterator[EvalBatch]:
    """Yields each example of a split once, in the dataset's order within each size.

    Examples of one size share a batch, and each batch is filled up to `batch_size`, so that there
    is one compilation a size.

    Args:
      config: the whole configuration. `sizes.evaluation` > 0 squeezes examples into a square of
        this side, or scales them to this width if `data.canvas_mode` is `scale_width`.
      split: which one.
      batch_size: examples in a batch.
      limit: take only so many examples, evenly spread over the split; 0 for all.
      places: places in the split of the examples to take; None: the examples that `limit` leaves.
      crop: of larger examples take the middle, a square of that side; 0 for whole ones.
    """
    data, size = config.data, config.sizes.evaluation
    source = open_source(data.name, split, data.data_dir)
    reader, labels = make_reader(data), label_names(data)
    waiting: dict[tuple[int, ...], list[tuple[Batch, str]]] = {}
    for index in _spread(len(source), limit) if places is None else places:
        record = source[index]
        example = reader(record)
        if size:
            example = scale(example, size, data.canvas_mode, labels)
        if crop:
            example = middle(example, crop)
        example = {**example, "index": np.uint32(index)}
        group = waiting.setdefault(example["input"].shape, [])
        group.append((example, f"{index}:{_text(record.get('id', ''))}"))
        if len(group) == batch_size:
            yield _stack(waiting.pop(example["input"].shape), batch_size)
    for group in waiting.values():
        yield _stack(group, batch_size)


def _spread(length: int, limit: int) -> list[int]:
    if not 0 < limit < length:
        return list(range(length))
    return [round(index) for index in np.linspace(0, length - 1, limit)]


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _stack(group: list[tuple[Batch, str]], batch_size: int) -> EvalBatch:
    examples, ids = zip(*group, strict=True)
    filled = [*examples, *[examples[-1]] * (batch_size - len(examples))]
    images = {name: np.stack([example[name] for example in filled]) for name in examples[0]}
    return EvalBatch(images, len(examples), ids)
