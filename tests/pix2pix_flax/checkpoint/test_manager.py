import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from pix2pix_flax.checkpoint.integrity import CheckpointError
from pix2pix_flax.checkpoint.manager import (
    Checkpoints,
    find_checkpoint,
    read_config,
    restore_generator,
)
from pix2pix_flax.sharding import make_mesh, replicated
from pix2pix_flax.steps.state import NetState, TrainState

RUN = {
    "config": {"seed": 3, "sizes": {}, "train": {"best_metric": "l1"}},
    "data": {"position": {"next_index": 12}},
}


def make_net(value, width=8):
    params = {"down": {"kernel": jnp.full((4, width), value), "bias": jnp.full((width,), -value)}}
    statistics = {"batch_stats": {"norm": {"mean": jnp.full((width,), 2 * value)}}}
    return NetState(params, statistics, optax.adam(1e-3).init(params))


def make_state(step, width=8, average=True):
    nets = {"gen": make_net(float(step), width), "disc": make_net(float(step) + 0.25)}
    if average:
        nets["gen_ema"] = make_net(float(step) + 0.5, width).replace(opt_state=())
    return TrainState(jnp.int32(step), jax.random.key(step), nets)


def open_checkpoints(workdir, keep=2, best_metric="l1"):
    return Checkpoints(workdir, keep=keep, best_metric=best_metric)


def save(workdir, metrics_by_step, **options):
    checkpoints = open_checkpoints(workdir, **options)
    for step, metrics in metrics_by_step.items():
        checkpoints.save(make_state(step), RUN, metrics)
    checkpoints.close()


def steps(workdir):
    return sorted(int(path.name) for path in (workdir / "checkpoints").iterdir())


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_equal(a, b):
    def words(leaf):
        is_key = jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        return np.asarray(jax.random.key_data(leaf) if is_key else leaf)

    assert jax.tree.structure(a) == jax.tree.structure(b)
    for one, other in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(words(one), words(other))


def abstract(state, devices=None):
    sharding = replicated(make_mesh(4, devices))
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), state
    )


def restore(workdir, target):
    checkpoints = open_checkpoints(workdir)
    try:
        return checkpoints.restore(target)
    finally:
        checkpoints.close()


def test_everything_comes_back(tmp_path):
    save(tmp_path, {4: {"l1": 0.5}, 8: {"l1": 0.4}})
    restored = restore(tmp_path, abstract(make_state(0)))
    assert_equal(restored.state, make_state(8))
    assert restored.run == RUN
    # The key is a typed one and draws what the saved one would have drawn.
    drawn = jax.random.normal(jax.random.fold_in(restored.state.rng, 8), (3,))
    expected = jax.random.normal(jax.random.fold_in(jax.random.key(8), 8), (3,))
    np.testing.assert_array_equal(drawn, expected)


def test_nothing_to_restore(tmp_path):
    assert restore(tmp_path, make_state(0)) is None


def test_four_devices_to_one_and_back(tmp_path):
    one, four = (abstract(make_state(0), jax.devices()[:count]) for count in (1, 4))
    state = jax.device_put(make_state(4), replicated(make_mesh(4)))
    for workdir, target in ((tmp_path / "a", one), (tmp_path / "b", four)):
        checkpoints = open_checkpoints(workdir)
        checkpoints.save(state, RUN, {})
        checkpoints.close()
        state = restore(workdir, target).state
        devices = [leaf.devices() for leaf in jax.tree.leaves(state)]
        assert devices == [leaf.sharding.device_set for leaf in jax.tree.leaves(target)]
        assert_equal(state, make_state(4))


def test_last_and_best_are_kept(tmp_path):
    save(tmp_path, {1: {"l1": 0.5}, 2: {"l1": 0.1}, 3: {"l1": 0.4}, 4: {"l1": 0.3}, 5: {"l1": 0.2}})
    assert steps(tmp_path) == [2, 4, 5]
    assert find_checkpoint(tmp_path).name == "2"


def test_larger_is_better_for_some_scores(tmp_path):
    run = {"config": {"sizes": {}, "train": {"best_metric": "psnr"}}}
    checkpoints = open_checkpoints(tmp_path, keep=1, best_metric="psnr")
    for step, value in enumerate([20.0, 30.0, 25.0], start=1):
        checkpoints.save(make_state(step), run, {"psnr": value})
    checkpoints.close()
    assert steps(tmp_path) == [2, 3]
    assert find_checkpoint(tmp_path).name == "2"


