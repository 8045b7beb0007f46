"""Times a training step of pix2pix against the same step in plain PyTorch, in one run.

    pip install -e '.[benchmark]'
    GLIBC_TUNABLES=glibc.malloc.hugetlb=1 python -m benchmarks.train_step
    GLIBC_TUNABLES=glibc.malloc.hugetlb=1 python -m benchmarks.train_step --networks=default

`default` has the networks of `configs/default.py` with RGB in place of the drawing in layers. The
losses are GAN + L1. Each library has a process of its own, for neither's threads may wait beside
the other's work. They take turns on the same machine, so that other load slows both; the result is
the ratio of the medians. Both use the GPU if the machine has one. Trainings set GLIBC_TUNABLES
themselves (pix2pix_flax/cli/huge_pages.py).
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack

import ml_collections
import numpy as np
from absl import flags

from configs import default, paper
from pix2pix_flax.cli import command

_NETWORKS = flags.DEFINE_enum("networks", "paper", ["paper", "default"], "Whose networks.")
_SIZE = flags.DEFINE_integer("size", 256, "Height and width in pixels, a multiple of 256.")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 1, "Examples in a step.")
_DTYPE = flags.DEFINE_enum("dtype", "float32", ["float32", "bfloat16"], "Dtype of the JAX step.")
_TURNS = flags.DEFINE_integer("turns", 5, "Turns of each.")
_STEPS = flags.DEFINE_integer("steps", 4, "Steps in a turn.")

_WARM_UP = 2  # steps: compilation, and the first touch of the memory


def make_config() -> ml_collections.ConfigDict:
    """Returns the configuration of the JAX step; the PyTorch step has the same networks."""
    config = {"paper": paper, "default": default}[_NETWORKS.value].get_config()
    with config.unlocked():
        config.dtype, config.sizes.crop, config.ema_decay = _DTYPE.value, _SIZE.value, 0.0
        config.train.batch_size = _BATCH_SIZE.value
        config.generator.cel_steps = 0
        config.loss_weights.ink = config.loss_weights.gradient = 0.0
    return config


def jax_seconds(config: ml_collections.ConfigDict) -> Iterator[float]:
    """Yields the seconds of one step in JAX after the other."""
    import jax

    from pix2pix_flax.tasks.factory import make_task

    task = make_task(config, total_steps=1)
    shape = (config.train.batch_size, config.sizes.crop, config.sizes.crop, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    batch = jax.device_put({"input": pixels, "target": 255 - pixels})
    state = jax.jit(task.init)(jax.random.key(0), batch)
    params = (jax.tree.leaves(state.nets[name].params) for name in ("gen", "disc"))
    print_counts("JAX", *(sum(leaf.size for leaf in leaves) for leaves in params))
    train_step = jax.jit(task.train_step, donate_argnums=0)
    while True:
        start = time.perf_counter()
        state, metrics = train_step(state, batch)
        jax.block_until_ready((state, metrics))
        yield time.perf_counter() - start


def torch_seconds(config: ml_collections.ConfigDict) -> Iterator[float]:
    """Yields the seconds of one step in plain PyTorch after the other."""
    import torch

    from benchmarks.torch_pix2pix import Pix2Pix

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = Pix2Pix(config, device)
    print_counts("PyTorch", *(sum(p.numel() for p in net.parameters()) for net in model.nets))
    shape = (config.train.batch_size, 3, config.sizes.crop, config.sizes.crop)
    inputs = torch.rand(shape, device=device) * 2 - 1
    while True:
        start = time.perf_counter()
        model.step(inputs, -inputs)  # it returns floats, so it has waited for the device
        yield time.perf_counter() - start


def print_counts(name: str, gen: int, disc: int) -> None:
    """Prints the parameter counts of the networks, which must agree between JAX and PyTorch."""
    print(f"{name}: {gen:,} parameters in G, {disc:,} in D")


class Steps:
    """The steps of a library, in the process that this one is in."""

    seconds: Iterator[float]

    @classmethod
    def prepare(cls, kind: Callable, config: ml_collections.ConfigDict) -> None:
        """Takes the first steps."""
        cls.seconds = kind(config)
        cls.take(_WARM_UP)

    @classmethod
    def take(cls, count: int) -> list[float]:
        """Takes so many steps; returns the seconds of each."""
        return [next(cls.seconds) for _ in range(count)]


def main(argv: list[str]) -> None:
    """Times both and prints the ratio."""
    del argv
    kinds, context = {"JAX": jax_seconds, "PyTorch": torch_seconds}, ExitStack()
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    with context:
        start = multiprocessing.get_context("spawn")
        pools = {
            name: context.enter_context(ProcessPoolExecutor(1, mp_context=start)) for name in kinds
        }
        for name, pool in pools.items():
            pool.submit(Steps.prepare, kinds[name], make_config()).result()
        for _ in range(_TURNS.value):
            for name, pool in pools.items():
                seconds[name] += pool.submit(Steps.take, _STEPS.value).result()
    for name, values in seconds.items():
        low, middle, high = min(values), statistics.median(values), max(values)
        print(f"{name}: {1e3 * middle:.0f} ms a step (median; {1e3 * low:.0f} to {1e3 * high:.0f})")
    ratio = statistics.median(seconds["JAX"]) / statistics.median(seconds["PyTorch"])
    print(f"JAX takes {ratio:.2f} times as long as PyTorch.")


if __name__ == "__main__":
    command.run(main)
