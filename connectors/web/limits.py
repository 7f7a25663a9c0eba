"""How often one address may come, and which of its urgent posts ring: nothing that was accepted is forgotten."""

import time
from collections import OrderedDict
from collections.abc import Callable

_HOUR = 3600.0


class Pace:
    """So many an hour for each name, all of them at once if need be (GCRA); the oldest names are forgotten."""

    def __init__(self, per_hour: int, most_names: int = 50_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._step = _HOUR / per_hour
        self._most = most_names
        self._clock = clock
        self._due: OrderedDict[str, float] = OrderedDict()

    def take(self, name: str) -> float:
        """Take one turn and return 0; without a turn left take none and return the seconds until there is one."""
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
    """Which urgent posts of one address ring by themselves: so many an hour, the others fold into the last of them.

    Nothing is refused. If no post rang before, as after a restart, the next one does.
    """

    def __init__(self, per_hour: int, most_names: int = 50_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace = Pace(per_hour, most_names, clock)
        self._most = most_names
        self._last: OrderedDict[str, str] = OrderedDict()

    def last(self, address: str) -> str | None:
        """Return the message that a post of this address folds into, None if the post rings by itself."""
        return self._last.get(address) if self._pace.take(address) else None

    def rang(self, address: str, message_id: str) -> None:
        """Note a message that rings by itself, once it is safe."""
        self._last[address] = message_id
        self._last.move_to_end(address)
        while len(self._last) > self._most:
            self._last.popitem(last=False)
