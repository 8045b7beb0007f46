"""Networks that compute twice to keep less: the same values, and less memory."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import l1, resnet
from pix2pix_flax.models.resnet_generator import ResnetGenerator
from pix2pix_flax.models.unet import Unet
from pix2pix_flax.tasks.factory import make_task
from tests import plain

SHARED = {"out_channels": 3, "norm": "batch", "dropout": 0.5}
NETWORKS = {
    "unet": Unet(depth=3, width=8, upsample="transpose", **SHARED),
    "resnet": ResnetGenerator(blocks=2, width=8, upsample="resize", **SHARED),
}


@pytest.mark.parametrize("name", ["unet", pytest.param("resnet", marks=pytest.mark.long)])
def test_values_and_gradients_are_the_same(name):
    images = jax.random.uniform(jax.random.key(0), (2, 24, 16, 3), minval=-1)

    def run(module):
        variables = module.init({"params": jax.random.key(1)}, images, train=True)

        def loss(params):
            output, moved = module.apply(
                {**variables, "params": params},
                images,
                train=True,
                rngs={"dropout": jax.random.key(2)},
                mutable=["batch_stats"],
            )
            return jnp.sum(jnp.sin(output)), (output, moved)

        return variables, jax.value_and_grad(loss, has_aux=True)(variables["params"])

    plain, remat = (
        jax.jit(lambda remat=remat: run(dataclasses.replace(NETWORKS[name], remat=remat)))()
        for remat in (False, True)
    )
    assert jax.tree.structure(plain) == jax.tree.structure(remat)
    for a, b in zip(jax.tree.leaves(plain), jax.tree.leaves(remat), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * np.abs(b).max())


@pytest.mark.parametrize(
    ("module", "changes"),
    [
        pytest.param(plain, {"depth": 4}, id="unet"),
        pytest.param(resnet, {"blocks": 4}, id="resnet", marks=pytest.mark.long),
    ],
)
def test_a_step_needs_less_memory(module, changes):
    sizes = []
    for remat in (False, True):
        config = l1.get_config("smoke")
        with config.unlocked():
            config.generator = module.get_config("smoke").generator
            config.generator.update(remat=remat, **changes)
            config.sizes.crop = 64
        task = make_task(config, 10)
        batch = {name: np.zeros((2, 64, 64, 3), np.uint8) for name in ("input", "target")}
        state = jax.eval_shape(task.init, jax.random.key(0), batch)
        # XLA's CPU backend undoes what GPUs do, unless it keeps barriers between both passes.
        options = {"xla_disable_hlo_passes": "cse_barrier_expander"}
        step = jax.jit(task.train_step).lower(state, batch).compile(compiler_options=options)
        sizes.append(step.memory_analysis().temp_size_in_bytes)
    assert sizes[1] < 0.7 * sizes[0]
