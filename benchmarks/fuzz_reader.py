"""Reads mutated files in another process, and tells how that ends."""

import collections
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.fuzz_subjects import SUBJECTS, prepare

SECONDS = 20
"""Longest time that reading a file may take."""
GOOD, BAD = ("read", "refused"), ("traceback", "crash", "hang")
_HEAD = 1024  # half of the mutations fall into the first bytes, where headers lie


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Returns the bytes with one to four mutations."""
    mutant = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if not mutant:
            break
        place = rng.randrange(len(mutant) if rng.random() < 0.5 else min(_HEAD, len(mutant)))
        size = min(rng.choice((1, 2, 4, 16)), len(mutant) - place)
        match rng.randrange(7):
            case 0 | 1:
                mutant[place] ^= 1 << rng.randrange(8)
            case 2:
                mutant[place : place + size] = rng.randbytes(size)
            case 3:
                mutant[place : place + size] = bytes([rng.choice((0, 0x7F, 0xFF))]) * size
            case 4:
                del mutant[place : place + size]
            case 5:
                mutant[place:place] = mutant[: rng.randrange(64)]
            case 6:
                del mutant[max(1, place) :]
    return bytes(mutant)


def _work(connection: Connection) -> None:
    """Reads the files whose kind and path arrive, and sends (end, cause) of each."""
    prepare()
    from cartoon_tfds.errors import is_user_error
    from pix2pix_flax.inference.exported import ExportedFileError

    while True:
        try:
            name, path = connection.recv()
        except EOFError:
            return
        try:
            SUBJECTS[name].read(Path(path))
        except Exception as error:
            refused = is_user_error(error) or isinstance(error, ExportedFileError)
            end = "refused" if refused else "traceback"
            connection.send((end, f"{type(error).__name__}: {error}"))
        else:
            connection.send(("read", ""))


class Reader:
    """A process that reads files; a new one takes its place after a crash or a hang."""

    def __init__(self):
        self._process = self._connection = None
        self._warm: set[str] = set()  # kinds whose modules it has imported

    def read(self, name: str, path: Path) -> tuple[str, str]:
        """Returns the end and its cause for a file of a kind."""
        if self._process is None:
            context = multiprocessing.get_context("spawn")
            self._connection, other = context.Pipe()
            self._process = context.Process(target=_work, args=(other,), daemon=True)
            self._process.start()
            other.close()
            self._warm.clear()
        if name not in self._warm:  # Else the time of imports would count.
            self._connection.send((name, f"/no/such/file{path.suffix}"))
            self._connection.recv()
            self._warm.add(name)
        self._connection.send((name, str(path)))
        try:
            if self._connection.poll(SECONDS):
                return self._connection.recv()
            cause = f"more than {SECONDS} s"
        except (EOFError, ConnectionError):
            self._process.join()
            cause = f"exit code {self._process.exitcode}"
        end = "crash" if self._process.exitcode is not None else "hang"
        self.close()
        return end, cause

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._connection.close()  # A process that waits for a file ends by itself.
            self._process.join(1)
            self._process.kill()
            self._process.join()
            self._process = None


def fuzz(
    names: list[str], count: int, seed: int, keep: Path | None = None
) -> Iterator[tuple[str, collections.Counter, float]]:
    """Yields (kind, number of files by end, most seconds for a file) for each kind.

    Args:
      names: keys of `SUBJECTS`.
      count: number of files of each quick kind; fewer of slow kinds.
      seed: of the mutations; file N of a kind is the same in each run with this seed.
      keep: folder for the files that end badly; None: they are only counted.
    """
    reader = Reader()
    try:
        for name in names:
            subject, ends, longest = SUBJECTS[name], collections.Counter(), 0.0
            data = subject.make()
            for number in range(max(1, count // subject.cost)):
                mutant = mutated(data, random.Random(f"{seed} {name} {number}"))
                with tempfile.TemporaryDirectory() as folder:
                    path = Path(folder, f"{name}-{seed}-{number}.{subject.suffix}")
                    path.write_bytes(mutant)
                    start = time.monotonic()
                    end, cause = reader.read(name, path)
                    longest = max(longest, time.monotonic() - start)
                    ends[end] += 1
                    if end in BAD:
                        print(f"{path.name}: {end}: {cause[:300]}", file=sys.stderr)
                        if keep:
                            keep.mkdir(parents=True, exist_ok=True)
                            (keep / path.name).write_bytes(mutant)
            yield name, ends, longest
    finally:
        reader.close()
