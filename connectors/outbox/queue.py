"""What waits to be answered on one account: emergencies first, and of each citizen one answer after the other."""

import heapq
import itertools
from collections import Counter
from typing import NamedTuple

from connectors.outbox.ledger import Open, address


class Place(NamedTuple):
    """Where an answer stands, for as long as it is open."""

    calm: bool
    number: int
    entry: Open

    @property
    def citizen(self) -> int:
        """Return what tells recipients apart."""
        return address(self.entry.outbox.recipient)


class Queue:
    """The open answers of an account in their order.

    What a citizen gets next waits for what is on its way to them. It waits as well for one that is to be tried again,
    unless it tells of an emergency.
    """

    def __init__(self) -> None:
        self._ready: list[Place] = []
        self._behind: dict[int, list[Place]] = {}
        self._away: set[int] = set()
        self._resting: Counter[int] = Counter()
        self._later: list[tuple[float, Place]] = []
        self._count = itertools.count()

    def put(self, entry: Open) -> None:
        """Queue an open answer behind all others of its kind."""
        heapq.heappush(self._ready, Place(not entry.outbox.urgent, next(self._count), entry))

    def wake(self, moment: float) -> None:
        """Put those back in their place whose time to be tried again has come."""
        while self._later and self._later[0][0] <= moment:
            _, place = heapq.heappop(self._later)
            self._resting[place.citizen] -= 1
            heapq.heappush(self._ready, place)
            self._let_on(place.citizen)

    def first(self) -> Place | None:
        """Return the next one whose citizen gets none just now; it stays until it is taken."""
        while self._ready:
            place = self._ready[0]
            if not self._must_wait(place):
                return place
            heapq.heappop(self._ready)
            self._behind.setdefault(place.citizen, []).append(place)
        return None

    def take(self, *, away: bool) -> None:
        """Take the first one out; `away` says that it is on its way to its citizen now."""
        place = heapq.heappop(self._ready)
        if away:
            self._away.add(place.citizen)

    def done(self, place: Place) -> None:
        """Let the citizen's next answer on: this one is not on its way any more."""
        self._away.discard(place.citizen)
        self._let_on(place.citizen)

    def rest(self, place: Place, until: float) -> None:
        """Keep one that was not taken until it is to be tried again."""
        self._resting[place.citizen] += 1
        heapq.heappush(self._later, (until, place))
        self.done(place)

    def pause(self, moment: float) -> float | None:
        """Return the seconds until the next one is to be tried again; None when there is none."""
        return max(0.001, self._later[0][0] - moment) if self._later else None

    def _must_wait(self, place: Place) -> bool:
        return place.citizen in self._away or (place.calm and self._resting[place.citizen] > 0)

    def _let_on(self, citizen: int) -> None:
        if not self._resting[citizen]:
            del self._resting[citizen]
        for place in self._behind.pop(citizen, ()):
            heapq.heappush(self._ready, place)
