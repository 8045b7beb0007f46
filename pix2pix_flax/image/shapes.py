"""A check of shapes: without it, arrays of different shapes may broadcast without an error."""


def check_equal(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    """Raises a ValueError unless two shapes are equal."""
    if a != b:
        raise ValueError(f"the shapes must be equal, not {a} and {b}")
