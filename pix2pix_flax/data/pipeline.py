"""Batches of uint8 images: endless and resumable for training, each example once for evaluation."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import grain
import numpy as np

from pix2pix_flax.data.canvas import MODES, draw_corner, middle, scale, window
from pix2pix_flax.data.examples import Fitted, keep_examples
from pix2pix_flax.data.readers import label_names, make_reader
from pix2pix_flax.data.records import DatasetError, Tolerance, WithSubstitutes, whole_records
from pix2pix_flax.data.source import count_examples, open_source, read_ids

Batch = dict[str, np.ndarray]

_LOOKED_AT = 1_000  # examples of a split among which the different photographs are looked for


class EvalBatch(NamedTuple):
    """A batch whose first `count` examples are new; the rest only fill the batch up.

    Attributes:
      images: uint8 arrays [B, H, W, C] by name, and `index`, uint32 [B]: indices in the split.
      count: number of new examples, 1 to B.
      ids: `INDEX:ID` for each new example; ID is empty if the dataset has no feature `id`.
    """

    images: Batch
    count: int
    ids: tuple[str, ...]


def make_train_iterator(
    config, *, batch_size: int, seed: int, shard: tuple[int, int] = (0, 1)
) -> grain.DatasetIterator:
    """Makes the endless iterator over shuffled training batches.

    `get_state()` returns its position; `set_state()` continues from there with exactly the same
    batches. Order and crops depend only on the seed and the position, not on threads or timing.

    Args:
      config: the whole configuration; `data` and `sizes.canvas` are used.
      batch_size: examples in the global batch.
      seed: seed of the order of examples and of the crops.
      shard: index of this host and number of hosts, which divides `batch_size`. Each host reads its
        own part of each batch; the parts, one after another, are the batch of one host.

    Raises:
      DatasetError: if `config.data` is invalid, the dataset is missing or it is smaller than a
        batch; raised by the iterator if images differ in size but must not.
      DamagedRecordError: raised by the iterator if more than `data.max_damaged` records that it met
        are damaged. A whole record stands for a damaged one, so batches stay full.
    """
    examples = keep_examples(open_examples(config, batch_size), config)
    mode, size = config.data.canvas_mode, config.sizes.canvas

    def cut(example: Batch, rng: np.random.Generator) -> Batch:
        return window(example, size, mode, rng)

    return _shuffled(examples, cut, config.data.num_threads, batch_size, seed, shard)


def make_corner_iterator(
    sizes: Sequence[tuple[int, int]],
    config,
    *,
    batch_size: int,
    seed: int,
    shard: tuple[int, int] = (0, 1),
) -> grain.DatasetIterator:
    """Makes an iterator over the places of the pixels that `make_train_iterator` returns.

    Its batches are `index`, `top` and `left`, int32 [B]: the index of an example, and the corner of
    its window; 0 if `data.canvas_mode` cuts no window. Both iterators have the same states.

    Args:
      sizes: height and width of each example of `open_examples`.
      config: as for `make_train_iterator`, like all other arguments.
      batch_size: examples in the global batch.
      seed: seed of the order of examples and of the crops.
      shard: index of this host and number of hosts.
    """
    is_cut, canvas = config.data.canvas_mode == "crop", config.sizes.canvas

    def place(index: int, rng: np.random.Generator) -> Batch:
        top, left = draw_corner(*sizes[index], canvas, rng) if is_cut else (0, 0)
        return {"index": np.int32(index), "top": np.int32(top), "left": np.int32(left)}

    indices = range(len(sizes))
    return _shuffled(indices, place, config.data.num_threads, batch_size, seed, shard)


def open_examples(config, batch_size: int) -> Fitted:
    """Opens the training split as examples in the scale of the canvas.

    Raises:
      DatasetError: as `make_train_iterator`.
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
    return Fitted(WithSubstitutes(source, Tolerance(data.max_damaged)), config)


def _shuffled(
    source: Sequence[Any],
    draw: Callable[[Any, np.random.Generator], Batch],
    num_threads: int,
    batch_size: int,
    seed: int,
    shard: tuple[int, int],
) -> grain.DatasetIterator:
    """Returns the endless iterator over shuffled batches of what `draw` makes of the source."""
    index, count = shard
    dataset = (
        grain.MapDataset.source(source)
        .seed(seed)
        .shuffle()
        .repeat()
        .random_map(draw)
        # With the remainder, grain rounds its "endless" length up: for batches of 1 it overflows.
        .batch(batch_size // count, drop_remainder=True)[index::count]
    )
    options = grain.ReadOptions(num_threads=num_threads, prefetch_buffer_size=16)
    return iter(dataset.to_iter_dataset(options))


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

    Examples of one size share a batch, and each batch is filled up to `batch_size`, so that each
    size is compiled only once.

    Args:
      config: the whole configuration. If `sizes.evaluation` > 0, images are resized to a square of
        this side, or to this width if `data.canvas_mode` is `scale_width`.
      split: name of the split.
      batch_size: examples in a batch.
      limit: number of examples to take, evenly spread over the split; 0 for all.
      places: indices in the split of the examples to take; None to take them by `limit`.
      crop: side of the square that is cut from the middle of larger images; 0 for whole images.

    Raises:
      DatasetError: as `make_train_iterator`. Damaged records that may be passed over are left out;
        without `places` it is an error if none is whole, so there always is a first batch.
    """
    data, size = config.data, config.sizes.evaluation
    source = open_source(data.name, split, data.data_dir)
    reader, labels = make_reader(data), label_names(data)
    wanted = _spread(len(source), limit) if places is None else places
    index = None
    waiting: dict[tuple[int, ...], list[tuple[Batch, str]]] = {}
    for index, record in whole_records(source, wanted, data.max_damaged):
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
    if index is None and places is None:
        raise DatasetError(
            f"Split {split!r} of {data.name!r} has no whole example among the {len(wanted)} that "
            "were read: build the dataset again with --overwrite."
        )
    for group in waiting.values():
        yield _stack(group, batch_size)


def _spread(length: int, limit: int) -> list[int]:
    if not 0 < limit < length:
        return list(range(length))
    return [round(index) for index in np.linspace(0, length - 1, limit)]


def different_places(config, split: str, count: int) -> list[int]:
    """Returns the indices of at most `count` examples of a split, in ascending order; 0 for all.

    The examples show different photographs, or each photograph equally often if the split has fewer
    than `count`; the examples of one photograph are spread evenly over the split. Equal arguments
    give equal indices.

    Raises:
      DatasetError: as `read_ids`. Damaged records that may be passed over are left out.
    """
    data = config.data
    length = count_examples(data.name, split, data.data_dir)
    places = _spread(length, count and max(count, _LOOKED_AT))
    by_photo: dict[str, list[int]] = {}
    ids = read_ids(data.name, split, data.data_dir, places, data.max_damaged)
    for place, identity in ids.items():
        by_photo.setdefault(identity, []).append(place)
    photos = list(by_photo.values())
    photos = [photos[number] for number in _spread(len(photos), count)]
    if not photos:
        return []
    share, more = divmod(count, len(photos))
    return sorted(
        views[number]
        for photo, views in enumerate(photos)
        for number in _spread(len(views), share + (photo < more))
    )


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _stack(group: list[tuple[Batch, str]], batch_size: int) -> EvalBatch:
    examples, ids = zip(*group, strict=True)
    filled = [*examples, *[examples[-1]] * (batch_size - len(examples))]
    images = {name: np.stack([example[name] for example in filled]) for name in examples[0]}
    return EvalBatch(images, len(examples), ids)
