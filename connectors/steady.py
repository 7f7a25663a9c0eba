"""A clock for pauses: it goes with the system's, and stands still where that was set back."""

from collections.abc import Callable


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
