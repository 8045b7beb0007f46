"""One training on several hosts: how they find one another, and how the others end if one dies.

A host is a process: one on each machine, or one for each GPU. JAX's coordination service runs on
the first host; every host tells it every few seconds that it lives.
"""

import atexit
import contextlib
import logging
import os
from collections.abc import Iterator

import jax

from cartoon_tfds.errors import UserError
from pix2pix_flax.sharding import is_first_host

_DEAD_AFTER = 30  # seconds without a sign of life
_WAIT_FOR_START = 300  # seconds: schedulers do not start all hosts at once


class HostsError(UserError):
    """The hosts cannot find one another, or one of them has ended."""


@contextlib.contextmanager
def joined(is_distributed: bool) -> Iterator[None]:
    """Makes this process one of the hosts of a training, until the end of the block.

    The block must hold the first call of JAX that needs a device. The number of hosts, the number
    of this host and the address of the first one are those of the scheduler (Slurm, Open MPI,
    Kubernetes with `jax[k8s]`, TPU pods), or of the variables JAX_NUM_PROCESSES, JAX_PROCESS_ID and
    JAX_COORDINATOR_ADDRESS (HOST:PORT). All hosts but the first log only warnings.

    Args:
      is_distributed: False: this process is the only host.

    Raises:
      HostsError: the hosts cannot find one another, or another host has ended.
    """
    if not is_distributed:
        yield
        return
    _connect()
    if not is_first_host():
        logging.getLogger("pix2pix_flax").setLevel(logging.WARNING)
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        _leave_alone(HostsError.exit_code)
        raise HostsError(
            "Another host has ended, or the network between the hosts has. The same command on all "
            f"hosts goes on from the last checkpoint. ({str(error).splitlines()[0][:200]})"
        ) from error
    except BaseException as error:
        _leave_alone(getattr(error, "exit_code", 1))
        raise
    jax.distributed.shutdown()


def _connect() -> None:
    count, number = (os.environ.get(f"JAX_{name}") for name in ("NUM_PROCESSES", "PROCESS_ID"))
    # Its handler of SIGTERM would replace the trainer's.
    jax.config.update("jax_enable_preemption_service", False)
    try:
        jax.distributed.initialize(
            num_processes=count and int(count),
            process_id=number and int(number),
            initialization_timeout=_WAIT_FOR_START,
            heartbeat_timeout_seconds=_DEAD_AFTER,
        )
    except (ValueError, RuntimeError) as error:
        raise HostsError(
            f"config.distributed: {str(error).splitlines()[0]} Start the command by a scheduler, or "
            "set JAX_COORDINATOR_ADDRESS=HOST:PORT, JAX_NUM_PROCESSES and JAX_PROCESS_ID."
        ) from error


def _leave_alone(code: int) -> None:
    """Lets the process end with an exit code without waiting for the other hosts.

    At the end of a process JAX waits for all hosts, and those that miss this one never come.
    """
    atexit.register(os._exit, code)
