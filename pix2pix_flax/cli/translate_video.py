"""Translates a video with a trained network, or with a style of OpenCV.

    python scripts/translate_video.py --checkpoint=DIR --input=FILE --output=FILE

Every frame, its timestamp and the audio are kept. `--engine=onnxruntime --checkpoint=FILE.onnx`
runs an exported network on the CPU, without JAX. `--checkpoint=opencv:ink` draws in the style `ink`
without a network.
"""

from absl import flags

from pix2pix_flax.cli import part_flags, translation_flags
from pix2pix_flax.cli.paths import PATH
from pix2pix_flax.inference.video.audio import AUDIO_MODES
from pix2pix_flax.inference.video.codecs import CODECS, PRESETS

REQUIRED = ("checkpoint", "input")
WORDS_FLAG = "input"
flags.adopt_module_key_flags(translation_flags)
flags.adopt_module_key_flags(part_flags)
_INPUT = flags.DEFINE(PATH, "input", None, "Video file to read, also without --input.")
_OUTPUT = flags.DEFINE(
    PATH,
    "output",
    None,
    "File to write, ending in .mp4, .mkv or .mov; by default clip-cartoon.mp4 beside clip.mp4.",
)
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace the output if it exists.")
_MAX_HEIGHT = flags.DEFINE_integer(
    "max_height",
    None,
    "Before translation, scale higher frames down to this many pixels.",
    lower_bound=2,
)
_SIDE_BY_SIDE = flags.DEFINE_bool(
    "side_by_side", False, "Show the source to the left of the result."
)
_TEMPORAL = flags.DEFINE_bool(
    "temporal",
    False,
    "Blend each frame with the last result along the motion, which reduces flicker.",
)
_CODEC = flags.DEFINE_enum("codec", "h264", list(CODECS), "Video codec of the result.")
_CRF_RANGES = "; ".join(
    f"{name} {codec.crf_range[0]} to {codec.crf_range[1]}, by default {codec.crf}"
    for name, codec in CODECS.items()
)
_CRF = flags.DEFINE_integer("crf", None, f"Quality, smaller is better: {_CRF_RANGES}.")
_PRESET = flags.DEFINE_enum(
    "preset", "veryfast", PRESETS, "Encoding speed; slower presets make smaller files."
)
_AUDIO = flags.DEFINE_enum(
    "audio",
    "copy",
    AUDIO_MODES,
    "copy: audio unchanged where the output can hold it, else encoded as AAC; aac: always encoded; "
    "none: no audio.",
)


def main(argv: list[str]) -> None:
    """Translates the video that the flags name."""
    del argv
    # Imported here, so that a wrong flag fails at once.
    from pix2pix_flax.inference.video import VideoOptions, translate_video
    from pix2pix_flax.inference.video.temporal import TemporalBlend

    options = VideoOptions(
        batch_size=translation_flags.BATCH_SIZE.value,
        start=part_flags.START.value,
        duration=part_flags.DURATION.value,
        max_height=_MAX_HEIGHT.value,
        side_by_side=_SIDE_BY_SIDE.value,
        codec=_CODEC.value,
        crf=_CRF.value,
        preset=_PRESET.value,
        audio=_AUDIO.value,
        overwrite=_OVERWRITE.value,
    )
    translate = translation_flags.make_translator()
    blend = TemporalBlend() if _TEMPORAL.value else None
    report = translate_video(translate, _INPUT.value, _OUTPUT.value, options, blend=blend)
    print(report)
    if translate.summary:
        print(translate.summary)
