"""Untrained networks to export, and the comparison of their images."""

import importlib.util
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data

from pix2pix_flax.checkpoint.manager import Checkpoints
from pix2pix_flax.models.unet import Unet
from pix2pix_flax.tasks.factory import make_task
from tests.commands import ROOT, run_command
from tests.plain import get_config

COFFEE = skimage.data.coffee()
PHOTOGRAPHS = [COFFEE[:60, :80], skimage.data.chelsea()[50:110, 50:130]]
SIZES = ((1, 1), (5, 7), (16, 9), (8, 8))
RUNTIMES = {"onnx": ("onnx", "onnxruntime"), "stablehlo": ("flatbuffers",), "safetensors": ()}


def with_runtime(name, *values):
    """A parameter that is skipped where the format's packages are not installed."""
    missing = [package for package in RUNTIMES[name] if importlib.util.find_spec(package) is None]
    mark = pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} not installed")
    return pytest.param(name, *values, marks=mark)


ALONE = [with_runtime("onnx"), with_runtime("stablehlo")]
ALL = [*ALONE, with_runtime("safetensors")]


def cut(count, height, width):
    """Pieces of a photograph, uint8 [count, height, width, 3]."""
    return np.stack([COFFEE[20 * i :, 60 * i :][:height, :width] for i in range(count)])


def roughened(variables):
    """Weights as far from their start as those of a trained network."""
    rng = np.random.default_rng(0)

    def move(path, leaf):
        noise = 0.1 * rng.standard_normal(leaf.shape)
        is_variance = path[-1].key == "var"
        return jnp.asarray(leaf + (np.abs(noise) if is_variance else noise), jnp.float32)

    return jax.tree_util.tree_map_with_path(move, variables)


def difference(a, b):
    assert a.dtype == b.dtype == np.uint8
    assert a.shape == b.shape
    return np.abs(a.astype(int) - b).max()


def make_unet(depth, upsample, norm, **settings):
    """Returns a small U-Net, its variables and its function of uint8 images."""
    module = Unet(depth, 4, 3, norm, upsample, 0.0, **settings)
    start = jax.jit(lambda: module.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)), train=False))()

    def forward(variables, images):
        return module.apply(variables, images / 127.5 - 1.0, train=False)

    return module, roughened(start), forward


def save_untrained(workdir, **changes):
    """Saves an untrained network, with `config.generator` and other fields changed."""
    config = get_config("smoke")
    config.update_from_flattened_dict({k.replace("__", "."): v for k, v in changes.items()})
    batch = {name: np.zeros((2, 40, 40, 3), np.uint8) for name in ("input", "target")}
    state = jax.jit(make_task(config, 1).init)(jax.random.key(0), batch)
    average = state.nets["gen_ema"]
    moved = roughened({"params": average.params, "model_state": average.model_state})
    state = state.replace(nets={**state.nets, "gen_ema": average.replace(**moved)})
    checkpoints = Checkpoints(workdir, keep=1, best_metric="l1")
    checkpoints.save(state, {"config": config.to_dict()}, {})
    checkpoints.close()
    return workdir


def run_script(script, *flags, before="", env=None):
    """Runs a script after a few lines of Python; returns its exit code and its output.

    With an environment `env` the libraries are imported anew.
    """
    program = f"import runpy, sys\n{before}\nrunpy.run_path(sys.argv[0], run_name='__main__')"
    command = "-c", f"import sys\nsys.argv = sys.argv[1:]\n{program}", f"scripts/{script}", *flags
    if env is None:
        done = run_command(*command)
    else:
        done = subprocess.run(
            [sys.executable, *command],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env=env,
        )
    return done.returncode, done.stdout, done.stderr
