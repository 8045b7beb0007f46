"""The environments of processes on this machine that train together."""

import os
import socket


def environments(count: int) -> list[dict[str, str]]:
    """Returns for each of `count` hosts the environment in which it finds the others."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    shared = {"JAX_COORDINATOR_ADDRESS": address, "JAX_NUM_PROCESSES": str(count)}
    return [os.environ | shared | {"JAX_PROCESS_ID": str(number)} for number in range(count)]
