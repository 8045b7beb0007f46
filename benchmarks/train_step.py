"""Times a training step of the paper's networks against a plain PyTorch pix2pix, in one run.

    pip install -e '.[benchmark]'
    python -m benchmarks.train_step

Both take turns on the same machine, so that other load slows both; the result is the ratio of the
medians. Both use the GPU if the machine has one.
"""

import statistics
import time
from collections.abc import Callable

import jax
import numpy as np
import torch
from absl import flags

from benchmarks.torch_pix2pix import Pix2Pix
from configs import paper
from pix2pix_flax.cli import command
from pix2pix_flax.tasks.factory import make_task

_SIZE = flags.DEFINE_integer("size", 256, "Height and width in pixels, a multiple of 256.")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 1, "Examples in a step.")
_DTYPE = flags.DEFINE_enum("dtype", "float32", ["float32", "bfloat16"], "Dtype of the JAX step.")
_TURNS = flags.DEFINE_integer("turns", 5, "Turns of each.")
_STEPS = flags.DEFINE_integer("steps", 4, "Steps in a turn.")


def make_jax_step() -> Callable[[], None]:
    """Makes a function that takes one step of `configs/paper.py` and waits for it."""
    config = paper.get_config()
    with config.unlocked():
        config.dtype = _DTYPE.value
        config.sizes.crop = _SIZE.value
    task = make_task(config, total_steps=1)
    shape = (_BATCH_SIZE.value, _SIZE.value, _SIZE.value, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    batch = jax.device_put({"input": pixels, "target": 255 - pixels})
    state = jax.jit(task.init)(jax.random.key(0), batch)
    params = (jax.tree.leaves(state.nets[name].params) for name in ("gen", "disc"))
    print_counts("JAX", *(sum(leaf.size for leaf in leaves) for leaves in params))
    train_step = jax.jit(task.train_step, donate_argnums=0)

    def step() -> None:
        nonlocal state
        state, metrics = train_step(state, batch)
        jax.block_until_ready((state, metrics))

    return step


def make_torch_step() -> Callable[[], None]:
    """Makes a function that takes one step of the plain PyTorch pix2pix and waits for it."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = Pix2Pix(depth=8, width=64, dropout=0.5, l1_weight=100.0, device=device)
    print_counts("PyTorch", *(sum(p.numel() for p in net.parameters()) for net in model.nets))
    shape = (_BATCH_SIZE.value, 3, _SIZE.value, _SIZE.value)
    inputs = torch.rand(shape, device=device) * 2 - 1
    return lambda: model.step(inputs, -inputs)  # it returns floats, so it has waited for the device


def print_counts(name: str, gen: int, disc: int) -> None:
    """Prints the parameter counts of the networks, which must agree between JAX and PyTorch."""
    print(f"{name}: {gen:,} parameters in G, {disc:,} in D")


def main(argv: list[str]) -> None:
    """Times both and prints the ratio."""
    del argv
    steps = {"JAX": make_jax_step(), "PyTorch": make_torch_step()}
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():  # compilation and first touch
        step()
        step()
    for _ in range(_TURNS.value):
        for name, step in steps.items():
            for _ in range(_STEPS.value):
                start = time.perf_counter()
                step()
                seconds[name].append(time.perf_counter() - start)
    for name, values in seconds.items():
        low, middle, high = min(values), statistics.median(values), max(values)
        print(f"{name}: {1e3 * middle:.0f} ms a step (median; {1e3 * low:.0f} to {1e3 * high:.0f})")
    ratio = statistics.median(seconds["JAX"]) / statistics.median(seconds["PyTorch"])
    print(f"JAX takes {ratio:.2f} times as long as PyTorch.")


if __name__ == "__main__":
    command.run(main)
