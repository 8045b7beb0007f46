"""The arrays of a training run. A checkpoint holds exactly these arrays."""

import flax.struct
import jax

from pix2pix_flax.typing import PyTree


class NetState(flax.struct.PyTreeNode):
    """One network's arrays.

    Attributes:
      params: trainable parameters, always float32.
      model_state: the network's other collections, for example `batch_stats`; may be empty.
      opt_state: the optimizer's state; `()` for a network that is not optimized (an average).
    """

    params: PyTree
    model_state: PyTree
    opt_state: PyTree = ()

    @property
    def variables(self) -> dict[str, PyTree]:
        """The variables of `module.apply`: parameters and the other collections."""
        return {"params": self.params, **self.model_state}

    @property
    def size(self) -> int:
        """The number of trainable parameters."""
        return sum(leaf.size for leaf in jax.tree.leaves(self.params))


class TrainState(flax.struct.PyTreeNode):
    """Everything that a training step reads and writes.

    Attributes:
      step: int32 scalar, the number of finished training steps.
      rng: typed key; step `n` draws from `fold_in(rng, n)`, so a resumed run draws the same numbers
        as an unbroken one.
      nets: the networks by name: `gen`, and `disc` and `gen_ema` if the task has them.
      extra: further arrays of the task, for example the calibration of its loss terms.
    """

    step: jax.Array
    rng: jax.Array
    nets: dict[str, NetState]
    extra: dict[str, PyTree] = flax.struct.field(default_factory=dict)

    @property
    def generator(self) -> NetState:
        """The generator to evaluate and to export: the average if one is kept."""
        return self.nets.get("gen_ema", self.nets["gen"])
