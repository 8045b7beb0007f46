"""The kind of flag whose value is a path: `~` at its start is the home folder.

    _OUTPUT = flags.DEFINE(PATH, "output", None, "File to write.")

Shells replace `~` in `--output ~/x` but not in `--output=~/x`, and would leave a folder called `~`.
"""

from absl import flags

from cartoon_tfds.files import expand_home


class _PathParser(flags.ArgumentParser):
    """Parses a path to a str."""

    def parse(self, argument: str) -> str:
        if not argument:  # `--output=$FOLDER` of a variable that is not set
            raise ValueError("the path is empty")
        return expand_home(argument)

    def flag_type(self) -> str:
        return "path"


PATH = _PathParser()
"""The first argument of `flags.DEFINE` and `flags.DEFINE_multi`."""
