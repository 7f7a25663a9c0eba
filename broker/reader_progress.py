"""Ends a reader that has more to read and does not get on, be it of kafka-python or aiokafka."""

import time

from schemas.errors import UnreachableError


class Progress:
    """Position of a reader that has more to read, and the time at which it reached it."""

    def __init__(self, what: str, seconds: float) -> None:
        self._what = what
        self._seconds = seconds
        self._place: object = None
        self._moved = time.monotonic()

    def at(self, place: object) -> None:
        """Record the position. Raises UnreachableError if it has not changed for too long."""
        now = time.monotonic()
        if place != self._place:
            self._place, self._moved = place, now
        elif now - self._moved > self._seconds:
            raise UnreachableError(
                f"Kafka has sent no {self._what} for {self._seconds:.0f} s although it has more: check that it "
                "runs, or run `hotline doctor`"
            )
