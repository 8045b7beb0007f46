"""Which steps of a run stay."""

from collections.abc import Callable, Sequence

from orbax.checkpoint import checkpoint_managers as policies


class _Chosen(policies.PreservationPolicy):
    """Keeps the steps for which a function returns True."""

    def __init__(self, is_chosen: Callable[[int], bool]):
        self._is_chosen = is_chosen

    def should_preserve(
        self,
        checkpoints: Sequence[policies.PolicyCheckpointInfo],
        *,
        context: policies.PreservationContext,
    ) -> Sequence[bool]:
        """Returns for each checkpoint whether it is kept."""
        del context
        return [self._is_chosen(checkpoint.step) for checkpoint in checkpoints]


def make_policy(
    last: int,
    score: Callable[[dict[str, float]], float],
    minutes: float,
    is_chosen: Callable[[int], bool],
) -> policies.PreservationPolicy:
    """Makes Orbax's policy of a run.

    Args:
      last: number of last steps that stay.
      score: returns the rank of a step's scores; the step with the highest rank stays.
      minutes: one step in every such interval stays; 0: none does.
      is_chosen: returns whether a step stays for good.
    """
    stays = [policies.LatestN(last), policies.BestN(get_metric_fn=score, n=1), _Chosen(is_chosen)]
    if minutes:
        stays.append(policies.EveryNSeconds(round(60 * minutes)))
    return policies.AnyPreservationPolicy(stays)
