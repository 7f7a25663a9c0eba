"""An address on loopback that swallows packets, as a host does that is off behind a firewall: nobody says no."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

FULL = 4
"""Connections that fill a backlog of none; what comes behind them is neither taken nor refused."""


@contextmanager
def swallowing() -> Iterator[str]:
    """Give the address."""
    with ExitStack() as standing:
        listener = standing.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(FULL):
            waiting = standing.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"127.0.0.1:{listener.getsockname()[1]}"
