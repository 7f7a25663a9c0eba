"""Signs of life of a lane: what takes long says now and then that it gets on; a lane that says nothing hangs."""

import time
from contextvars import ContextVar


class Pulse:
    """When a lane last got on; `working` while it has a chunk."""

    def __init__(self) -> None:
        self.working = False
        self._at = time.monotonic()

    def beat(self) -> None:
        """Note that it gets on."""
        self._at = time.monotonic()

    def silent_seconds(self) -> float:
        """Return for how long it has not got on with its chunk."""
        return time.monotonic() - self._at if self.working else 0.0


_own: ContextVar[Pulse | None] = ContextVar("pulse", default=None)


def begin() -> Pulse:
    """Return the pulse of this task, and of all that is begun in it."""
    pulse = Pulse()
    _own.set(pulse)
    return pulse


def beat() -> None:
    """Say that the lane in which this runs gets on; outside of one nobody listens."""
    if (pulse := _own.get()) is not None:
        pulse.beat()
