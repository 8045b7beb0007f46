"""When evaluations, previews and kept checkpoints are due."""

import time

import pytest

from pix2pix_flax.train.schedule import Epochs, Every

EPOCHS = Epochs(examples=20, batch_size=8)  # 2.5 steps in an epoch


def due(last, count=EPOCHS, **units):
    every = Every(**({"steps": 0, "minutes": 0.0, "epochs": 0.0} | units), count=count)
    return [step for step in range(1, last + 1) if every.is_due(step)]


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ({}, []),
        ({"steps": 3}, [3, 6, 9]),
        ({"epochs": 1.0}, [2, 5, 8, 10]),  # 2.5, 5, 7.5 and 10, rounded to even
        ({"epochs": 2.0}, [5, 10]),
        ({"epochs": 0.1}, list(range(1, 11))),  # four times a step
        ({"steps": 4, "epochs": 2.0}, [4, 5, 8, 10]),
    ],
)
def test_each_unit_makes_it_due(units, expected):
    assert due(10, **units) == expected


@pytest.mark.parametrize("after", [0, 3, 4, 5, 9, 40])
@pytest.mark.parametrize("steps", [0, 1, 4, 7])
@pytest.mark.parametrize("epochs", [0.0, 0.1, 0.7, 1.0, 2.0, 9.0])
def test_moments_are_counted_without_asking_for_each_step(after, steps, epochs):
    every = Every(steps, 0.0, epochs, EPOCHS)
    for last in (after, after + 1, after + 2, 17, 40):
        expected = sum(every.is_moment(step) for step in range(after + 1, last + 1))
        assert every.moments(after, last) == expected


def test_moments_of_a_giant_training_are_counted_at_once():
    start = time.monotonic()
    assert Every(10_000, 0.0, 0.0, EPOCHS).moments(0, 10**9) == 10**5
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("examples", "batch_size", "epochs"), [(15_387, 128, 150.0), (7, 3, 9.0), (3, 1, 2.5)]
)
def test_the_last_step_ends_the_last_epoch(examples, batch_size, epochs):
    count = Epochs(examples, batch_size)
    steps = count.steps(epochs)
    found = due(steps, count, epochs=epochs / 3)
    assert found == [count.steps(epochs / 3 * number) for number in (1, 2, 3)]
    assert found[-1] == steps
    assert count.at(steps) == pytest.approx(epochs, abs=batch_size / examples)


def test_by_minutes():
    now = [0.0]
    every = Every(0, 2.0, 0.0, EPOCHS, clock=lambda: now[0])
    found = []
    for now[0] in (0.0, 60.0, 119.0, 121.0, 240.0, 241.0):
        found.append(every.is_due(1))
    assert found == [False, False, False, True, False, True]


def test_the_minutes_do_not_count_for_a_step_again():
    now = [0.0]
    every = Every(4, 2.0, 0.0, EPOCHS, clock=lambda: now[0])
    found = []
    for now[0], step in ((0.0, 3), (130.0, 4), (131.0, 5), (250.0, 6)):
        found.append(every.is_due(step))
    assert found == [False, True, False, True]


def test_an_epoch_has_ended():
    assert [EPOCHS.ended(step) for step in range(6)] == [None, None, 1.0, None, None, 2.0]
    assert EPOCHS.describe(700, " of 900") == "Step 700 of 900 (epoch 280.0)"
