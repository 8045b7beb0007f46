"""Predicts whether a compiled program fits into memory, and recognises out-of-memory errors."""

from __future__ import annotations

import typing
from pathlib import Path

if typing.TYPE_CHECKING:
    import jax

try:
    import resource
except ImportError:  # Windows
    resource = None

_PROC, _CGROUP = Path("/proc"), Path("/sys/fs/cgroup")
# XLA's plan leaves out the buffers inside its kernels: for a U-Net of width 64 it planned 640 MiB,
# and the program took 761 MiB (one image of 1024x1024) to 833 MiB (four of 512x512).
_MARGIN = 1.3


def fits(program: jax.stages.Compiled) -> bool:
    """Returns whether a program's arrays are expected to fit into memory; True if unknown.

    The check is needed on CPUs: there a program that is too large raises no error, but the
    operating system ends the process.
    """
    plan, available = program.memory_analysis(), available_bytes()
    if plan is None or available is None:
        return True
    return _MARGIN * (plan.temp_size_in_bytes + plan.output_size_in_bytes) <= available


def available_bytes() -> int | None:
    """Returns the free memory of the default device in bytes, or None if it is unknown."""
    import jax  # not above, so that networks on onnxruntime need no JAX

    stats = jax.local_devices()[0].memory_stats()
    if stats and "bytes_limit" in stats:
        return stats["bytes_limit"] - stats["bytes_in_use"]
    return host_bytes()


def host_bytes() -> int | None:
    """Returns the free memory of this process in bytes, or None if it is unknown."""
    limits = [limit for limit in (_machine(), _address_space(), _cgroup()) if limit is not None]
    return min(limits, default=None)


def is_out_of_memory(error: Exception) -> bool:
    """Returns whether an error reports a lack of memory."""
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)


def _machine() -> int | None:
    return _field(_PROC / "meminfo", "MemAvailable:", 1024)


def _address_space() -> int | None:
    """Returns the bytes that `ulimit -v` leaves to this process, or None without a limit."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0] if resource else -1
    used = _field(_PROC / "self" / "status", "VmSize:", 1024)
    return None if limit < 0 or used is None else max(0, limit - used)


def _cgroup() -> int | None:
    """Returns the bytes that a container's limit leaves, or None; cached files count as free."""
    limit = _field(_CGROUP / "memory.max", "", 1)
    used = _field(_CGROUP / "memory.current", "", 1)
    cached = _field(_CGROUP / "memory.stat", "inactive_file ", 1) or 0
    return None if limit is None or used is None else max(0, limit - used + cached)


def _field(path: Path, name: str, unit: int) -> int | None:
    """Returns the number after `name` in a file of the kernel times `unit`, or None."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    values = (line.removeprefix(name).split() for line in lines if line.startswith(name))
    number = next(values, [""])[0]
    return int(number) * unit if number.isdigit() else None
