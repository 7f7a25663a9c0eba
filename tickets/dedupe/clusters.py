"""Clusters: connected components of tickets and edges, each named by its oldest ticket.

An edge belongs to the ticket that was joined to another one, which alone shows it. A merge (并单) is an edge on each
side.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import itemgetter

from schemas.records import Event, TicketVersion, event

CONNECTING = frozenset({"merged", "cluster"})
"""Kinds of edges that make a cluster; `related` only points."""

EdgeChange = event.EdgeAdded | event.EdgeRemoved
_EDGE_CHANGES = frozenset({event.EdgeAdded, event.EdgeRemoved})
Pair = tuple[str, str]


class ClusterIndex:
    """Connected components; `order` returns a ticket's place in the order of opening, infinity if it is not open."""

    def __init__(self, order: Callable[[str], float]) -> None:
        self._order = order
        self._cluster: dict[str, str] = {}
        self._members: dict[str, dict[str, float]] = {}
        self._beside: dict[str, dict[str, int]] = {}

    def __len__(self) -> int:
        return len(self._members)

    def of(self, ticket_id: str) -> str:
        """Return the cluster of a ticket: its own id if it is alone."""
        return self._cluster.get(ticket_id, ticket_id)

    def is_alone(self, ticket_id: str) -> bool:
        """Return True if no edge joins a ticket to another one."""
        return self.of(ticket_id) not in self._members

    def members(self, cluster_id: str) -> Iterable[str]:
        """Return the tickets of a cluster, the oldest first."""
        return self._members.get(cluster_id, (cluster_id,))

    def after(self, changes: Iterable[event.AnyChange]) -> dict[str, str]:
        """Return the tickets whose cluster the changes would alter, with the new one; the index stays unchanged."""
        edges = list(_connecting(changes))
        if not any(isinstance(change, event.EdgeRemoved) for change in edges):
            return self._after_joining([_ends(change) for change in edges])
        return self._after_parting(edges)

    def apply(self, change: EdgeChange) -> None:
        """Apply one change of an edge."""
        moved = self.after((change,))
        for edge in _connecting((change,)):
            self._count(_ends(edge), 1 if isinstance(edge, event.EdgeAdded) else -1)
        touched = {*moved.values(), *(self.of(ticket_id) for ticket_id in moved)}
        for ticket_id, cluster_id in moved.items():
            self._members.get(self.of(ticket_id), {}).pop(ticket_id, None)
            self._cluster[ticket_id] = cluster_id
        self._add(moved)
        for cluster_id in touched:
            if len(self._members.get(cluster_id, ())) < 2:
                self._members.pop(cluster_id, None)
                if self.of(cluster_id) == cluster_id:
                    self._cluster.pop(cluster_id, None)

    def _add(self, moved: Mapping[str, str]) -> None:
        """Add tickets to the members of their clusters; mostly one, and the newest of all."""
        mixed = set()
        for ticket_id, cluster_id in moved.items():
            members = self._members.setdefault(cluster_id, {cluster_id: self._order(cluster_id)})
            order = self._order(ticket_id)
            if order < next(reversed(members.values())):
                mixed.add(cluster_id)
            members[ticket_id] = order
        for cluster_id in mixed:
            self._members[cluster_id] = dict(sorted(self._members[cluster_id].items(), key=itemgetter(1)))

    def drop(self, cluster_id: str) -> None:
        """Forget a whole cluster: its tickets leave the memory together."""
        for ticket_id in self._members.pop(cluster_id, ()):
            self._cluster.pop(ticket_id, None)
            self._beside.pop(ticket_id, None)

    def _after_joining(self, pairs: Iterable[Pair]) -> dict[str, str]:
        """Join whole clusters; the cost of a new ticket does not depend on the size of its cluster."""
        now: dict[str, str] = {}
        for pair in pairs:
            ends = {_last(now, self.of(end)) for end in pair}
            oldest = min(ends, key=self._order)
            now |= dict.fromkeys(ends - {oldest}, oldest)
        return {one: _last(now, cluster_id) for cluster_id in now for one in self.members(cluster_id)}

    def _after_parting(self, edges: Iterable[EdgeChange]) -> dict[str, str]:
        counts: dict[Pair, int] = {}
        for edge in edges:
            one, other = _ends(edge)
            step = 1 if isinstance(edge, event.EdgeAdded) else -1
            for pair in ((one, other), (other, one)):
                counts[pair] = counts.get(pair, 0) + step
        touched = {self.of(end) for pair in counts for end in pair}
        left = {ticket_id for cluster_id in touched for ticket_id in self.members(cluster_id)}
        now: dict[str, str] = {}
        while left:
            reached = self._component(next(iter(left)), counts)
            left -= reached
            oldest = min(reached, key=self._order)
            now |= dict.fromkeys(reached, oldest)
        return {one: cluster_id for one, cluster_id in now.items() if self.of(one) != cluster_id}

    def _component(self, start: str, counts: dict[Pair, int]) -> set[str]:
        reached, waiting = {start}, [start]
        while waiting:
            one = waiting.pop()
            there = self._beside.get(one, {})
            others = {*there, *(other for end, other in counts if end == one)}
            more = {other for other in others if there.get(other, 0) + counts.get((one, other), 0) > 0} - reached
            reached |= more
            waiting += more
        return reached

    def _count(self, pair: Pair, step: int) -> None:
        for one, other in (pair, pair[::-1]):
            there = self._beside.setdefault(one, {})
            there[other] = there.get(other, 0) + step
            if there[other] <= 0:
                del there[other]
            if not there:
                del self._beside[one]


def versions(
    clusters: ClusterIndex, version_of: Callable[[str], int], changed: tuple[TicketVersion, ...], changes: event.Changes
) -> tuple[TicketVersion, ...]:
    """Return the tickets that a decision changes, followed by those whose edges or cluster it changes."""
    edges = [change for change in changes if type(change) in _EDGE_CHANGES]
    if not edges:
        return changed
    known = {one.ticket_id for one in changed}
    holders = [change.ticket_id for change in edges if isinstance(change, EdgeChange)]
    more = dict.fromkeys((*holders, *sorted(clusters.after(changes))))
    return (*changed, *(TicketVersion(ticket_id=one, version=version_of(one) + 1) for one in more if one not in known))


def touches_edges(decision: Event) -> bool:
    """Return True if a decision changes any edge."""
    return not _EDGE_CHANGES.isdisjoint(map(type, decision.changes))


def _connecting(changes: Iterable[event.AnyChange]) -> Iterator[EdgeChange]:
    for change in changes:
        if isinstance(change, EdgeChange) and change.kind in CONNECTING and change.ticket_id != change.other_id:
            yield change


def _ends(change: EdgeChange) -> Pair:
    return change.ticket_id, change.other_id


def _last(now: dict[str, str], cluster_id: str) -> str:
    while cluster_id in now:
        cluster_id = now[cluster_id]
    return cluster_id
