"""The flags of the commands that translate a part of a clip."""

from absl import flags

START = flags.DEFINE_string("start", "0", "Start of a clip's part: seconds or HH:MM:SS.s.")
DURATION = flags.DEFINE_string(
    "duration", None, "Length of a clip's part: seconds or HH:MM:SS.s; by default the rest."
)
