"""Optimizers by configuration."""

import jax
import jax.numpy as jnp
import optax

OPTIMIZERS = ("adam", "adamw")
SCHEDULES = ("constant", "linear_decay", "step", "cosine")


def make_optimizer(config, total_steps: int) -> optax.GradientTransformation:
    """Makes what `config.optimizer` describes.

    Args:
      config: `name`, `b1`, `b2`, `weight_decay`, `max_grad_norm`, `accumulate_steps`, and the keys
        of `make_schedule`; configs/default.py says what each does.
      total_steps: length of the training in batches. Schedules count optimizer steps, of which
        there is one each `accumulate_steps` batches, so that they end with the training.

    Raises:
      ValueError: naming the field with a value that cannot be.
    """
    _check(config)
    schedule = make_schedule(config, total_steps // config.accumulate_steps)
    optimizer = _make_adam(config, schedule)
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
      The schedule times the warmup's part, which grows in equal steps up to 1.

    Raises:
      ValueError: for an unknown schedule.
    """
    decay = _make_decay(config, max(1, total_steps))
    warmup_steps = max(1, round(config.warmup * total_steps))
    return lambda step: decay(step) * jnp.minimum(1.0, (step + 1) / warmup_steps)


def _make_decay(config, total_steps: int) -> optax.Schedule:
    rate, start = config.learning_rate, int(config.decay_start * total_steps)
    decay_steps = max(1, total_steps - start)
    if config.schedule == "constant":
        return optax.constant_schedule(rate)
    if config.schedule == "linear_decay":
        return optax.linear_schedule(rate, 0.0, decay_steps, start)
    if config.schedule == "cosine":
        cosine = optax.cosine_decay_schedule(rate, decay_steps)
        return lambda step: cosine(jnp.maximum(step - start, 0))
    if config.schedule == "step":
        every = max(1, round(config.step_every * total_steps))
        return optax.exponential_decay(rate, every, config.step_factor, staircase=True)
    raise ValueError(
        f"optimizer.schedule must be one of {', '.join(SCHEDULES)}, not {config.schedule!r}."
    )


def _make_adam(config, schedule: optax.Schedule) -> optax.GradientTransformation:
    if config.name == "adam":
        return optax.adam(schedule, b1=config.b1, b2=config.b2)
    if config.name == "adamw":
        return optax.adamw(
            schedule, config.b1, config.b2, weight_decay=config.weight_decay, mask=_is_kernel
        )
    raise ValueError(f"optimizer.name must be one of {', '.join(OPTIMIZERS)}, not {config.name!r}.")


def _is_kernel(params: optax.Params) -> optax.Params:
    """Marks what decays: kernels. Biases and the scales of norms would lose what they are for."""
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)


def _check(config) -> None:
    """Raises a ValueError that names the number which is out of its range."""
    for name in ("warmup", "decay_start", "step_every"):
        if not 0 <= config[name] <= 1:
            raise ValueError(
                f"optimizer.{name} is a share of the training, from 0 to 1, not {config[name]}."
            )
    for name, least in (("accumulate_steps", 1), ("max_grad_norm", 0), ("weight_decay", 0)):
        if config[name] < least:
            raise ValueError(f"optimizer.{name} must be at least {least}, not {config[name]}.")
