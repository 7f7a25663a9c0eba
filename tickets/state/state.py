"""State of one partition: the fold of `apply` over the event log, and nothing else."""

import heapq
import math
from collections.abc import Collection, Iterable
from datetime import datetime

from msgspec import Struct

from schemas.records import Event, Features, event
from schemas.records.decision import AuditHead
from tickets.assembly import call_records
from tickets.assembly.call_records import CallRecords
from tickets.assembly.sms_parts import REMEMBERED, PartSet
from tickets.dedupe import dangling_references
from tickets.dedupe.clusters import Clusters
from tickets.dedupe.index import Near, NearSnapshot
from tickets.erasure.tombstones import Forgotten
from tickets.model.keys import part, scoped
from tickets.model.ticket_state import Early, Findable, TicketState
from tickets.policy import TicketPolicy
from tickets.state.reducers import REDUCERS
from tickets.state.seen import Seen
from tickets.state.store import Bodies, Shelf
from tickets.state.text_index import Texts

_MOST_EARLY = 10_000


class Snapshot(Struct, frozen=True, kw_only=True):
    """Everything a checkpoint holds of a `State`."""

    opened: int
    near: NearSnapshot
    parts: dict[str, PartSet]
    calls: dict[str, list[CallRecords]] = {}
    tickets: dict[str, bytes]
    bodies: dict[str, bytes]
    by_thread: dict[str, str]
    left: bytes
    successors: dict[str, str]
    sequences: dict[str, int]
    positions: dict[str, dict[int, int]]
    never: list[tuple[str, str]]
    handed_over: dict[str, str]
    acknowledged: bytes
    early: dict[str, Early] = {}
    forgotten: dict[str, Forgotten] = {}
    audit: AuditHead | None = None
    seen: bytes


