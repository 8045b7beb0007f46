"""A network and how it is optimized."""

import dataclasses
from typing import Any

import flax.linen as nn
import jax
import optax

from pix2pix_flax.steps.state import NetState
from pix2pix_flax.typing import PyTree

Nets = dict[str, NetState]


@dataclasses.dataclass(frozen=True)
class Net:
    """A network and how it is optimized."""

    module: nn.Module
    optimizer: optax.GradientTransformation

    def init(self, rng: jax.Array, inputs: jax.Array) -> NetState:
        """Returns fresh arrays for inputs shaped like these."""
        variables = dict(self.module.init({"params": rng}, inputs, train=True))
        params = variables.pop("params")
        return NetState(params, variables, self.optimizer.init(params))

    def apply(
        self,
        params: PyTree,
        model_state: PyTree,
        inputs: jax.Array,
        rngs: dict[str, Any] | None = None,
    ) -> tuple[jax.Array, PyTree]:
        """Runs the network in training mode; returns its output and the moved `model_state`."""
        return self.module.apply(
            {"params": params, **model_state},
            inputs,
            train=True,
            rngs=rngs,
            mutable=list(model_state),
        )

    def update(self, state: NetState, gradients: PyTree, model_state: PyTree) -> NetState:
        """Returns the arrays after one optimizer step."""
        updates, opt_state = self.optimizer.update(gradients, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        return NetState(params, model_state, opt_state)


def prefixed(prefix: str, values: dict[str, Any]) -> dict[str, Any]:
    """Returns `values` named `prefix/name`."""
    return {f"{prefix}/{name}": value for name, value in values.items()}
