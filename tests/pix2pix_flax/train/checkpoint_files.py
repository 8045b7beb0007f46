"""Reads the checkpoints of a training without the project's code."""

import json

import jax
import numpy as np
import orbax.checkpoint as ocp


def steps(workdir):
    return sorted(int(path.name) for path in (workdir / "checkpoints").iterdir())


def arrays(workdir, step):
    """All arrays of a checkpoint by name, read without our code."""
    folder = workdir / "checkpoints" / str(step) / "state"
    with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as reader:
        tree = reader.metadata(folder).item_metadata.tree
        as_numpy = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), tree)
        state = reader.restore(folder, args=ocp.args.PyTreeRestore(restore_args=as_numpy))
    return {jax.tree_util.keystr(p): leaf for p, leaf in jax.tree_util.tree_leaves_with_path(state)}


def run_data(workdir, step):
    return json.loads((workdir / "checkpoints" / str(step) / "run" / "metadata").read_text())


def assert_same_arrays(workdir, other, step):
    """Checks that two runs have equal arrays at a step, bit for bit."""
    one, two = arrays(workdir, step), arrays(other, step)
    assert one.keys() == two.keys()
    for name, value in one.items():
        assert np.array_equal(value, two[name]), name
    assert run_data(workdir, step)["data"] == run_data(other, step)["data"]