class State:
    """Live tickets and the indices that find them; changed by `apply` alone.

    `bodies` holds the last snapshot of each live ticket as JSON: it is filled from the ticket topic, not from events.
    `left` holds the tickets that left the memory, and who took part in them. The ticket that one of them opens by an
    answer is the successor of the one that left: what answers that one goes there. `forgotten` holds, by hashed thread
    id, what was erased and may come again (`tickets/erasure/tombstones.py`). `dangling` holds, by hashed thread id, the
    tickets that answer a message which has not come (`tickets/dedupe/dangling_references.py`).
    """

    def __init__(self, policy: TicketPolicy) -> None:
        self.policy = policy
        self.opened = 0
        self.tickets = Shelf()
        self.by_order: dict[int, str] = {}
        self.parts: dict[str, PartSet] = {}
        self.calls: dict[str, list[CallRecords]] = {}
        self.by_number: dict[str, str] = {}
        self.near = Near(policy.near)
        self.clusters = Clusters(self._order_of)
        self.bodies = Bodies()
        self.by_thread: dict[str, str] = {}
        self.left = Seen()
        self.dangling: dict[str, tuple[str, ...]] = {}
        self.successors: dict[str, str] = {}
        self.predecessors: dict[str, str] = {}
        self.texts = Texts()
        self.sequences: dict[str, int] = {}
        self.positions: dict[str, dict[int, int]] = {}
        self.never: set[tuple[str, str]] = set()
        self.handed_over: dict[str, str] = {}
        self.acknowledged = Seen()
        self.early: dict[str, Early] = {}
        self.forgotten: dict[str, Forgotten] = {}
        self.audit: AuditHead | None = None
        self.seen = Seen()
        self._closed: list[tuple[datetime, str]] = []

    def decided(self, topic: str, partition: int) -> int:
        """Return the offset of the last decided input of a topic's partition, -1 when there is none."""
        return self.positions.get(topic, {}).get(partition, -1)

    def version_of(self, ticket_id: str) -> int:
        """Return the version of a ticket, 0 when it is not live."""
        ticket = self.tickets.get(ticket_id)
        return 0 if ticket is None else ticket.version

    def in_thread(self, jurisdiction: str, key: str) -> str | None:
        """Return the ticket of the message with this hashed thread id, or its successor; it may have left."""
        ticket_id = self.by_thread.get(scoped(jurisdiction, key))
        return self.succeeding(ticket_id) if ticket_id is not None else None

    def succeeding(self, ticket_id: str) -> str:
        """Return the ticket that took the place of one that left, at last; itself when none did."""
        while ticket_id in self.successors:
            ticket_id = self.successors[ticket_id]
        return ticket_id

    def may_answer(self, ticket_id: str, people: Iterable[str]) -> bool:
        """Say whether one of these people took part in a ticket before it left, or in one that it succeeds."""
        line = [ticket_id]
        while line[-1] in self.predecessors:
            line.append(self.predecessors[line[-1]])
        return any(part(one, person) in self.left for one in line for person in people)

    def keep_apart(self, one: str, other: str) -> None:
        """Note that a clerk parted two tickets: no rule brings them together again, from whichever side."""
        self.never |= {(one, other), (other, one)}

    def are_parted(self, ticket_id: str, cluster_id: str) -> bool:
        """Say whether a clerk parted a ticket from one of a cluster: whoever of it is found leads back to that one."""
        return any((ticket_id, one) in self.never for one in self.clusters.members(cluster_id))

    def in_order(self, order: int) -> TicketState:
        """Return the live ticket that was opened as this one of the partition's, counted from 0."""
        return self.tickets[self.by_order[order]]

    def own(self, jurisdiction: str, features: Features) -> list[TicketState]:
        """Return the first and the newest live tickets of who asks, the newest first."""
        found = map(self.in_order, self.near.own(jurisdiction, features))
        return [ticket for ticket in found if not set(features.requesters).isdisjoint(ticket.requesters)]

    def saying(self, jurisdiction: str, text_key: str, people: frozenset[str]) -> list[TicketState]:
        """Return a city's live tickets in which one of these people said this very text, the oldest first."""
        found = map(self.tickets.__getitem__, self.texts.find(jurisdiction, text_key, people))
        said = [ticket for ticket in found if text_key in ticket.text_keys and not people.isdisjoint(ticket.requesters)]
        return sorted(said, key=lambda ticket: ticket.order)

    def dump(self) -> Snapshot:
        """Return all of it, for a checkpoint."""
        return Snapshot(
            opened=self.opened,
            near=self.near.dump(),
            parts=self.parts,
            calls=self.calls,
            tickets=self.tickets.dump(),
            bodies=self.bodies.dump(),
            by_thread=self.by_thread,
            left=self.left.dump(),
            successors=self.successors,
            sequences=self.sequences,
            positions=self.positions,
            never=sorted(self.never),
            handed_over=self.handed_over,
            acknowledged=self.acknowledged.dump(),
            early=self.early,
            forgotten=self.forgotten,
            audit=self.audit,
            seen=self.seen.dump(),
        )

    @classmethod
    def of(cls, snapshot: Snapshot, policy: TicketPolicy) -> "State":
        """Rebuild the state that `dump` was taken of."""
        state = cls(policy)
        state.bodies = Bodies(snapshot.bodies)
        state.by_thread = dict(snapshot.by_thread)
        state.left = Seen(snapshot.left)
        state.successors = dict(snapshot.successors)
        state.predecessors = {later: earlier for earlier, later in snapshot.successors.items()}
        state.sequences = dict(snapshot.sequences)
        state.positions = {topic: dict(offsets) for topic, offsets in snapshot.positions.items()}
        state.never = set(snapshot.never)
        state.handed_over = dict(snapshot.handed_over)
        state.acknowledged = Seen(snapshot.acknowledged)
        state.early = dict(snapshot.early)
        state.forgotten = dict(snapshot.forgotten)
        state.audit = snapshot.audit
        state.seen = Seen(snapshot.seen)
        state.opened = snapshot.opened
        state.parts = dict(snapshot.parts)
        state.calls = dict(snapshot.calls)
        state.near = Near.of(snapshot.near, policy.near)
        state.tickets = Shelf(snapshot.tickets)
        for ticket in state.tickets.findable():
            state._file(ticket)
        return state

    def _file(self, ticket: Findable) -> None:
        self.by_number[ticket.ticket_no] = ticket.ticket_id
        self.by_order[ticket.order] = ticket.ticket_id
        self.texts.add(ticket)
        dangling_references.add(self, ticket)
        self.note_closed(ticket)
        for edge in ticket.edges:
            self.clusters.apply(
                event.EdgeAdded(ticket_id=ticket.ticket_id, other_id=edge.ticket_id, kind=edge.kind, score=edge.score)
            )

    def note_early(self, handover_id: str, early: Early) -> None:
        """Remember who took a hand-over before its ticket was there; of those that never get one the newest stay."""
        self.early[handover_id] = early
        while len(self.early) > _MOST_EARLY:
            del self.early[next(iter(self.early))]

    def note_closed(self, ticket: Findable) -> None:
        """Queue a closed ticket for its leave."""
        if ticket.closed_at is not None:
            heapq.heappush(self._closed, (ticket.closed_at, ticket.ticket_id))

    def evict(self, now: datetime, kept: Collection[str] = ()) -> None:
        """Let tickets go that were closed long before log time `now`; who may answer them stays known.

        `kept` are those that this very decision changes: they go with the next one.
        """
        self._forget_parts(now)
        call_records.forget(self, now)
        waiting = []
        while self._closed and self._closed[0][0] + self.policy.evict_after < now:
            closed_at, ticket_id = heapq.heappop(self._closed)
            ticket = self.tickets.get(ticket_id)
            if ticket is None or ticket.closed_at != closed_at:
                continue
            members = self.clusters.members(self.clusters.of(ticket_id))
            if any(one in kept for one in members):
                waiting.append((closed_at, ticket_id))
            else:
                self._forget_cluster(self.clusters.of(ticket_id), now)
        for entry in waiting:
            heapq.heappush(self._closed, entry)

    def _forget_parts(self, now: datetime) -> None:
        """Let parts go in the order they came: the newest of a set is the last in the dictionary."""
        while self.parts:
            key, oldest = next(iter(self.parts.items()))
            if oldest.joined_at + REMEMBERED >= now:
                return
            del self.parts[key]

    def _forget_cluster(self, cluster_id: str, now: datetime) -> None:
        """Let a cluster go as a whole, with the last of its tickets: no edge ever leads to nowhere."""
        members = [self.tickets[ticket_id] for ticket_id in self.clusters.members(cluster_id)]
        if all(self._is_over(ticket, now) for ticket in reversed(members)):
            self.clusters.drop(cluster_id)
            for ticket in members:
                self._forget(ticket)

    def _is_over(self, ticket: TicketState, now: datetime) -> bool:
        return ticket.closed_at is not None and ticket.closed_at + self.policy.evict_after < now

    def _order_of(self, ticket_id: str) -> float:
        ticket = self.tickets.get(ticket_id)
        return math.inf if ticket is None else ticket.order

    def _forget(self, ticket: TicketState) -> None:
        del self.tickets[ticket.ticket_id]
        del self.by_order[ticket.order]
        del self.by_number[ticket.ticket_no]
        self.near.remove(ticket.order)
        self.left.add(ticket.ticket_id)
        self.bodies.pop(ticket.ticket_id, None)
        for person in dict.fromkeys((*ticket.requesters, *ticket.participants)):
            self.left.add(part(ticket.ticket_id, person))
        self.texts.remove(ticket)
        dangling_references.drop(self, ticket)


def fold(events: Iterable[Event], policy: TicketPolicy) -> State:
    """Return the state after `events`, oldest first."""
    state = State(policy)
    for one in events:
        apply(state, one)
    return state


def apply(state: State, decision: Event) -> None:
    """Fold one decision into the state; the only place that changes it."""
    state.tickets.tidy()
    ref = decision.input
    state.positions.setdefault(ref.topic, {})[ref.partition] = ref.offset
    state.seen.add(scoped(decision.jurisdiction, decision.event_id))
    state.audit = decision.audit or state.audit
    call_records.note(state, decision)
    for change in decision.changes:
        step = REDUCERS.get(type(change))
        if step is not None:
            step(state, decision, change)
    for changed in decision.tickets:
        ticket = state.tickets.get(changed.ticket_id)
        if ticket is not None:
            ticket.version = changed.version
    state.evict(decision.at, [changed.ticket_id for changed in decision.tickets])
