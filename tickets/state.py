"""State of one partition: the fold of `apply` over the event log, and nothing else."""

import heapq
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from schemas.records import Edge, Event, event
from tickets.policy import TicketPolicy
from tickets.seen import Seen

CLOSED = frozenset({"resolved", "revisited", "evaluated", "archived", "not_accepted"})
"""Statuses after which a ticket may leave the memory (domain.md B3)."""


class TicketState(Struct, kw_only=True):
    """What later decisions need of one live ticket; its body is the last snapshot, kept beside it."""

    ticket_id: str
    ticket_no: str
    jurisdiction: str
    version: int = 0
    status: str = "received"
    closed_at: datetime | None = None
    requesters: list[str] = field(default_factory=list)
    participants: list[str] = field(default_factory=list)
    text_keys: list[str] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)


class Snapshot(Struct, frozen=True, kw_only=True):
    """Everything a checkpoint holds of a `State`."""

    tickets: list[TicketState]
    bodies: dict[str, bytes]
    by_thread: dict[str, str]
    left: bytes
    successors: dict[str, str]
    sequences: dict[str, int]
    positions: dict[str, dict[int, int]]
    never: list[tuple[str, str]]
    handed_over: list[str]
    seen: bytes


class State:
    """Live tickets and the indices that find them; changed by `apply` alone.

    `bodies` holds the last snapshot of each live ticket as JSON: it is filled from the ticket topic, not from events.
    `left` holds who took part in tickets that left the memory. The ticket that one of them opens by an answer is the
    successor of the one that left: what answers that one goes there.
    """

    def __init__(self, policy: TicketPolicy) -> None:
        self.policy = policy
        self.tickets: dict[str, TicketState] = {}
        self.bodies: dict[str, bytes] = {}
        self.by_thread: dict[str, str] = {}
        self.left = Seen()
        self.successors: dict[str, str] = {}
        self.predecessors: dict[str, str] = {}
        self.by_text: dict[str, list[str]] = {}
        self.sequences: dict[str, int] = {}
        self.positions: dict[str, dict[int, int]] = {}
        self.never: set[tuple[str, str]] = set()
        self.handed_over: set[str] = set()
        self.seen = Seen()
        self._closed: list[tuple[datetime, str]] = []

    def decided(self, topic: str, partition: int) -> int:
        """Return the offset of the last decided input of a topic's partition, -1 when there is none."""
        return self.positions.get(topic, {}).get(partition, -1)

    def in_thread(self, jurisdiction: str, key: str) -> str | None:
        """Return the ticket of the message with this hashed thread id, or its successor; it may have left."""
        ticket_id = self.by_thread.get(scoped(jurisdiction, key))
        while ticket_id in self.successors:
            ticket_id = self.successors[ticket_id]
        return ticket_id

    def may_answer(self, ticket_id: str, people: Iterable[str]) -> bool:
        """Say whether one of these people took part in a ticket before it left, or in one that it succeeds."""
        line = [ticket_id]
        while line[-1] in self.predecessors:
            line.append(self.predecessors[line[-1]])
        return any(_part(one, person) in self.left for one in line for person in people)

    def with_text(self, jurisdiction: str, key: str) -> Iterable[TicketState]:
        """Return the live tickets of a city that hold this very text."""
        return (self.tickets[ticket_id] for ticket_id in self.by_text.get(scoped(jurisdiction, key), ()))

    def dump(self) -> Snapshot:
        """Return all of it, for a checkpoint."""
        return Snapshot(
            tickets=list(self.tickets.values()),
            bodies=self.bodies,
            by_thread=self.by_thread,
            left=self.left.dump(),
            successors=self.successors,
            sequences=self.sequences,
            positions=self.positions,
            never=sorted(self.never),
            handed_over=sorted(self.handed_over),
            seen=self.seen.dump(),
        )

    @classmethod
    def of(cls, snapshot: Snapshot, policy: TicketPolicy) -> "State":
        """Rebuild the state that `dump` was taken of."""
        state = cls(policy)
        state.bodies = dict(snapshot.bodies)
        state.by_thread = dict(snapshot.by_thread)
        state.left = Seen(snapshot.left)
        state.successors = dict(snapshot.successors)
        state.predecessors = {later: earlier for earlier, later in snapshot.successors.items()}
        state.sequences = dict(snapshot.sequences)
        state.positions = {topic: dict(offsets) for topic, offsets in snapshot.positions.items()}
        state.never = set(snapshot.never)
        state.handed_over = set(snapshot.handed_over)
        state.seen = Seen(snapshot.seen)
        for ticket in snapshot.tickets:
            state.tickets[ticket.ticket_id] = ticket
            state.index_texts(ticket)
            state.note_closed(ticket)
        return state

    def index_texts(self, ticket: TicketState) -> None:
        """Make a ticket findable by the texts filed in it."""
        for key in ticket.text_keys:
            found = self.by_text.setdefault(scoped(ticket.jurisdiction, key), [])
            if ticket.ticket_id not in found:
                found.append(ticket.ticket_id)

    def note_closed(self, ticket: TicketState) -> None:
        """Queue a closed ticket for its leave."""
        if ticket.closed_at is not None:
            heapq.heappush(self._closed, (ticket.closed_at, ticket.ticket_id))

    def evict(self, now: datetime) -> None:
        """Let tickets go that were closed long before log time `now`; who may answer them stays known."""
        while self._closed and self._closed[0][0] + self.policy.evict_after < now:
            closed_at, ticket_id = heapq.heappop(self._closed)
            ticket = self.tickets.get(ticket_id)
            if ticket is not None and ticket.closed_at == closed_at:
                self._forget(ticket)

    def _forget(self, ticket: TicketState) -> None:
        del self.tickets[ticket.ticket_id]
        self.bodies.pop(ticket.ticket_id, None)
        for person in dict.fromkeys((*ticket.requesters, *ticket.participants)):
            self.left.add(_part(ticket.ticket_id, person))
        for key in (scoped(ticket.jurisdiction, key) for key in ticket.text_keys):
            rest = [other for other in self.by_text.get(key, ()) if other != ticket.ticket_id]
            if rest:
                self.by_text[key] = rest
            else:
                self.by_text.pop(key, None)


