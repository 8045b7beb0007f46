"""One training on several hosts: how they find one another, and how the others end if one dies.

A host is a process: one on each machine, or one for each GPU. JAX's coordination service runs on
the first host; by it all hosts meet every few seconds.
"""

import atexit
import contextlib
import ctypes
import faulthandler
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator

import jax
from jax._src import distributed  # nothing public gives the client of the coordination service

from cartoon_tfds.errors import UserError
from pix2pix_flax.sharding import is_first_host

_BEAT = 2  # seconds between two meetings of the hosts
_DEAD_AFTER = 30  # seconds that a host may miss a meeting
_ABORTED_AFTER = 90  # the same for JAX, which aborts with lines of its own, after 45 at the soonest
_FOREVER = 10**9  # milliseconds
_VARIABLES = ("JAX_NUM_PROCESSES", "JAX_PROCESS_ID", "JAX_COORDINATOR_ADDRESS")
_OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"  # an error of this host alone
_WAIT_FOR_START = 300  # seconds: schedulers do not start all hosts at once
_LAST = 3  # seconds that the first host stays longer than the others after an error
_ENDED = (
    "Another host has ended or does not answer, or the network between the hosts has ended. The "
    "same command on all hosts goes on from the last checkpoint."
)


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
    last_word = threading.Lock()  # held by the thread that says why the process ends
    threading.Thread(target=_watch, args=[last_word], daemon=True).start()
    if not is_first_host():
        logging.getLogger("pix2pix_flax").setLevel(logging.WARNING)
    try:
        yield
    except BaseException as error:
        last_word.acquire()
        _leave_alone(getattr(error, "exit_code", 1))
        if not isinstance(error, jax.errors.JaxRuntimeError) or _OUT_OF_MEMORY in str(error):
            raise
        raise HostsError(f"{_ENDED} ({str(error).splitlines()[0][:200]})") from error
    last_word.acquire()
    jax.distributed.shutdown()


def _connect() -> None:
    count, number, address = map(os.environ.get, _VARIABLES)
    # JAX aborts a host that misses another one; the stacks of all threads would hide its reason.
    faulthandler.disable()
    # The thread that aborts sleeps first: for 6 seconds, as 6 is the number of SIGABRT. Meanwhile
    # the main thread can fail in a collective operation, and end the process with one line.
    libc = ctypes.CDLL(None)
    libc.signal(signal.SIGABRT, libc.sleep)
    # Its handler of SIGTERM would replace the trainer's.
    jax.config.update("jax_enable_preemption_service", False)
    try:
        jax.distributed.initialize(
            num_processes=count and int(count),
            process_id=number and int(number),
            # Else JAX asks a scheduler, even if the variables say it all.
            cluster_detection_method="deactivate" if count and number and address else None,
            initialization_timeout=_WAIT_FOR_START,
            heartbeat_timeout_seconds=_ABORTED_AFTER,
        )
    except (ValueError, RuntimeError) as error:
        raise HostsError(
            "config.distributed: start the command by a scheduler, or set "
            f"{', '.join(_VARIABLES)} (HOST:PORT). JAX says: {str(error).splitlines()[0]}"
        ) from error


def _watch(last_word: threading.Lock) -> None:
    """Meets the other hosts again and again; if one of them does not come, ends this process.

    JAX can call a function once it misses a host, but jaxlib 0.10 cannot pass the reason to Python.
    """
    client = distributed.global_state.client
    while True:
        timer = threading.Timer(_DEAD_AFTER, _end, [last_word])
        timer.daemon = True
        timer.start()
        try:
            client.wait_at_barrier("all hosts live", _FOREVER)
        except jax.errors.JaxRuntimeError:
            return  # The main thread will end the process too, or the timer does.
        timer.cancel()
        time.sleep(_BEAT)


def _end(last_word: threading.Lock) -> None:
    """Ends the process with one line unless the main thread ends it already."""
    if last_word.acquire(blocking=False):
        os.write(2, f"\nerror: {_ENDED}\n".encode())  # beside the progress bar
        if distributed.global_state.process_id == 0:
            time.sleep(_LAST)
        os._exit(1)


def _leave_alone(code: int) -> None:
    """Lets the process end with an exit code without waiting for the other hosts.

    At the end of a process JAX waits for all hosts, and those that miss this one never come. The
    first host ends last, for JAX aborts hosts that miss its service, without their own message.
    """
    atexit.register(os._exit, code)
    if is_first_host():
        atexit.register(time.sleep, _LAST)
