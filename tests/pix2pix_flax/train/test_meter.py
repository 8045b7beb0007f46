import time

import jax.numpy as jnp
import pytest

from pix2pix_flax.train.meter import DivergedError, Meter, check_finite


def test_means_and_speed():
    meter = Meter(batch_size=8)
    meter.add({"gen/l1": jnp.float32(1), "gen/gan": jnp.float32(-2)}, waited=0.01)
    meter.add({"gen/l1": jnp.float32(3), "gen/gan": jnp.float32(-4)}, waited=0.02)
    time.sleep(0.1)
    means = meter.means()
    assert (means["gen/l1"], means["gen/gan"]) == (2, -3)
    seconds = 16 / means["speed/images_per_second"]
    assert 0.1 <= seconds < 5
    assert means["speed/input_wait_share"] == pytest.approx(0.03 / seconds)


def test_restart_forgets():
    meter = Meter(batch_size=8)
    meter.add({"gen/l1": jnp.float32(1)}, waited=100.0)
    meter.restart()
    assert meter.means() == {}
    meter.add({"gen/l1": jnp.float32(5)}, waited=0.0)
    means = meter.means()
    assert means["gen/l1"] == 5
    assert means["speed/input_wait_share"] == 0


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_one_bad_step_among_many_is_named(value):
    meter = Meter(batch_size=1)
    meter.add({"gen/l1": jnp.float32(1), "disc/loss": jnp.float32(1)}, waited=0.0)
    meter.add({"gen/l1": jnp.float32(1), "disc/loss": jnp.float32(value)}, waited=0.0)
    meter.add({"gen/l1": jnp.float32(1), "disc/loss": jnp.float32(1)}, waited=0.0)
    with pytest.raises(DivergedError, match=r"No longer finite: disc/loss\.") as error:
        meter.means()
    assert "learning_rate" in str(error.value)


def test_bad_arrays_are_named():
    nets = {"gen": {"kernel": jnp.ones((2, 2)), "count": jnp.int32(3)}, "disc": jnp.zeros(3)}
    check_finite(nets)
    nets["gen"]["kernel"] = nets["gen"]["kernel"].at[1, 1].set(jnp.nan)
    with pytest.raises(DivergedError, match=r"No longer finite: gen\.kernel\."):
        check_finite(nets)
    many = {str(index): jnp.float32("inf") for index in range(7)}
    with pytest.raises(DivergedError, match=r"0, 1, 2, 3, 4 and 2 more\."):
        check_finite(many)