def fold(events: Iterable[Event], policy: TicketPolicy) -> State:
    """Return the state after `events`, oldest first."""
    state = State(policy)
    for one in events:
        apply(state, one)
    return state


def apply(state: State, decision: Event) -> None:
    """Fold one decision into the state; the only place that changes it."""
    ref = decision.input
    state.positions.setdefault(ref.topic, {})[ref.partition] = ref.offset
    state.seen.add(decision.event_id)
    for change in decision.changes:
        step = _STEPS.get(type(change))
        if step is not None:
            step(state, decision, change)
    for changed in decision.tickets:
        ticket = state.tickets.get(changed.ticket_id)
        if ticket is not None:
            ticket.version = changed.version
    state.evict(decision.at)


def _opened(state: State, decision: Event, change: event.Opened) -> None:
    state.tickets[change.ticket_id] = TicketState(
        ticket_id=change.ticket_id, ticket_no=change.ticket_no, jurisdiction=decision.jurisdiction
    )
    people = decision.features.requesters if decision.features else ()
    for related in change.related:
        if state.may_answer(related, people):
            state.successors[related] = change.ticket_id
            state.predecessors[change.ticket_id] = related
    state.sequences[day_key(decision.jurisdiction, change.day)] = change.sequence


def _filed(state: State, decision: Event, change: event.MessageFiled) -> None:
    ticket, features = state.tickets.get(change.ticket_id), decision.features
    if ticket is None or features is None:
        return
    _extend(ticket.requesters, features.requesters)
    _extend(ticket.participants, features.participants)
    if features.message_key:
        state.by_thread.setdefault(scoped(decision.jurisdiction, features.message_key), ticket.ticket_id)
    if features.text_key:
        _extend(ticket.text_keys, (features.text_key,))
        state.index_texts(ticket)


def _reopened(state: State, decision: Event, change: event.Reopened) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.status, ticket.closed_at = "reopened", None


def _status_set(state: State, decision: Event, change: event.StatusSet) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is None:
        return
    ticket.status = change.status
    ticket.closed_at = decision.at if change.status in CLOSED else None
    state.note_closed(ticket)


def _edge_added(state: State, decision: Event, change: event.EdgeAdded) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.edges.append(Edge(ticket_id=change.other_id, kind=change.kind, score=change.score))


def _edge_removed(state: State, decision: Event, change: event.EdgeRemoved) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        gone = (change.other_id, change.kind)
        ticket.edges = [edge for edge in ticket.edges if (edge.ticket_id, edge.kind) != gone]


def _never_link(state: State, decision: Event, change: event.NeverLink) -> None:
    state.never.add((change.message_id, change.ticket_id))


def _handed_over(state: State, decision: Event, change: event.HandedOver) -> None:
    state.handed_over.add(change.handover_id)


def _acknowledged(state: State, decision: Event, change: event.Acknowledged) -> None:
    state.handed_over.discard(change.handover_id)


_STEPS: dict[type, Callable[[State, Event, Any], None]] = {
    event.Opened: _opened,
    event.MessageFiled: _filed,
    event.Reopened: _reopened,
    event.StatusSet: _status_set,
    event.EdgeAdded: _edge_added,
    event.EdgeRemoved: _edge_removed,
    event.NeverLink: _never_link,
    event.HandedOver: _handed_over,
    event.Acknowledged: _acknowledged,
}


def day_key(jurisdiction: str, day: str) -> str:
    """Return the key under which a city's ticket numbers of one day are counted."""
    return f"{jurisdiction}-{day}"


def scoped(jurisdiction: str, key: str) -> str:
    """Return an index key that never crosses cities, whichever partition they share."""
    return f"{jurisdiction}:{key}"


def _part(ticket_id: str, person: str) -> str:
    return f"{ticket_id} {person}"


def _extend(known: list[str], more: Iterable[str]) -> None:
    known.extend(one for one in dict.fromkeys(more) if one not in known)
