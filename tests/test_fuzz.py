"""Damaged files of every quick kind are read, or refused for the user; `make fuzz` reads more."""

from benchmarks.fuzz_reader import BAD, fuzz
from benchmarks.fuzz_subjects import SUBJECTS

QUICK = [name for name, subject in SUBJECTS.items() if subject.cost == 1]


def test_no_file_ends_badly():
    ends = {name: count for name, count, _ in fuzz(QUICK, count=12, seed=1)}
    assert ends.keys() == set(QUICK)
    assert not {name: count for name, count in ends.items() if any(count[end] for end in BAD)}
    total = sum(ends.values(), start=type(ends["PNG"])())
    assert total["read"] > 10
    assert total["refused"] > 50
