"""The two forms of the convolution in groups."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pix2pix_flax.models import grouped_conv
from pix2pix_flax.models.conv import convolved
from tests.pix2pix_flax.models.gradients import assert_same

FORMS = [grouped_conv._filled_up, convolved]
SHAPES = [
    (1, 1, ((1, 1), (0, 2))),
    (3, 1, "SAME"),
    (3, 4, "SAME"),
    (1, 1, "SAME"),
    (1, 2, "SAME"),
    (4, 8, "VALID"),
]


def example(size, groups):
    keys = jax.random.split(jax.random.key(0), 2)
    kernel = jax.random.normal(keys[1], (size, size, 8 // groups, 16))
    return jax.random.normal(keys[0], (2, 5, 6, 8)), kernel


@pytest.mark.parametrize(("size", "groups", "padding"), SHAPES)
def test_both_forms_have_the_same_values_and_gradients(size, groups, padding):
    settings = {"groups": groups, "strides": (1, 1), "padding": padding}
    assert_same(*(partial(form, **settings) for form in FORMS), *example(size, groups))


@pytest.mark.parametrize(("size", "groups", "padding"), SHAPES)
def test_both_forms_have_the_same_gradient_of_a_penalty(size, groups, padding):
    x, kernel = example(size, groups)
    found = []
    for form in FORMS:

        def penalty(kernel, form=form):
            by_x = jax.grad(lambda x: jnp.sum(jnp.tanh(form(x, kernel, (1, 1), padding, groups))))
            return jnp.sum(by_x(x) ** 2)

        found.append(jax.grad(penalty)(kernel))
    np.testing.assert_allclose(*found, rtol=1e-3, atol=1e-3)


def test_a_layer_uses_the_form_without_groups_on_cpus():
    layer = nn.Conv(
        16, (3, 3), feature_group_count=4, conv_general_dilated=grouped_conv.grouped_conv
    )
    x, _ = example(3, 4)
    variables = layer.init(jax.random.key(1), x)
    assert variables["params"]["kernel"].shape == (3, 3, 2, 16)
    plain = nn.Conv(16, (3, 3), feature_group_count=4)
    np.testing.assert_allclose(layer.apply(variables, x), plain.apply(variables, x), atol=1e-5)
    program = jax.jit(layer.apply).lower(variables, x).as_text()
    assert "feature_group_count = 1 " in program
    assert "feature_group_count = 4 " not in program