def test_nan_and_missing_metrics_are_never_best(tmp_path):
    """The order in which Orbax by itself deletes the real best."""
    values = [10, float("nan"), 5, float("-inf"), 7, None, float("nan")]
    for step, value in enumerate(values, start=1):
        # Each in a run of its own: what has been read back from files ranks alike.
        save(tmp_path, {step: {} if value is None else {"l1": value}}, keep=1)
    assert steps(tmp_path) == [3, 7]
    assert find_checkpoint(tmp_path).name == "3"


def test_step_that_is_there_is_left_alone(tmp_path):
    save(tmp_path, {3: {"l1": 0.5}})
    before = contents(tmp_path / "checkpoints" / "3")
    checkpoints = open_checkpoints(tmp_path)
    checkpoints.save(make_state(7).replace(step=jnp.int32(3)), RUN, {"l1": 0.1})
    checkpoints.close()
    assert contents(tmp_path / "checkpoints" / "3") == before


def test_save_is_in_the_background_and_of_the_state_at_that_time(tmp_path):
    checkpoints = open_checkpoints(tmp_path)
    state = make_state(3)
    checkpoints.save(state, RUN, {})
    jax.tree.map(lambda leaf: leaf.delete(), state)  # as donating it to the next step does
    checkpoints.close()
    assert_equal(restore(tmp_path, abstract(make_state(0))).state, make_state(3))


def test_another_network_is_refused_with_the_differing_arrays(tmp_path):
    save(tmp_path, {3: {}})
    before = contents(tmp_path)
    with pytest.raises(CheckpointError, match="was saved from another network") as error:
        restore(tmp_path, make_state(0, width=16))
    wanted = "nets.gen.params.down.kernel is float32[4, 8] instead of float32[4, 16]"
    assert wanted in str(error.value)
    assert "more." in str(error.value)
    with pytest.raises(CheckpointError, match=r"nets.gen_ema.params.down.bias is not wanted"):
        restore(tmp_path, make_state(0, average=False))
    half = make_state(0)
    half = half.replace(nets=jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), half.nets))
    with pytest.raises(CheckpointError, match=r"float32\[8\] instead of bfloat16\[8\]"):
        restore(tmp_path, half)
    assert contents(tmp_path) == before


def test_missing_arrays_are_named(tmp_path):
    checkpoints = open_checkpoints(tmp_path)
    checkpoints.save(make_state(3, average=False), RUN, {})
    checkpoints.close()
    with pytest.raises(CheckpointError, match=r"nets.gen_ema.params.down.kernel is missing"):
        restore(tmp_path, make_state(0))


def test_find_checkpoint(tmp_path):
    save(tmp_path, {1: {"l1": 0.1}, 2: {"l1": 0.2}})
    folder = tmp_path / "checkpoints"
    for path in (tmp_path, str(tmp_path), folder, folder / "1"):
        assert find_checkpoint(path) == folder / "1"
    assert find_checkpoint(folder / "2") == folder / "2"
    for path in (tmp_path / "nowhere", folder / "1" / "state", folder / "7"):
        with pytest.raises(CheckpointError, match=r"nowhere|state|7.* is not a checkpoint"):
            find_checkpoint(path)


def test_latest_where_none_was_evaluated(tmp_path):
    save(tmp_path, {9: {}, 10: {}})
    assert find_checkpoint(tmp_path).name == "10"


def test_read_config(tmp_path):
    save(tmp_path, {1: {}})
    config = read_config(find_checkpoint(tmp_path))
    assert (config.seed, config.train.best_metric) == (3, "l1")
    file = tmp_path / "checkpoints" / "1" / "run" / "metadata"
    file.write_text(json.dumps({"data": {}}))
    with pytest.raises(CheckpointError, match="holds no configuration"):
        read_config(file.parents[1])


@pytest.mark.parametrize("average", [True, False])
def test_restore_generator(tmp_path, average):
    checkpoints = open_checkpoints(tmp_path)
    checkpoints.save(make_state(3, average=average), RUN, {})
    checkpoints.close()
    generator = restore_generator(find_checkpoint(tmp_path))
    assert_equal(generator, make_net(3.5 if average else 3.0).replace(opt_state=()))


def test_restore_generator_of_a_training(trained):
    generator = restore_generator(find_checkpoint(trained))
    leaves = jax.tree.leaves(generator)
    assert {leaf.dtype for leaf in leaves} == {jnp.dtype("float32")}
    assert set(generator.variables) == {"params", "batch_stats"}
    assert all(np.isfinite(leaf).all() for leaf in leaves)
