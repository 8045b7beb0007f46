"""A check of shapes, since arrays of different shapes broadcast without an error."""


def check_equal(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    """Raises a ValueError unless two shapes are equal."""
    if a != b:
        raise ValueError(f"the shapes must be equal, not {a} and {b}")
