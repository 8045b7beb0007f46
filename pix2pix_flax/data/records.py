"""The records of a split as decoded examples, and what becomes of damaged ones."""

import bisect
import concurrent.futures
import itertools
import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cartoon_tfds.errors import UserError, one_line

_log = logging.getLogger(__name__)

_SHOWN = 5  # damaged records in a message

Example = dict[str, Any]


class DatasetError(UserError):
    """A dataset is missing, is damaged or does not fit the configuration."""


class DamagedRecordError(DatasetError):
    """A record cannot be read or decoded.

    Attributes:
      place: the file of the record, and its index in the file.
      fact: the first sentence of the message.
    """

    def __init__(self, place: tuple[str, int], cause: Exception, check: str):
        self.place = place
        self.fact = f"Record {place[1]} of {place[0]} is damaged ({one_line(cause)})."
        super().__init__(
            f"{self.fact} {check} Build the dataset again with --overwrite, or set "
            "config.data.max_damaged to the number of records that may be left out."
        )


class Records(Sequence):
    """The decoded examples of a split by index: images uint8 [H, W, C], RGB.

    Args:
      source: the examples, as TFDS decodes them.
      files: (file, index of its first record, number of its records) for each file of the split, in
        the order of the examples.
      check: a sentence with the command that checks the dataset.

    Raises:
      DamagedRecordError: by each access to a record that cannot be read or decoded.

    Attributes:
      files: the argument.
    """

    def __init__(
        self, source: Sequence[Example], files: Sequence[tuple[str, int, int]], check: str
    ):
        self._source, self.files, self._check = source, files, check
        self._ends = list(itertools.accumulate(count for _, _, count in files))

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> Example:
        try:
            return self._source[index]
        except Exception as error:  # array_record, protobuf and decoders have errors of their own
            raise DamagedRecordError(self._place(index), error, self._check) from error

    def _place(self, index: int) -> tuple[str, int]:
        number = bisect.bisect_right(self._ends, index)
        file, first, count = self.files[number]
        return file, first + index - (self._ends[number] - count)


_told: set[tuple[str, int]] = set()  # an evaluation meets the same records again and again


class Tolerance:
    """Lets the first damaged records pass, with one warning for each in this process.

    Args:
      limit: number of records that may be damaged (`config.data.max_damaged`).
    """

    def __init__(self, limit: int):
        self._limit, self._places, self._lock = limit, set(), threading.Lock()

    def pass_over(self, error: DamagedRecordError) -> None:
        """Counts a record, or raises the error if more than `limit` records are damaged."""
        with self._lock:
            if error.place in self._places:
                return
            if len(self._places) >= self._limit:
                raise error
            self._places.add(error.place)
            if error.place not in _told:
                message = (
                    "%s Going on without it: number %d of at most %d (config.data.max_damaged)."
                )
                _log.warning(message, error.fact, len(self._places), self._limit)
            _told.add(error.place)


def whole_records(
    records: Records, places: Iterable[int], max_damaged: int
) -> Iterator[tuple[int, Example]]:
    """Yields the place and the example of each record that is whole.

    Args:
      records: the records.
      places: indices of the records to read.
      max_damaged: number of records that may be damaged.

    Raises:
      DamagedRecordError: more records are damaged.
    """
    tolerance = Tolerance(max_damaged)
    for place in places:
        try:
            record = records[place]
        except DamagedRecordError as error:
            tolerance.pass_over(error)
        else:
            yield place, record


class WithSubstitutes(Sequence):
    """Records in which the next whole record stands for a damaged one.

    A substitute depends on the index only, so a training that was stopped draws the same batches.

    Attributes:
      damaged: indices of the damaged records that were asked for so far.
    """

    def __init__(self, records: Records, tolerance: Tolerance):
        self._records, self._tolerance = records, tolerance
        self.damaged: set[int] = set()

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> Example:
        for other in range(index, index + len(self)):
            try:
                return self._records[other % len(self)]
            except DamagedRecordError as error:
                self._tolerance.pass_over(error)
                self.damaged.add(index)
                last = error
        raise last


def verify(records: Records, what: str, *, num_threads: int, max_damaged: int) -> None:
    """Reads and decodes all records, and logs that they are whole or which of them are damaged.

    Args:
      records: the records.
      what: the name of the records for messages, such as `split 'train'`.
      num_threads: number of threads.
      max_damaged: number of records that may be damaged.

    Raises:
      DatasetError: more records are damaged; the message names the first ones.
    """
    errors = list(damaged(records, num_threads))
    facts = " ".join(error.fact for error in errors[:_SHOWN])
    if len(errors) > max_damaged:
        raise DatasetError(
            f"{len(errors)} of the {len(records)} records of {what} are damaged, and "
            f"config.data.max_damaged is {max_damaged}: {facts} Build the dataset again with "
            "--overwrite."
        )
    if errors:
        _log.warning(
            "%d of the %d records of %s are damaged: %s", len(errors), len(records), what, facts
        )
    else:
        _log.info("All %d records of %s are whole.", len(records), what)


def damaged(records: Records, num_threads: int) -> Iterator[DamagedRecordError]:
    """Reads and decodes all records, and yields the error of each damaged one."""

    def error_of(index: int) -> DamagedRecordError | None:
        try:
            records[index]
        except DamagedRecordError as error:
            return error
        return None

    with concurrent.futures.ThreadPoolExecutor(num_threads) as pool:
        yield from filter(None, pool.map(error_of, range(len(records))))
