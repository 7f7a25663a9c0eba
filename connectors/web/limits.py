"""Rate limits of an address, and alerts for its urgent posts: no accepted post is lost."""

import time
from collections import OrderedDict
from collections.abc import Callable

_HOUR = 3600.0


class Pace:
    """Rate limit per name and hour, with a burst of the whole amount (GCRA); the oldest names are forgotten."""

    def __init__(self, per_hour: int, most_names: int = 50_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._step = _HOUR / per_hour
        self._most = most_names
        self._clock = clock
        self._due: OrderedDict[str, float] = OrderedDict()

    def take(self, name: str) -> float:
        """Take one turn and return 0; without a free turn return the seconds until the next one."""
        now = self._clock()
        due = max(self._due.get(name, now), now)
        wait = due + self._step - now - _HOUR
        if wait > 1e-6:
            return wait
        self._due[name] = due + self._step
        self._due.move_to_end(name)
        while len(self._due) > self._most:
            self._due.popitem(last=False)
        return 0.0


class Ringing:
    """Limits the alerts for urgent posts of one address per hour; further posts are folded into the last alerted one.

    No post is refused. If no post has alerted before, as after a restart, the next one does.
    """

    def __init__(self, per_hour: int, most_names: int = 50_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace = Pace(per_hour, most_names, clock)
        self._most = most_names
        self._last: OrderedDict[str, str] = OrderedDict()

    def last(self, address: str) -> str | None:
        """Return the message into which a post of this address is folded, or None if the post alerts."""
        return self._last.get(address) if self._pace.take(address) else None

    def rang(self, address: str, message_id: str) -> None:
        """Record an alerted message after it is safe."""
        self._last[address] = message_id
        self._last.move_to_end(address)
        while len(self._last) > self._most:
            self._last.popitem(last=False)
