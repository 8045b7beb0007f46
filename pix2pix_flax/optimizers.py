"""Optimizers by configuration."""

import optax

SCHEDULES = ("constant", "linear_decay")


def make_schedule(
    *, learning_rate: float, schedule: str, decay_start: float, total_steps: int
) -> optax.Schedule:
    """Makes a learning rate schedule.

    Args:
      learning_rate: the rate at the start.
      schedule: `constant`, or `linear_decay`: constant, then down to zero at the last step.
      decay_start: the share of `total_steps` after which the linear decay begins.
      total_steps: length of the training in steps.

    Raises:
      ValueError: for an unknown schedule.
    """
    if schedule == "constant":
        return optax.constant_schedule(learning_rate)
    if schedule == "linear_decay":
        start = int(decay_start * total_steps)
        return optax.linear_schedule(learning_rate, 0.0, max(1, total_steps - start), start)
    raise ValueError(f"optimizer.schedule must be one of {', '.join(SCHEDULES)}, not {schedule!r}.")


def make_optimizer(config, total_steps: int) -> optax.GradientTransformation:
    """Makes Adam from `config.optimizer`: learning_rate, schedule, decay_start, b1, b2."""
    schedule = make_schedule(
        learning_rate=config.learning_rate,
        schedule=config.schedule,
        decay_start=config.decay_start,
        total_steps=total_steps,
    )
    return optax.adam(schedule, b1=config.b1, b2=config.b2)
