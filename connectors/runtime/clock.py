"""What time it may be: by our clock, and by the same clock as it would go on if nobody had set it since we began."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta


class Moments:
    """Two readings of which one may be wrong.

    A platform signs the time and sends a push a few times within seconds, never again: a clock that is set wrong while
    we run must not make each of them old. One that was wrong and is set right must not, either.
    """

    def __init__(self, now: Callable[[], datetime], passed: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._passed = passed
        self._first, self._began = now(), passed()

    def nearest(self, at: datetime) -> datetime:
        """Return the reading that is nearer to a time that somebody tells."""
        counted = self._first + timedelta(seconds=self._passed() - self._began)
        return min(self._now(), counted, key=lambda one: abs(one - at))


# A clock for pauses: it goes with the system's, and stands still where that was set back.


class Steady:
    """Seconds since 1970, later by as much as the clock was ever set back.

    By the clock itself a pause would last until the wrong time came again: an hour, or a year.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = clock()
        self._set_back = 0.0

    def __call__(self) -> float:
        """Return a time that is never before the last one."""
        now = self._clock()
        self._set_back += max(0.0, self._last - now)
        self._last = now
        return now + self._set_back
