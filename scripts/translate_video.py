"""Translates a video with a trained network.

    python scripts/translate_video.py --checkpoint=DIR --input=FILE --output=FILE

Every frame, its timestamp and the audio are kept; the output is H.264. An exported network runs
without JAX, on the CPU: `--engine=onnxruntime --checkpoint=FILE.onnx`.
"""

from collections.abc import Callable

import numpy as np
from absl import flags

from pix2pix_flax import command_line

_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "Folder of a training run, or for onnxruntime a .onnx file.", required=True
)
_ENGINE = flags.DEFINE_enum("engine", "jax", ["jax", "onnxruntime"], "What runs the network.")
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
    from pix2pix_flax.inference.video import translate_video

    report = translate_video(
        _load(_CHECKPOINT.value, _ENGINE.value),
        _INPUT.value,
        _OUTPUT.value,
        batch_size=_BATCH_SIZE.value,
        crf=_CRF.value,
        preset=_PRESET.value,
        overwrite=_OVERWRITE.value,
    )
    rate = report.frames / report.seconds
    print(f"{report.destination}: {report.frames} frames, {rate:.1f} frames/s")


def _load(checkpoint: str, engine: str) -> Callable[[np.ndarray], np.ndarray]:
    if engine == "jax":
        from pix2pix_flax.inference.predictor import load_predictor

        return load_predictor(checkpoint)
    from pix2pix_flax.inference.exported import load_exported

    if not checkpoint.endswith(".onnx"):
        raise ValueError(
            f"--engine=onnxruntime runs .onnx files (scripts/export_generator.py), not {checkpoint}"
        )
    return load_exported(checkpoint)


if __name__ == "__main__":
    command_line.run(main)
