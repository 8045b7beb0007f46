"""A real server on the loopback."""

import contextlib
import threading
import time

import uvicorn


@contextlib.contextmanager
def serving(app):
    """Serves an app until the end of the block; gives its port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()
