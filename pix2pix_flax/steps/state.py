"""The arrays of a training run, and nothing else: what is in here is what a checkpoint holds."""

import flax.struct
import jax

from pix2pix_flax.typing import PyTree


class NetState(flax.struct.PyTreeNode):
    """One network's arrays.

    Attributes:
      params: trainable parameters, always float32.
      model_state: the network's other collections, for example `batch_stats`; `{}` when none.
      opt_state: the optimizer's state; `()` for a network that is not optimized (an average).
    """

    params: PyTree
    model_state: PyTree
    opt_state: PyTree = ()

    @property
    def variables(self) -> dict[str, PyTree]:
        """What `module.apply` takes: parameters and the other collections."""
        return {"params": self.params, **self.model_state}


class TrainState(flax.struct.PyTreeNode):
    """Everything that a training step reads and writes.

    Attributes:
      step: int32 scalar, the number of finished training steps.
      rng: typed key; step `n` draws from `fold_in(rng, n)`, so a resumed run draws what an
        unbroken one would have drawn.
      nets: the networks by name: `gen`, and where the task has them `disc` and `gen_ema`.
      extra: further arrays of the task, for example how its loss terms were calibrated.
    """

    step: jax.Array
    rng: jax.Array
    nets: dict[str, NetState]
    extra: dict[str, PyTree] = flax.struct.field(default_factory=dict)

    @property
    def generator(self) -> NetState:
        """The generator to show and to judge: the averaged one where there is one."""
        return self.nets.get("gen_ema", self.nets["gen"])
