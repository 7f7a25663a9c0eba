"""State of one partition, composed of stores. `tickets/reducers` folds the event log into it; nothing else changes it.

    event log --> reducers --+--> tickets (live tickets, packed)  <--- indices that find them:
                             |       dedupe, clusters, texts, threads, calls, parts, dangling
                             +--> what outlives a ticket: participants, tombstones, separations
                             +--> queues and counters: handovers, sequences, inputs, audit

A store imports other stores only to ask them; `State` alone knows all of them. Deadlines are no store: the clocks of a
ticket are part of the ticket (`TicketState.clocks`), as no decision looks for tickets by their deadline.
"""

import heapq
from collections.abc import Collection, Iterable
from datetime import datetime

from msgspec import Struct

from schemas.records import Features, event
from schemas.records.decision import AuditHead
from tickets.assembly.call_records import CallRecords
from tickets.assembly.sms_parts import PartSet
from tickets.dedupe.clusters import ClusterIndex
from tickets.dedupe.index import DedupeIndex, DedupeSnapshot
from tickets.model.ticket_state import Early, Findable, TicketState
from tickets.policy import TicketPolicy
from tickets.state.call_index import CallIndex
from tickets.state.dangling_references import DanglingReferences
from tickets.state.decided_inputs import DecidedInputs
from tickets.state.handover_queue import HandoverQueue
from tickets.state.part_index import PartIndex
from tickets.state.participants import Participants
from tickets.state.seen import Runs
from tickets.state.separations import Separations
from tickets.state.store import Bodies, LiveTickets
from tickets.state.text_index import TextIndex
from tickets.state.thread_index import ThreadIndex
from tickets.state.tombstones import Forgotten, Tombstones


class Snapshot(Struct, frozen=True, kw_only=True):
    """Everything a checkpoint holds of a `State`."""

    opened: int
    near: DedupeSnapshot
    parts: dict[str, PartSet]
    calls: dict[str, list[CallRecords]] = {}
    tickets: dict[str, bytes]
    bodies: dict[str, bytes]
    by_thread: dict[str, str]
    left: Runs
    successors: dict[str, str]
    sequences: dict[str, int]
    positions: dict[str, dict[int, int]]
    never: list[tuple[str, str]]
    handed_over: dict[str, str]
    acknowledged: Runs
    early: dict[str, Early] = {}
    forgotten: dict[str, Forgotten] = {}
    audit: AuditHead | None = None
    seen: Runs


