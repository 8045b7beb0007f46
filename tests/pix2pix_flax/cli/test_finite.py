"""Numbers of flags are finite, and within their bounds."""

import pytest
from absl import flags

from pix2pix_flax.cli.finite import Finite


@pytest.fixture
def parse():
    """Parses `--seconds=TEXT`."""
    values = flags.FlagValues()
    flags.DEFINE(Finite(lower_bound=0.1), "seconds", 1.0, "Seconds.", flag_values=values)

    def parsed(text):
        values(["command", f"--seconds={text}"])
        return values.seconds

    return parsed


def test_a_number(parse):
    assert parse("2.5") == 2.5


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999", "0.01", "two"])
def test_other_values_are_refused(parse, text):
    with pytest.raises(flags.IllegalFlagValueError, match="--seconds"):
        parse(text)
