"""When work is due during a training: every so many steps, minutes or epochs."""

import dataclasses
import time
from collections.abc import Callable

from pix2pix_flax.data.source import count_examples

WORK = ("eval", "preview", "keep")
UNITS = ("steps", "minutes", "epochs")


@dataclasses.dataclass(frozen=True)
class Epochs:
    """The epochs of a training: the times that it has seen all examples.

    An epoch may end in the middle of a batch: the nearest step counts as its end.

    Attributes:
      examples: number of training examples.
      batch_size: examples in a step.
    """

    examples: int
    batch_size: int

    def at(self, step: int) -> float:
        """Returns the epochs that are over after a step, for example 5.2."""
        return step * self.batch_size / self.examples

    def describe(self, step: int, of: str = "") -> str:
        """Returns `Step 700 (epoch 5.2)`, with `of` after the number of the step."""
        return f"Step {step}{of} (epoch {self.at(step):.1f})"

    def steps(self, epochs: float) -> int:
        """Returns the number of steps of so many epochs, rounded."""
        return round(epochs * self.examples / self.batch_size)

    def ended(self, step: int, every: float = 1.0) -> float | None:
        """Returns the multiple of `every` epochs that ends with a step; None if none does."""
        epoch = every * round(self.at(step) / every)
        return epoch if epoch and self.steps(epoch) == step else None


def make_epochs(config) -> Epochs:
    """Returns the epochs of a training; raises a DatasetError if the dataset is missing."""
    data = config.data
    examples = count_examples(data.name, data.train_split, data.data_dir)
    return Epochs(examples, config.train.batch_size)


class Every:
    """Tells when one kind of work is due. Each unit that is not 0 makes it due.

    By steps and by epochs the answer depends on the step alone, so that a resumed run does the
    work at the same steps as an unbroken run.

    Args:
      steps: number of steps between two times.
      minutes: interval of the clock, which starts now. The loop asks once a step, so the time
        between two answers may be longer.
      epochs: number of epochs between two times.
      count: the epochs of the training.
      clock: returns seconds; monotonic.
    """

    def __init__(
        self,
        steps: int,
        minutes: float,
        epochs: float,
        count: Epochs,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._steps, self._seconds, self._epochs, self._count = steps, 60 * minutes, epochs, count
        self._clock, self._last = clock, clock()

    def is_due(self, step: int) -> bool:
        """Returns whether the work is due after a step; asked once after each step."""
        is_time = bool(self._seconds) and self._clock() - self._last >= self._seconds
        if is_time:
            self._last = self._clock()
        return is_time or self.is_moment(step)

    def is_moment(self, step: int) -> bool:
        """Returns whether the work is due after a step by the steps or the epochs."""
        by_steps = bool(self._steps) and step % self._steps == 0
        return by_steps or bool(self._epochs and self._count.ended(step, self._epochs))

    def moments(self, after: int, last: int) -> int:
        """Returns the number of steps over `after`, up to `last`, for which `is_moment` is true."""
        found: set[int] = set()
        if self._steps:
            found.update(range(after + self._steps - after % self._steps, last + 1, self._steps))
        if self._epochs:
            first, end = (round(self._count.at(step) / self._epochs) for step in (after, last))
            ends = (self._count.steps(n * self._epochs) for n in range(first, end + 2))
            found.update(step for step in ends if step > after and self.is_moment(step))
        return sum(step <= last for step in found)


def make_every(train, work: str, epochs: Epochs, clock: Callable[[], float]) -> Every:
    """Returns the schedule of one of `WORK`, from the keys `WORK_every_UNIT` of config.train."""
    return Every(*(train[f"{work}_every_{unit}"] for unit in UNITS), epochs, clock)
