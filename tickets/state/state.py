"""State of one partition, composed of stores. `tickets/reducers` folds the event log into it; nothing else changes it.

    event log --> reducers --+--> tickets (live tickets, packed)  <--- indices that find them:
                             |       dedupe, clusters, texts, threads, calls, parts, dangling
                             +--> what outlives a ticket: participants, tombstones, separations
                             +--> queues and counters: handovers, sequences, inputs, audit

A store imports other stores only to ask them; `State` alone knows all of them. Deadlines are no store: the clocks of a
ticket are part of the ticket (`TicketState.clocks`), as no decision looks for tickets by their deadline.
"""

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from math import ceil
from typing import Any

from msgspec import Struct, field

from schemas.records import Features, event
from schemas.records.decision import AuditHead
from tickets.assembly.call_records import CallRecords
from tickets.assembly.sms_parts import PartSet
from tickets.dedupe.clusters import ClusterIndex
from tickets.dedupe.index import DedupeIndex, DedupeSnapshot, packed
from tickets.model.delta import freeze, thaw
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


class Snapshot(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything a checkpoint holds of a `State`, or a piece of that."""

    opened: int = 0
    near: DedupeSnapshot = field(default_factory=DedupeSnapshot)
    parts: dict[str, PartSet] = {}
    calls: dict[str, list[CallRecords]] = {}
    tickets: dict[str, bytes] = {}
    bodies: dict[str, bytes] = {}
    by_thread: dict[str, str] = {}
    left: Runs = []
    successors: dict[str, str] = {}
    sequences: dict[str, int] = {}
    positions: dict[str, dict[int, int]] = {}
    never: list[tuple[str, str]] = []
    handed_over: dict[str, str] = {}
    acknowledged: Runs = []
    early: dict[str, Early] = {}
    forgotten: dict[str, Forgotten] = {}
    audit: AuditHead | None = None
    seen: Runs = []

    def add(self, piece: "Snapshot") -> None:
        """Add a further piece of the same state; what does not grow is in the first one."""
        self.near.add(piece.near)
        for name in self.__struct_fields__:
            mine, more = getattr(self, name), getattr(piece, name)
            if isinstance(mine, dict):
                mine.update(more)
            elif isinstance(mine, list):
                mine += more


PIECE = 1_000
"""Entries of one kind in a piece of a snapshot: with all kinds some 2 MB."""

MOST = {"by_key": 10_000, "left": 256, "acknowledged": 256, "seen": 256, "rarities": 1}
"""Entries in a piece of the kinds that are larger or smaller: 256 blocks of digests are 1 MB, a city's rarity is 2."""


GROWING = {
    "tickets": ("tickets", "_packed"),
    "bodies": ("bodies", "_packed"),
    "kept": ("dedupe", "_kept"),
    "by_key": ("dedupe", "_by_key"),
    "by_thread": ("threads", "_by_key"),
    "successors": ("threads", "_successors"),
    "forgotten": ("tombstones", "_by_key"),
}
"""The dictionaries that grow with the tickets, each by its store and attribute; their values never change in place."""


class Pieces:
    """A state as it stood at one moment, in small snapshots; each is made when it is asked for, and only once.

    `first` holds what does not grow. Of whatever grows each further piece, counted by `len`, takes an equal share.
    After `close` the state is as before, and no more pieces come.
    """

    def __init__(self, state: "State", first: Snapshot, lists: Mapping[str, Collection[Any]]) -> None:
        self.first = first
        self._state: State | None = state
        bases = {name: freeze(getattr(state, store), at) for name, (store, at) in GROWING.items()}
        sizes = {name: len(some) for name, some in (*bases.items(), *lists.items())}
        self._count = max(ceil(size / MOST.get(name, PIECE)) for name, size in sizes.items())
        entries = {name: iter(base.items()) for name, base in bases.items()} | {
            name: iter(some) for name, some in lists.items()
        }
        self._shares = {name: (some, ceil(sizes[name] / max(self._count, 1))) for name, some in entries.items()}

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Snapshot]:
        for _ in range(self._count):
            if self._state is None:
                raise RuntimeError("the pieces are closed: the state has changed since")
            share = {name: [*islice(some, size)] for name, (some, size) in self._shares.items()}
            near = packed(share.pop("kept"), share.pop("by_key"), share.pop("rarities"))
            fields: dict[str, Any] = {name: some if name in _LISTS else dict(some) for name, some in share.items()}
            yield Snapshot(near=near, **fields)

    def close(self) -> None:
        """Let the state change in place again. Idempotent."""
        state, self._state = self._state, None
        if state is not None:
            for store, at in GROWING.values():
                thaw(getattr(state, store), at)
            state._pieces = None


_LISTS = frozenset({"left", "acknowledged", "seen", "never"})


class State:
    """The stores of one partition, empty or as a checkpoint holds them.

    `bodies` holds the last snapshot of each live ticket as JSON: it is filled from the ticket topic, not from events.
    `sequences` holds the last ticket number of each city and day, `audit` the end of the audit chain.
    """

    def __init__(self, policy: TicketPolicy, kept: Snapshot | None = None) -> None:
        kept = kept or Snapshot()
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
        self._pieces: Pieces | None = None
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

    def pieces(self) -> Pieces:
        """Take all of it as it stands, for a checkpoint: by references, so in some milliseconds at any size.

        Until `close`, changes lie in deltas. One checkpoint at a time: a second call closes the pieces of the first.
        """
        if self._pieces is not None:
            self._pieces.close()
        self.tickets.tidy(0)
        handed_over, acknowledged, early = self.handovers.dump()
        first = Snapshot(
            opened=self.tickets.opened,
            positions={topic: dict(offsets) for topic, offsets in self.inputs.positions.items()},
            audit=self.audit,
        )
        lists: dict[str, Collection[Any]] = {
            "rarities": self.dedupe.rarities(),
            "parts": self.parts.dump().items(),
            "calls": self.calls.dump().items(),
            "sequences": self.sequences.copy().items(),
            "handed_over": handed_over.items(),
            "early": early.items(),
            "never": self.separations.dump(),
            "left": self.participants.dump(),
            "acknowledged": acknowledged,
            "seen": self.inputs.seen.dump(),
        }
        self._pieces = Pieces(self, first, lists)
        return self._pieces

    def dump(self) -> Snapshot:
        """Return a copy of all of it in one snapshot, which takes long if there is much of it."""
        pieces = self.pieces()
        for piece in pieces:
            pieces.first.add(piece)
        pieces.close()
        return pieces.first

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
