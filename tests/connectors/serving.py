"""A receiver in a thread of the test, or as a process of its own, and what happens around it."""

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from connectors.http.server import Receiver, ReceiverSettings, serve_until
from tests.peers.dovecot import free_ports


@contextmanager
def running(app: Receiver, settings: ReceiverSettings) -> Iterator[None]:
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve_until(app, settings, stop),))
    thread.start()
    try:
        wait_for(settings.port)
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def serve(app: Receiver, settings: ReceiverSettings) -> None:
    """Serve as a process of its own, until SIGTERM or SIGINT."""

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serve_until(app, settings, stop)

    asyncio.run(run())


def free_port() -> int:
    """Return one below the range of outgoing connections: there, one of them might have it before the receiver does."""
    return free_ports(1, start=20500)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline, "the receiver does not listen"
            time.sleep(0.01)
