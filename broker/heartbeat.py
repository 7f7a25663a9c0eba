"""Heartbeat of a lane: long work calls `beat` now and then; a lane without a beat is considered hung."""

import time
from contextvars import ContextVar


class Pulse:
    """Time of a lane's last beat; `working` while it has a chunk."""

    def __init__(self) -> None:
        self.working = False
        self._at = time.monotonic()

    def beat(self) -> None:
        """Record a beat."""
        self._at = time.monotonic()

    def silent_seconds(self) -> float:
        """Return the seconds since the last beat within the present chunk; 0 without a chunk."""
        return time.monotonic() - self._at if self.working else 0.0


_own: ContextVar[Pulse | None] = ContextVar("pulse", default=None)


def begin() -> Pulse:
    """Return the pulse of this task and of all tasks started by it."""
    pulse = Pulse()
    _own.set(pulse)
    return pulse


def beat() -> None:
    """Record a beat of the lane of this task; outside of a lane it has no effect."""
    if (pulse := _own.get()) is not None:
        pulse.beat()
