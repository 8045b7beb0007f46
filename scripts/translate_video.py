"""Translates a video with a trained network.

    python scripts/translate_video.py --checkpoint=DIR --input=FILE --output=FILE

Every frame, its timestamp and the audio are kept; the output is H.264.
"""

from absl import flags

from pix2pix_flax import command_line

_CHECKPOINT = flags.DEFINE_string("checkpoint", None, "Folder of a training run.", required=True)
_INPUT = flags.DEFINE_string("input", None, "Video file.", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "File ending in .mp4, .mkv or .mov.", required=True)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 4, "Frames per step.", lower_bound=1)
_CRF = flags.DEFINE_integer(
    "crf", 18, "Quality of x264, 0 (lossless) to 51.", lower_bound=0, upper_bound=51
)
_PRESET = flags.DEFINE_enum(
    "preset",
    "veryfast",
    ["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"],
    "Speed of x264: slower presets make smaller files.",
)
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace the output if it is there already.")


def main(argv: list[str]) -> None:
    """Translates the video that the flags name."""
    del argv
    # Imported here: a wrong flag is told at once, not after the seconds that JAX takes to load.
    from pix2pix_flax.inference.predictor import load_predictor
    from pix2pix_flax.inference.video import translate_video

    report = translate_video(
        load_predictor(_CHECKPOINT.value),
        _INPUT.value,
        _OUTPUT.value,
        batch_size=_BATCH_SIZE.value,
        crf=_CRF.value,
        preset=_PRESET.value,
        overwrite=_OVERWRITE.value,
    )
    rate = report.frames / report.seconds
    print(f"{report.destination}: {report.frames} frames, {rate:.1f} frames/s")


if __name__ == "__main__":
    command_line.run(main)
