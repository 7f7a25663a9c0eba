"""Two readings of the time: the wall clock, and the start time plus the monotonic clock."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta


class Moments:
    """Two readings of which one may be wrong.

    A platform signs the time and repeats a push a few times within seconds, then never again: a step of the clock in
    either direction must not make each push look old.
    """

    def __init__(self, now: Callable[[], datetime], passed: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._passed = passed
        self._first, self._began = now(), passed()

    def nearest(self, at: datetime) -> datetime:
        """Return the reading that is nearer to a given time."""
        counted = self._first + timedelta(seconds=self._passed() - self._began)
        return min(self._now(), counted, key=lambda one: abs(one - at))


# A clock for pauses: it follows the system's, and stands still when that is set back.


class Steady:
    """Seconds since 1970, plus the amount by which the clock was ever set back.

    By the system's clock a pause would last until the wrong time came again: an hour, or a year.
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
