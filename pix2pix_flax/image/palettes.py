"""Classes of label maps: their names, colours and ids.

Everywhere in this package a label map is an RGB image in the colours of its palette. A map of ids
is coloured as soon as it is read.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from cartoon_tfds.errors import UserError

VOID = "void"
Entry = tuple[str, tuple[int, int, int], tuple[int, ...]]


@dataclasses.dataclass(frozen=True)
class Palette:
    """Classes, numbered from 0, and as the last one void, for pixels that belong to no class.

    Attributes:
      entries: name, colour (RGB, 0..255) and ids of each class, void last; the ids are the values
        of its pixels in maps of ids.
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
        """Whether label maps hold ids; else they are images in the palette's colours."""
        return any(ids for _, _, ids in self.entries)

    def colour_ids(self, ids: np.ndarray) -> np.ndarray:
        """Returns the colours of ids uint8 [...], RGB uint8 [..., 3]; unknown ids become void."""
        table = np.full((256, 3), self.colours[self.void], np.uint8)
        for _, colour, numbers in self.entries[:-1]:
            table[list(numbers)] = colour
        return table[ids]


def make_palette(entries: Sequence[Sequence]) -> Palette:
    """Makes the palette of `config.data.palette`.

    Args:
      entries: name, colour and ids of each class; one of the classes is named `void`.

    Raises:
      UserError: if `void` is missing, fewer than two classes remain, a colour or an id is invalid,
        or a name, colour or id occurs twice.
    """
    classes = [_entry(*entry) for entry in entries]
    void = [entry for entry in classes if entry[0] == VOID]
    if len(void) != 1 or len(classes) < 3:
        raise UserError(
            "config.data.palette must have two classes or more, and one more named 'void'."
        )
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