class State:
    """The stores of one partition, empty or as a checkpoint holds them.

    `bodies` holds the last snapshot of each live ticket as JSON: it is filled from the ticket topic, not from events.
    `sequences` holds the last ticket number of each city and day, `audit` the end of the audit chain.
    """

    def __init__(self, policy: TicketPolicy, kept: Snapshot | None = None) -> None:
        kept = kept or _empty(policy)
        self.policy = policy
        self.tickets = LiveTickets(kept.tickets, kept.opened)
        self.bodies = Bodies(kept.bodies)
        self.dedupe = DedupeIndex.of(kept.near, policy.near)
        self.clusters = ClusterIndex(self.tickets.order_of)
        self.texts = TextIndex()
        self.threads = ThreadIndex(kept.by_thread, kept.successors)
        self.participants = Participants(kept.left)
        self.tombstones = Tombstones(self.participants, kept.forgotten)
        self.separations = Separations(kept.never)
        self.calls = CallIndex(self.tickets, self.threads, self.tombstones, self.separations, kept.calls)
        self.parts = PartIndex(self.tickets, kept.parts)
        self.dangling = DanglingReferences(self.tickets, self.threads)
        self.handovers = HandoverQueue(kept.handed_over, kept.acknowledged, kept.early)
        self.inputs = DecidedInputs(kept.seen, kept.positions)
        self.sequences = dict(kept.sequences)
        self.audit = kept.audit
        self._closed: list[tuple[datetime, str]] = []
        for ticket in self.tickets.findable():
            self._index(ticket)

    def sizes(self) -> dict[str, int]:
        """Return how many entries each store has."""
        return {name.lstrip("_"): len(store) for name, store in vars(self).items() if hasattr(store, "__len__")}

    def may_answer(self, ticket_id: str, people: Iterable[str]) -> bool:
        """Return True if one of these people took part in a ticket before it left, or in one that it succeeds."""
        people = tuple(people)
        tickets = self.threads.ancestry(ticket_id)
        return any(self.participants.has(one, person) for one in tickets for person in people)

    def are_parted(self, ticket_id: str, cluster_id: str) -> bool:
        """Return True if a clerk parted a ticket from any ticket of a cluster."""
        return any((ticket_id, one) in self.separations for one in self.clusters.members(cluster_id))

    def own(self, jurisdiction: str, features: Features) -> list[TicketState]:
        """Return the first and the newest live tickets of the requesters, the newest first."""
        found = map(self.tickets.in_order, self.dedupe.own(jurisdiction, features))
        return [ticket for ticket in found if not set(features.requesters).isdisjoint(ticket.requesters)]

    def saying(self, jurisdiction: str, text_key: str, people: frozenset[str]) -> list[TicketState]:
        """Return a city's live tickets in which one of these people said this very text, the oldest first."""
        found = map(self.tickets.__getitem__, self.texts.find(jurisdiction, text_key, people))
        # the text index finds by short digests: what it finds may, once in a very long time, be another's ticket
        said = [ticket for ticket in found if text_key in ticket.text_keys and not people.isdisjoint(ticket.requesters)]
        return sorted(said, key=lambda ticket: ticket.order)

    def dump(self) -> Snapshot:
        """Return all of it, for a checkpoint."""
        by_thread, successors = self.threads.dump()
        handed_over, acknowledged, early = self.handovers.dump()
        return Snapshot(
            opened=self.tickets.opened,
            near=self.dedupe.dump(),
            parts=self.parts.dump(),
            calls=self.calls.dump(),
            tickets=self.tickets.dump(),
            bodies=self.bodies.dump(),
            by_thread=by_thread,
            left=self.participants.dump(),
            successors=successors,
            sequences=self.sequences,
            positions=self.inputs.positions,
            never=self.separations.dump(),
            handed_over=handed_over,
            acknowledged=acknowledged,
            early=early,
            forgotten=self.tombstones.dump(),
            audit=self.audit,
            seen=self.inputs.seen.dump(),
        )

    def note_closed(self, ticket: Findable) -> None:
        """Queue a closed ticket for its leave."""
        if ticket.closed_at is not None:
            heapq.heappush(self._closed, (ticket.closed_at, ticket.ticket_id))

    def evict(self, now: datetime, kept: Collection[str] = ()) -> None:
        """Let tickets go that were closed long before log time `now`; who may answer them stays known.

        `kept` are those that this very decision changes: they go with the next one.
        """
        self.parts.evict(now)
        self.calls.evict(now)
        waiting = []
        while self._closed and self._closed[0][0] + self.policy.evict_after < now:
            closed_at, ticket_id = heapq.heappop(self._closed)
            ticket = self.tickets.get(ticket_id)
            if ticket is None or ticket.closed_at != closed_at:
                continue
            cluster_id = self.clusters.of(ticket_id)
            if any(one in kept for one in self.clusters.members(cluster_id)):
                waiting.append((closed_at, ticket_id))
            else:
                self._evict_cluster(cluster_id, now)
        for entry in waiting:
            heapq.heappush(self._closed, entry)

    def _evict_cluster(self, cluster_id: str, now: datetime) -> None:
        """Let a cluster go as a whole, with the last of its tickets: no edge ever leads to nowhere."""
        members = [self.tickets[ticket_id] for ticket_id in self.clusters.members(cluster_id)]
        if all(self._is_over(ticket, now) for ticket in reversed(members)):
            self.clusters.drop(cluster_id)
            for ticket in members:
                self._evict(ticket)

    def _is_over(self, ticket: TicketState, now: datetime) -> bool:
        return ticket.closed_at is not None and ticket.closed_at + self.policy.evict_after < now

    def _index(self, ticket: Findable) -> None:
        """Make a ticket of a checkpoint findable."""
        self.tickets.index(ticket)
        self.texts.add(ticket)
        self.dangling.add(ticket)
        self.note_closed(ticket)
        for edge in ticket.edges:
            self.clusters.apply(
                event.EdgeAdded(ticket_id=ticket.ticket_id, other_id=edge.ticket_id, kind=edge.kind, score=edge.score)
            )

    def _evict(self, ticket: TicketState) -> None:
        self.tickets.evict(ticket)
        self.dedupe.remove(ticket.order)
        self.participants.note_leaving(ticket)
        self.bodies.pop(ticket.ticket_id, None)
        self.texts.remove(ticket)
        self.dangling.remove(ticket)


def _empty(policy: TicketPolicy) -> Snapshot:
    return Snapshot(
        opened=0,
        near=DedupeIndex(policy.near).dump(),
        parts={},
        tickets={},
        bodies={},
        by_thread={},
        left=[],
        successors={},
        sequences={},
        positions={},
        never=[],
        handed_over={},
        acknowledged=[],
        seen=[],
    )
