"""Serves the page that draws cartoons in a browser, and draws for programs.

    pix2pix-flax serve
    curl --data-binary @photo.jpg 'http://localhost:8000/cartoonize?format=jpeg' -o cartoon.jpg

Only this machine can reach it, unless --host is set. http://localhost:8000/openapi.json describes
the service for programs.
"""

import errno
import socket
from pathlib import Path

from absl import flags

from cartoon_tfds.errors import UserError
from pix2pix_flax.cli.paths import PATH

REQUIRED = ()
_HOST = flags.DEFINE_string("host", "localhost", "Address to listen at; 0.0.0.0: all networks.")
flags.register_validator("host", bool, message="has to be an address, such as localhost")
_PORT = flags.DEFINE_integer("port", 8000, "Port.", lower_bound=1, upper_bound=65535)
_SITE = flags.DEFINE(PATH, "site", None, "Folder of the page, if pix2pix-flax page made another.")


def main(argv: list[str]) -> None:
    """Serves until it is stopped."""
    del argv
    try:
        import fastapi  # noqa: F401
        import uvicorn
    except ImportError as error:
        raise UserError(f"{error}: pip install 'pix2pix-flax[serve]'") from error
    from pix2pix_flax.serve.app import make_app
    from pix2pix_flax.serve.site import BUILT, NETWORKS, load_networks, load_shipped

    is_ipv6 = ":" in _HOST.value
    family = socket.AF_INET6 if is_ipv6 else socket.AF_INET
    try:
        socket.create_server((_HOST.value, _PORT.value), family=family).close()
    except OSError as error:
        reason = error.strerror.partition(" (")[0]  # without the address
        where = f"port {_PORT.value} of {_HOST.value} cannot be used ({reason})"
        flag = "port" if error.errno in (errno.EADDRINUSE, errno.EACCES) else "host"
        raise UserError(f"{where}: choose another one by --{flag}") from error
    site = Path(_SITE.value) if _SITE.value else BUILT
    address = f"http://{f'[{_HOST.value}]' if is_ipv6 else _HOST.value}:{_PORT.value}"
    if (site / "models" / "models.json").is_file():
        networks = load_networks(site)
        print(f"Open {address} in a browser; stop with Ctrl-C.", flush=True)
    elif _SITE.value:
        raise UserError(f"{site} has no page: make it with pix2pix-flax page")
    else:
        site, networks = None, load_shipped(NETWORKS)
        print("The page is not made yet: stop with Ctrl-C, and run pix2pix-flax page once.")
        print(f"Programs can send pictures to {address}/cartoonize already.", flush=True)
    uvicorn.run(make_app(networks, site), host=_HOST.value, port=_PORT.value, log_level="warning")
