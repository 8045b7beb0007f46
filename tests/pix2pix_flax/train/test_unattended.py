"""Trainings that nobody watches: their end, their pictures, what stays, and what goes wrong."""

import json
import logging
import signal

import jax
import numpy as np
import pytest
from PIL import Image

from pix2pix_flax.checkpoint.manager import Checkpoints
from pix2pix_flax.steps.state import NetState, TrainState
from pix2pix_flax.train import Trainer, train
from pix2pix_flax.train.meter import DivergedError
from pix2pix_flax.train.stop import OUT_OF_TIME, StopRequest

FOREVER = 10**9


def steps(workdir):
    return sorted(int(path.name) for path in (workdir / "checkpoints").iterdir())


def metrics(workdir, step):
    return json.loads((workdir / "checkpoints" / str(step) / "metrics" / "metrics").read_text())


def test_a_run_ends_with_its_hours_and_goes_on(smoke_config, tmp_path, caplog):
    config = smoke_config(
        "supervised",
        train__steps=FOREVER,
        train__log_every_steps=FOREVER,
        train__eval_every_steps=FOREVER,
        train__max_hours=1e-6,
    )
    assert train(config, tmp_path) == OUT_OF_TIME
    assert steps(tmp_path) == [1]  # at least one step, or it would never end
    trainer = Trainer(config, tmp_path)
    with caplog.at_level(logging.INFO, "pix2pix_flax"), StopRequest(4 / 3600) as stop:
        assert not trainer.run(stop)
    trainer.close()
    second, last = steps(tmp_path)[-2:]
    assert second == 2  # saved at once, to know how long that takes
    assert last > 3
    assert caplog.messages[-1] == (
        f"Stopped as config.train.max_hours are over; saved step {last} of {FOREVER}."
    )


def test_the_end_of_a_training_is_not_called_the_end_of_time(smoke_config, tmp_path):
    assert train(smoke_config("supervised", train__max_hours=1.0), tmp_path) == 0
    assert steps(tmp_path) == [1, 4, 8]


def test_a_signal_ends_the_evaluation(smoke_config, tmp_path, monkeypatch):
    trainer = Trainer(smoke_config("supervised", train__eval_examples=12), tmp_path)
    eval_step, calls = trainer.validation.eval_step, []

    def interrupted(*arguments):
        calls.append(None)
        signal.raise_signal(signal.SIGTERM)
        return eval_step(*arguments)

    trainer.validation.eval_step = interrupted
    with StopRequest() as stop:
        assert not trainer.run(stop)
    trainer.close()
    assert len(calls) == 1  # of three batches
    assert steps(tmp_path) == [4]
    assert metrics(tmp_path, 4) == {}


def test_previews_between_evaluations(smoke_config, tmp_path):
    config = smoke_config("supervised", train__preview_every_minutes=1e-9, train__panel_examples=3)
    assert train(config, tmp_path) == 0
    names = [path.name for path in sorted((tmp_path / "previews").iterdir())]
    ends = ["" if step != 5 else "-epoch001" for step in range(1, 9)]  # 20 examples, batches of 4
    assert names == [f"panel-{step:08d}{end}.png" for step, end in enumerate(ends, start=1)]
    pictures = [np.asarray(Image.open(tmp_path / "previews" / name)) for name in names]
    # Captions, and three rows of input | target | output, with white between them.
    assert {picture.shape for picture in pictures} == {(64 + 3 * 36, 3 * 32 + 2 * 4, 3)}
    assert np.array_equal(pictures[0][:, :72], pictures[-1][:, :72])  # always the same examples
    assert not np.array_equal(pictures[0][:, 72:], pictures[-1][:, 72:])


def test_without_minutes_previews_come_with_evaluations(smoke_config, tmp_path):
    train(smoke_config("supervised"), tmp_path)
    names = [path.name for path in sorted((tmp_path / "previews").iterdir())]
    assert names == ["panel-00000004.png", "panel-00000008.png"]


