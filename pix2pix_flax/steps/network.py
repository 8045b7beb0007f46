"""A network with its optimizer, and the batch that a step learns from."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import optax

from pix2pix_flax.steps.state import NetState
from pix2pix_flax.typing import PyTree

Nets = dict[str, NetState]
Terms = Callable[[jax.Array], dict[str, jax.Array]]


def identity(images: jax.Array) -> jax.Array:
    """Returns the images unchanged."""
    return images


class StepBatch(NamedTuple):
    """The arrays and functions that one training step works on.

    Attributes:
      inputs: the generator's inputs: images [B, H, W, C], or more than B of them if views follow
        that only the loss `consistency` uses; or latents [B, Z].
      real: the real images that the discriminator learns from, [B, H, W, C].
      terms: from the generator's outputs to its loss terms by name, before weights, without the
        terms of the discriminator.
      to_images: from B outputs to images in the space of `real`.
      augment: from images to the images that the discriminator sees (Zhao et al. 2020); gradients
        flow through it.
    """

    inputs: jax.Array
    real: jax.Array
    terms: Terms
    to_images: Callable[[jax.Array], jax.Array] = identity
    augment: Callable[[jax.Array], jax.Array] = identity


@dataclasses.dataclass(frozen=True)
class Net:
    """A network and its optimizer.

    Attributes:
      module: the linen network.
      optimizer: the optimizer of its parameters.
    """

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
