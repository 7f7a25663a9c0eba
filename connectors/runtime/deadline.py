"""Watch: connections that are ended when a time is over, whatever dribbles over them meanwhile."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol


class Connected(Protocol):
    """A socket, in clear or with TLS."""

    def fileno(self) -> int:
        """Return its descriptor."""
        ...


@contextmanager
def watched(connected: Connected, seconds: float) -> Iterator[None]:
    """End a connection on which this takes longer."""
    watch = Watch(seconds)
    try:
        watch.see(connected)
        yield
    finally:
        watch.end()


class Watch:
    """Ends the connections that it has seen when the time is over: whoever reads from one meets its end."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._seen: list[int] = []
        self._timer = threading.Timer(seconds, self._hang_up)
        self._timer.daemon = True
        self._timer.start()

    @property
    def is_over(self) -> bool:
        """Say whether the time is over."""
        return time.monotonic() >= self._end

    def see(self, connected: Connected) -> None:
        """Watch a connection, too."""
        # By a second descriptor, which stays ours: libraries give the first one away, or close it.
        with self._lock:
            self._seen.append(os.dup(connected.fileno()))
        if self.is_over:
            self._hang_up()

    def end(self) -> None:
        """Leave the connections as they are."""
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