def test_checkpoints_that_stay(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=1, best_metric="l1", keep_every_minutes=0.5 / 60)
    key = jax.random.key(0)
    for step in range(1, 8):
        net = NetState({"w": np.zeros(1)}, {}, {})
        checkpoints.save(TrainState(np.int32(step), key, {"gen": net}, {}), {}, {})
        checkpoints.wait()
    quick = steps(tmp_path)
    checkpoints.close()
    assert quick[0] == 1
    assert quick[-1] == 7


def test_minutes_save_between_evaluations(smoke_config, tmp_path):
    config = smoke_config("supervised", train__keep_every_minutes=1e-9)
    assert train(config, tmp_path) == 0
    assert steps(tmp_path) == [1, 2, 3, 4, 5, 6, 7, 8]


def not_finite_at(trainer, calls_that_fail):
    """Lets the trainer's step return losses that are not finite, at some of its calls.

    Returns the inputs of all steps, a list that grows.
    """
    train_step, inputs = trainer.train_step, []

    def step(state, batch, frozen):
        inputs.append(np.asarray(batch["input"]))
        state, found = train_step(state, batch, frozen)
        if len(inputs) in calls_that_fail:
            found = {name: value + np.nan for name, value in found.items()}
        return state, found

    trainer.train_step = step
    return inputs


def test_not_finite_goes_back_and_on_with_other_batches(smoke_config, tmp_path, caplog):
    trainer = Trainer(smoke_config("supervised", train__log_every_steps=1), tmp_path)
    rng, batches = trainer.state.rng, not_finite_at(trainer, {6})
    with caplog.at_level(logging.WARNING, "pix2pix_flax"), StopRequest() as stop:
        assert trainer.run(stop)
    trainer.close()
    assert [m for m in caplog.messages if m.endswith("Back to step 4 with other batches.")]
    assert (trainer.rollbacks, int(trainer.state.step), len(batches)) == (1, 8, 10)
    assert not any(np.array_equal(batch, batches[4]) for batch in batches[6:])
    assert not np.array_equal(jax.random.key_data(rng), jax.random.key_data(trainer.state.rng))
    assert steps(tmp_path) == [4, 8]


def test_a_step_that_was_given_up_owes_no_scores(smoke_config, tmp_path, caplog):
    trainer = Trainer(smoke_config("supervised"), tmp_path)
    step, calls = trainer.train_step, []

    def stopped_and_not_finite(state, batch, frozen):
        state, found = step(state, batch, frozen)
        calls.append(1)
        if len(calls) == 8:  # at an evaluation, which a signal prevents
            signal.raise_signal(signal.SIGTERM)
            state = jax.tree.map(lambda x: x + np.nan if x.dtype == np.float32 else x, state)
        return state, found

    trainer.train_step = stopped_and_not_finite
    with caplog.at_level(logging.WARNING, "pix2pix_flax"), StopRequest() as stop:
        assert not trainer.run(stop)
    trainer.close()
    assert [m for m in caplog.messages if m.endswith("Back to step 4 with other batches.")]
    assert not [m for m in caplog.messages if "whose scores the same command adds" in m]
    assert steps(tmp_path) == [4, 5]


@pytest.mark.parametrize(("limit", "expected"), [(0, 5), (2, 7)])
def test_not_finite_again_and_again_is_an_error(limit, expected, smoke_config, tmp_path):
    config = smoke_config("supervised", train__log_every_steps=1, train__max_rollbacks=limit)
    trainer = Trainer(config, tmp_path)
    inputs = not_finite_at(trainer, range(5, 100))
    with StopRequest() as stop, pytest.raises(DivergedError, match="No longer finite: gen/"):
        trainer.run(stop)
    trainer.close()
    assert len(inputs) == expected
    assert steps(tmp_path) == [4]


def test_not_finite_before_the_first_checkpoint_is_an_error(smoke_config, tmp_path):
    trainer = Trainer(smoke_config("supervised"), tmp_path)
    not_finite_at(trainer, {2})
    with StopRequest() as stop, pytest.raises(DivergedError):
        trainer.run(stop)
    trainer.close()
    assert trainer.rollbacks == 1
