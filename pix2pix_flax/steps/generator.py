"""The generator's half of a step, shared by all tasks."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from cartoon_tfds.errors import UserError
from pix2pix_flax.steps.network import Net, Nets, Terms, prefixed
from pix2pix_flax.steps.state import NetState
from pix2pix_flax.typing import Metrics, PyTree

_DEFAULT_TERM = "l1"  # has a weight in all configurations of pairs; logits have no such term


class Forward(NamedTuple):
    """A forward pass of the generator, kept so that later losses can be pulled back through it.

    Attributes:
      output: the generator's outputs.
      pull_back: from a cotangent of the outputs to the gradients of the parameters.
      model_state: the running statistics after the pass.
    """

    output: jax.Array
    pull_back: Callable[[jax.Array], tuple[PyTree]]
    model_state: PyTree


@dataclasses.dataclass(frozen=True, eq=False)
class GeneratorStep:
    """A generator, the loss that it minimises, and the moving average of its weights.

    Attributes:
      net: the network and its optimizer.
      weights: weights of the loss terms, by name.
      ema_decay: decay of the moving average `gen_ema`, which is evaluated and exported; 0: no
        average is kept.
    """

    net: Net
    weights: dict[str, float]
    ema_decay: float

    def init(self, rng: jax.Array, inputs: jax.Array) -> Nets:
        """Returns fresh `gen` and, if an average is kept, `gen_ema`."""
        gen = self.net.init(rng, inputs)
        if not self.ema_decay:
            return {"gen": gen}
        copy = jax.tree.map(jnp.copy, gen.replace(opt_state=()))  # donated buffers are not shared
        return {"gen": gen, "gen_ema": copy}

    def forward(self, nets: Nets, inputs: jax.Array, rngs: dict[str, jax.Array]) -> Forward:
        """Runs the network once in training mode."""
        state = nets["gen"]
        return Forward(
            *jax.vjp(
                lambda params: self.net.apply(params, state.model_state, inputs, rngs),
                state.params,
                has_aux=True,
            )
        )

    def update(
        self, nets: Nets, forward: Forward, terms: Terms, step: jax.Array
    ) -> tuple[Nets, Metrics]:
        """Returns `gen` and `gen_ema` after one optimizer step, and the scalars `gen/...`.

        Args:
          nets: holds `gen` and, if an average is kept, `gen_ema`.
          forward: the forward pass of this step.
          terms: from outputs to the loss terms by name, before weights.
          step: number of finished steps, int32.
        """

        def weighted(images):
            values = terms(images)
            self._check_terms(values)
            return sum(self.weights[name] * value for name, value in values.items()), values

        (loss, values), cotangent = jax.value_and_grad(weighted, has_aux=True)(forward.output)
        (gradients,) = forward.pull_back(cotangent)
        gen = self.net.update(nets["gen"], gradients, forward.model_state)
        metrics = {"loss": loss, **values, "grad_norm": optax.tree.norm(gradients)}
        return {"gen": gen, **self._average(nets, gen, step)}, prefixed("gen", metrics)

    def _check_terms(self, values: dict[str, jax.Array]) -> None:
        """Raises a UserError if a term has a weight, but no value; while the step is compiled."""
        if unused := sorted(self.weights.keys() - values.keys() - {_DEFAULT_TERM}):
            raise UserError(
                f"config.loss_weights.{unused[0]} is {self.weights[unused[0]]:g}, but the outputs "
                "of this task have no such term: set it to 0."
            )

    def _average(self, nets: Nets, gen: NetState, step: jax.Array) -> Nets:
        """Returns the moved average of parameters and of running statistics.

        The decay warms up as (1 + step) / (10 + step), so that the first weights are forgotten.
        """
        if not self.ema_decay:
            return {}
        average = nets["gen_ema"]
        keep = jnp.minimum(self.ema_decay, (1.0 + step) / (10.0 + step))
        params, model_state = optax.incremental_update(
            (gen.params, gen.model_state), (average.params, average.model_state), 1.0 - keep
        )
        return {"gen_ema": NetState(params, model_state)}
