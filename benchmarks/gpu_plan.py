"""Compiles a training step for an H100 on a machine without a GPU, and prints its cost there.

    pip install -e '.[gpu-plan]'
    python -m benchmarks.gpu_plan --config=configs/paper.py --config.dtype=bfloat16

The flags are those of the training. XLA compiles for the GPU that benchmarks/h100.txtpb describes.
It does not try out algorithms of cuDNN, so the memory in which they work is not counted. The times
are lower bounds, to compare two versions of the program: all bytes at the speed of the memory, and
all convolutions at the peak of the tensor cores (TF32 for float32). Training images must be squares
of config.sizes.canvas.
"""

import os
import time
from pathlib import Path

import jax
from absl import flags
from jax.experimental import topologies
from ml_collections import config_flags

from benchmarks import gpu_program, step_program
from pix2pix_flax.cli import command

_CONFIG = config_flags.DEFINE_config_file("config", None, "Configuration file.")
_TEXT = flags.DEFINE_string("text", None, "File to which the compiled program is written.")

_TARGET = Path(__file__).with_name("h100.txtpb")
_BYTES_PER_SECOND = 3.35e12
_FLOPS_PER_SECOND = {"bf16": 989e12, "f32": 494e12}
_OPTIONS = {
    "xla_gpu_autotune_level": 0,  # it tries algorithms out on a device
    "xla_gpu_enable_command_buffer": "",  # a graph of kernels would hide them
    "xla_backend_optimization_level": 0,  # of the code within kernels, which nobody runs
}


def gpus() -> list[jax.Device]:
    """Returns one H100, to compile for."""
    os.environ["JAX_SKIP_CUDA_CONSTRAINTS_CHECK"] = "1"  # which asks for a driver
    target = {"target_config": _TARGET.read_text(), "topology": "1x1x1"}
    return topologies.get_topology_desc("h100", "cuda", **target).devices


def main(argv: list[str]) -> None:
    """Compiles the step and prints its cost."""
    del argv
    start = time.perf_counter()
    compiled = step_program.lower(_CONFIG.value, gpus()).compile(compiler_options=_OPTIONS)
    print(f"compiled in {time.perf_counter() - start:.0f} s")
    text = compiled.as_text()
    if _TEXT.value:
        Path(_TEXT.value).write_text(text)
    memory = compiled.memory_analysis()
    arguments, temporaries = memory.argument_size_in_bytes, memory.temp_size_in_bytes
    print(f"memory: arguments {arguments / 1e6:.0f} MB, temporaries {temporaries / 1e6:.0f} MB")
    cost = gpu_program.cost(text)
    print("kernels:", ", ".join(f"{count} {kind}" for kind, count in sorted(cost.kernels.items())))
    milliseconds = 1e3 * cost.moved / _BYTES_PER_SECOND
    print(f"besides convolutions: {cost.moved / 1e9:.2f} GB, {milliseconds:.2f} ms")
    print(f"of them by products of matrices: {cost.by_products / 1e9:.2f} GB")
    for dtype, count in cost.conv_flops.items():
        milliseconds = 1e3 * count / _FLOPS_PER_SECOND[dtype]
        print(f"convolutions in {dtype}: {count / 1e9:.0f} GFLOP, {milliseconds:.2f} ms")


if __name__ == "__main__":
    flags.mark_flag_as_required("config")
    command.run(main)
