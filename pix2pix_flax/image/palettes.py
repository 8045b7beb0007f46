"""Classes of label maps: their names, their colours and their ids.

Everywhere in this package a label map is a picture in the colours of its palette. Maps of ids are
coloured where they are read.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from cartoon_tfds.errors import UserError

VOID = "void"
Entry = tuple[str, tuple[int, int, int], tuple[int, ...]]


@dataclasses.dataclass(frozen=True)
class Palette:
    """Classes, numbered from 0, and after the last one void: pixels that belong to none.

    Attributes:
      entries: for each class, void last, its name, its colour (RGB, 0..255), and the ids that stand
        for it in maps of ids.
    """

    entries: tuple[Entry, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes, without void."""
        return tuple(name for name, _, _ in self.entries[:-1])

    @property
    def colours(self) -> np.ndarray:
        """The colours of the classes and of void, uint8 [classes + 1, 3]."""
        return np.array([colour for _, colour, _ in self.entries], np.uint8)

    @property
    def void(self) -> int:
        """The number of void, which equals the number of classes."""
        return len(self.entries) - 1

    @property
    def has_ids(self) -> bool:
        """Whether label maps hold ids; else they are pictures in the palette's colours."""
        return any(ids for _, _, ids in self.entries)

    def colour_ids(self, ids: np.ndarray) -> np.ndarray:
        """Returns uint8 RGB [..., 3] for ids uint8 [...]; ids that no class has become void."""
        table = np.full((256, 3), self.colours[self.void], np.uint8)
        for _, colour, numbers in self.entries[:-1]:
            table[list(numbers)] = colour
        return table[ids]


def make_palette(entries: Sequence[Sequence]) -> Palette:
    """Makes the palette of `config.data.palette`.

    Args:
      entries: a name, a colour and the ids of each class; one of them is named `void`.

    Raises:
      UserError: naming the class and its mistake.
    """
    classes = [_entry(*entry) for entry in entries]
    void = [entry for entry in classes if entry[0] == VOID]
    if len(void) != 1 or len(classes) < 3:
        raise UserError("config.data.palette must have two classes or more, and one named 'void'.")
    for field, values in (
        ("name", [name for name, _, _ in classes]),
        ("colour", [colour for _, colour, _ in classes]),
        ("id", [number for _, _, ids in classes for number in ids]),
    ):
        if twice := [value for value in values if values.count(value) > 1]:
            raise UserError(f"config.data.palette has the {field} {twice[0]!r} twice.")
    return Palette((*(entry for entry in classes if entry not in void), *void))


def _entry(name: str, colour: Sequence[int], ids: Sequence[int]) -> Entry:
    if len(colour) != 3 or not all(0 <= level <= 255 for level in (*colour, *ids)):
        raise UserError(
            f"config.data.palette: {name!r} must have a colour of three levels and ids, all in "
            f"0..255, not {tuple(colour)} and {tuple(ids)}."
        )
    return name, tuple(colour), tuple(ids)
