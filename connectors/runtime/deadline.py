"""Watch: closes connections when a time limit is over, even if bytes trickle in."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol


class Connected(Protocol):
    """A socket, with or without TLS."""

    def fileno(self) -> int:
        """Return its descriptor."""
        ...


@contextmanager
def watched(connected: Connected, seconds: float) -> Iterator[None]:
    """Close a connection if the block takes longer."""
    watch = Watch(seconds)
    try:
        watch.see(connected)
        yield
    finally:
        watch.end()


class Watch:
    """Closes the registered connections when the time is over: their readers see the end of the data."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._seen: list[int] = []
        self._timer = threading.Timer(seconds, self._hang_up)
        self._timer.daemon = True
        self._timer.start()

    @property
    def is_over(self) -> bool:
        """Return whether the time is over."""
        return time.monotonic() >= self._end

    def see(self, connected: Connected) -> None:
        """Register a connection."""
        # A second descriptor of its own: libraries give the first one away, or close it.
        with self._lock:
            self._seen.append(os.dup(connected.fileno()))
        if self.is_over:
            self._hang_up()

    def end(self) -> None:
        """Stop watching; connections stay open."""
        self._timer.cancel()
        with self._lock:
            for descriptor in self._seen:
                os.close(descriptor)
            self._seen.clear()

    def _hang_up(self) -> None:
        with self._lock:
            for descriptor in self._seen:
                with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as handle:
                    handle.shutdown(socket.SHUT_RDWR)
