"""The command that serves the page; see tests/pix2pix_flax/serve for the service."""

import socket

import pytest

from tests.commands import CONSOLE, run_command


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


NEEDS_IPV6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@pytest.mark.parametrize(
    ("host", "family"),
    [
        ("localhost", socket.AF_INET),
        pytest.param("::1", socket.AF_INET6, marks=NEEDS_IPV6),
    ],
)
def test_a_port_in_use_is_named(host, family, tmp_path):
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        done = run_command("-c", CONSOLE, "serve", f"--host={host}", f"--port={port}", cwd=tmp_path)
    message = f"error: port {port} of {host} cannot be used (Address already in use): choose "
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{message}another one by --port\n"


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("", "flag --host=: has to be an address, such as localhost"),
        ("nosuch.invalid", "choose another one by --host"),
    ],
)
def test_a_host_that_cannot_be_meant_is_refused(host, message, tmp_path):
    done = run_command("-c", CONSOLE, "serve", f"--host={host}", cwd=tmp_path)
    assert (done.returncode != 0, done.stdout) == (True, "")
    assert message in done.stderr
