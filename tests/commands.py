"""Runs the project's commands, each in a process that starts quickly."""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONSOLE = "from pix2pix_flax.cli.console import main; main()"
"""Program of the command `pix2pix-flax`, for `python -c`."""

# Importing these takes 3 to 6 seconds. So commands are forked from a server that has done so.
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(
    [
        *("absl.app", "av", "cv2", "dm_pix", "flax.linen", "grain", "jax", "numpy", "optax"),
        *("ml_collections.config_flags", "orbax.checkpoint", "PIL.Image", "pytest"),
        *("safetensors.numpy", "tensorflow_datasets"),
    ]
)


def run_command(*arguments, cwd=ROOT):
    """Runs `python ARGUMENTS` as a user does, in the project's folder.

    Args:
      *arguments: a script and its flags, or `-m` and a module, or `-c` and a program.
      cwd: another folder to run it in.

    Returns:
      The subprocess.CompletedProcess, with its output as text.
    """
    command = list(map(str, arguments))
    with tempfile.TemporaryDirectory() as folder:
        process = _SERVER.Process(target=_run, args=(command, cwd, dict(os.environ), folder))
        process.start()
        process.join()
        code = process.exitcode
        process.close()
        stdout, stderr = (Path(folder, name).read_text("utf-8") for name in ("stdout", "stderr"))
    return subprocess.CompletedProcess(command, code, stdout, stderr)


def _run(command, cwd, environment, folder):
    """Becomes the command, in the new process."""
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(Path(folder, name), os.O_WRONLY | os.O_CREAT), descriptor)
    sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8") for number in (1, 2))  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    if command[0] == "-c":
        sys.argv = ["-c", *command[2:]]
        exec(command[1], {"__name__": "__main__"})
    elif command[0] == "-m":
        sys.argv = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = command
        sys.path.insert(0, str(Path(command[0]).parent))
        runpy.run_path(command[0], run_name="__main__")
