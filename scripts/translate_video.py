"""Translates a video with a trained network.

    python scripts/translate_video.py --checkpoint=DIR --input=FILE --output=FILE

Every frame, its timestamp and the audio are kept. An exported network runs without JAX, on the CPU:
`--engine=onnxruntime --checkpoint=FILE.onnx`.
"""

from absl import flags

from pix2pix_flax.cli import command, translation_flags
from pix2pix_flax.inference.video.codecs import CODECS, PRESETS

_INPUT = flags.DEFINE_string("input", None, "Video file.")
_OUTPUT = flags.DEFINE_string("output", None, "File ending in .mp4, .mkv or .mov.")
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace the output if it is there already.")
_START = flags.DEFINE_string("start", "0", "Where to begin: seconds or HH:MM:SS.s.")
_DURATION = flags.DEFINE_string(
    "duration", None, "How much of it, likewise; by default all the rest."
)
_MAX_HEIGHT = flags.DEFINE_integer(
    "max_height", None, "Scale higher frames down to so many pixels first.", lower_bound=2
)
_SIDE_BY_SIDE = flags.DEFINE_bool("side_by_side", False, "Show the source left of the result.")
_TEMPORAL = flags.DEFINE_bool(
    "temporal",
    False,
    "Blend frames along their motion: steadier where the source does not change.",
)
_CODEC = flags.DEFINE_enum("codec", "h264", list(CODECS), "What the result is encoded as.")
_CRF_RANGES = "; ".join(
    f"{name} {codec.crf_range[0]} to {codec.crf_range[1]}, by default {codec.crf}"
    for name, codec in CODECS.items()
)
_CRF = flags.DEFINE_integer("crf", None, f"Quality, smaller is better: {_CRF_RANGES}.")
_PRESET = flags.DEFINE_enum(
    "preset", "veryfast", PRESETS, "Speed of encoding: slower presets make smaller files."
)


def main(argv: list[str]) -> None:
    """Translates the video that the flags name."""
    del argv
    # Imported here: a wrong flag is told at once.
    from pix2pix_flax.inference.video import translate_video
    from pix2pix_flax.inference.video.temporal import TemporalBlend

    translate = translation_flags.make_translator()
    report = translate_video(
        translate,
        _INPUT.value,
        _OUTPUT.value,
        batch_size=translation_flags.BATCH_SIZE.value,
        start=_START.value,
        duration=_DURATION.value,
        max_height=_MAX_HEIGHT.value,
        side_by_side=_SIDE_BY_SIDE.value,
        blend=TemporalBlend() if _TEMPORAL.value else None,
        codec=_CODEC.value,
        crf=_CRF.value,
        preset=_PRESET.value,
        overwrite=_OVERWRITE.value,
    )
    print(report)
    if translate.summary:
        print(translate.summary)


if __name__ == "__main__":
    flags.adopt_module_key_flags(translation_flags)
    flags.mark_flags_as_required(["checkpoint", "input", "output"])
    command.run(main)
