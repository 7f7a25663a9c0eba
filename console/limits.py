"""Limit of failed sign-ins: so many a minute for each user at an address, and for an address."""

from collections import OrderedDict, deque

WINDOW_SECONDS = 60.0
OF_USER = 5
OF_ADDRESS = 30
"""Many people stand behind one address of an office."""
_REMEMBERED = 10_000


class Tries:
    """Remembers failed sign-ins of the last minute."""

    def __init__(self) -> None:
        self._failed: OrderedDict[tuple[str, ...], deque[float]] = OrderedDict()

    def wait(self, name: str, address: str, now: float) -> float:
        """Return how many seconds the next try has to wait; 0 if it need not."""
        return max(self._wait((name, address), OF_USER, now), self._wait((address,), OF_ADDRESS, now))

    def failed(self, name: str, address: str, now: float) -> None:
        """Count a failed try."""
        for key, most in (((name, address), OF_USER), ((address,), OF_ADDRESS)):
            self._failed.setdefault(key, deque(maxlen=most)).append(now)
            self._failed.move_to_end(key)
        while len(self._failed) > _REMEMBERED:
            self._failed.popitem(last=False)

    def _wait(self, key: tuple[str, ...], most: int, now: float) -> float:
        times = self._failed.get(key, deque())
        return max(0.0, times[0] + WINDOW_SECONDS - now) if len(times) == most else 0.0
