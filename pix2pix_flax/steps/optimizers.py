"""Optimizers and schedules by configuration."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from cartoon_tfds.errors import UserError, choose


def make_optimizer(config, total_steps: int) -> optax.GradientTransformation:
    """Makes the optimizer of `config.optimizer`.

    Args:
      config: `name`, `b1`, `b2`, `weight_decay`, `max_grad_norm`, `accumulate_steps`, and the keys
        of `make_schedule`; configs/base.py explains each.
      total_steps: length of the training in batches. Schedules count optimizer steps, of which
        there is one in `accumulate_steps` batches, so that they end with the training.

    Raises:
      UserError: naming the field with an unknown or impossible value.
    """
    _check(config)
    schedule = make_schedule(config, total_steps // config.accumulate_steps)
    optimizer = choose(OPTIMIZERS, "config.optimizer.name", config.name)(config, schedule)
    if config.max_grad_norm:
        optimizer = optax.chain(optax.clip_by_global_norm(config.max_grad_norm), optimizer)
    if config.accumulate_steps > 1:
        return optax.MultiSteps(optimizer, config.accumulate_steps).gradient_transformation()
    return optimizer


def make_schedule(config, total_steps: int) -> optax.Schedule:
    """Makes the learning rate by finished optimizer steps.

    Args:
      config: `learning_rate`, the highest rate; `warmup`, the share of the training in which it is
        reached; `schedule`, one of `SCHEDULES`, with `decay_start`, `step_every` and `step_factor`.
      total_steps: length of the training in optimizer steps.

    Returns:
      The schedule times the warmup, which grows in equal steps up to 1.

    Raises:
      UserError: the schedule is unknown.
    """
    make_decay = choose(SCHEDULES, "config.optimizer.schedule", config.schedule)
    decay = make_decay(config, max(1, total_steps))
    warmup_steps = max(1, round(config.warmup * total_steps))
    return lambda step: decay(step) * jnp.minimum(1.0, (step + 1) / warmup_steps)


def _constant(config, steps: int) -> optax.Schedule:
    return optax.constant_schedule(config.learning_rate)


def _linear_decay(config, steps: int) -> optax.Schedule:
    start, decay_steps = _decay_of(config, steps)
    return optax.linear_schedule(config.learning_rate, 0.0, decay_steps, start)


def _cosine(config, steps: int) -> optax.Schedule:
    start, decay_steps = _decay_of(config, steps)
    cosine = optax.cosine_decay_schedule(config.learning_rate, decay_steps)
    return lambda step: cosine(jnp.maximum(step - start, 0))


def _step(config, steps: int) -> optax.Schedule:
    every = max(1, round(config.step_every * steps))
    return optax.exponential_decay(config.learning_rate, every, config.step_factor, staircase=True)


def _decay_of(config, steps: int) -> tuple[int, int]:
    """Returns the first step of the decay, and the number of its steps."""
    start = int(config.decay_start * steps)
    return start, max(1, steps - start)


SCHEDULES: dict[str, Callable[..., optax.Schedule]] = {
    "constant": _constant,
    "linear_decay": _linear_decay,
    "step": _step,
    "cosine": _cosine,
}


def _adam(config, schedule: optax.Schedule) -> optax.GradientTransformation:
    return optax.adam(schedule, b1=config.b1, b2=config.b2)


def _adamw(config, schedule: optax.Schedule) -> optax.GradientTransformation:
    return optax.adamw(
        schedule, config.b1, config.b2, weight_decay=config.weight_decay, mask=_is_kernel
    )


OPTIMIZERS: dict[str, Callable[..., optax.GradientTransformation]] = {
    "adam": _adam,
    "adamw": _adamw,
}


def _is_kernel(params: optax.Params) -> optax.Params:
    """Returns which parameters decay: kernels, but no biases and no scales of norms."""
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)


def _check(config) -> None:
    """Raises a UserError that names the field with an impossible value."""
    for name in ("warmup", "decay_start", "step_every"):
        if not 0 <= config[name] <= 1:
            raise UserError(
                f"config.optimizer.{name} is a share of the training, from 0 to 1, "
                f"not {config[name]}."
            )
    for name, least in (("accumulate_steps", 1), ("max_grad_norm", 0), ("weight_decay", 0)):
        if config[name] < least:
            raise UserError(
                f"config.optimizer.{name} must be at least {least}, not {config[name]}."
            )
