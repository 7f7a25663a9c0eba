"""Logs of one partition: the state at a point, the decisions after it, and the final tickets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kafka import TopicPartition
from msgspec import Struct, field

from broker import kafka_reader
from broker.config import KafkaConnection
from broker.sync_client import reader
from hotline.quality.replay.facts import Facts, of_ticket
from schemas import topics
from schemas.codec import decode
from schemas.errors import MisconfiguredError
from schemas.records import Command, Event, Message, Ticket
from streams.engine.input import input_of
from tickets.admission import Standing, as_recorded
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.reducers import apply
from tickets.state.state import State

Input = Message | Command

FLUSH_INPUTS = 1_000
"""Snapshots are laid into the state after so many inputs: until then each is kept apart."""


class Ahead(NamedTuple):
    """The event log from a point on, in one pass over it."""

    first: int
    last_input: int
    versions: dict[str, int]


class Start(Struct, kw_only=True):
    """The state before the first input that is decided anew, with its inexact parts.

    `inexact` are tickets whose body at that point no longer exists: a later one stands in for it.
    """

    state: State
    ahead: Ahead
    inexact: set[str] = field(default_factory=set)


class Recorded:
    """The logs of one partition, from the event log's side; memory grows with live tickets, not with the logs."""

    def __init__(self, connection: KafkaConnection, partition: int, policy: TicketPolicy) -> None:
        self._connection = connection
        self._partition = partition
        self._policy = policy

    def start(self, begin: int, first_kept: int) -> Start:
        """Return the state as recorded before input `begin`; `first_kept` is the first input that Kafka still has."""
        state, ahead = self._folded(begin)
        missing = self._fill(state)
        if not missing or first_kept >= begin:
            return Start(state=state, ahead=ahead, inexact=missing)
        state, inexact = self._followed(first_kept, begin)
        return Start(state=state, ahead=ahead, inexact=inexact)

    def decisions(self, first: int) -> Iterator[Event]:
        """Yield the decisions from an offset of the event log on."""
        for record in kafka_reader.read_partition(self._connection, topics.EVENT, self._partition, first):
            yield decode(record.value, Event)

    def inputs(self, first: int, last: int) -> Iterator[Any]:
        """Yield the Kafka records of the inputs from one offset to another, both included."""
        if first > last:
            return
        for record in kafka_reader.read_partition(self._connection, topics.MESSAGE, self._partition, first):
            if record.offset > last:
                return
            yield record

    def earlier(self, offsets: Sequence[int]) -> list[tuple[Any, Message]]:
        """Return the messages that a command looks back at, with their records, as far as Kafka still has them."""
        if not offsets:
            return []
        place = TopicPartition(topics.MESSAGE, self._partition)
        with reader(self._connection) as consumer:
            read = [(record, input_of(record)) for record in kafka_reader.records_at(consumer, place, offsets)]
        return [(record, one) for record, one in read if isinstance(one, Message)]

    def in_the_end(self, versions: Mapping[str, int]) -> dict[str, Facts]:
        """Return the facts of these tickets at these versions, or the newest one below that is still there."""
        found: dict[str, Facts] = {}
        for record in kafka_reader.read_partition(self._connection, topics.TICKET, self._partition):
            wanted = versions.get((record.key or b"").decode())
            if wanted is not None and record.value:
                ticket = decode(record.value, Ticket)
                if ticket.version <= wanted:
                    found[ticket.ticket_id] = of_ticket(ticket)
        return found

    def _folded(self, begin: int) -> tuple[State, Ahead]:
        state, first, last = State(self._policy), -1, -1
        versions: dict[str, int] = {}
        for record in kafka_reader.read_partition(self._connection, topics.EVENT, self._partition):
            decision = decode(record.value, Event)
            if decision.input.offset < begin:
                apply(state, decision)
                continue
            first = record.offset if first < 0 else first
            last = max(last, decision.input.offset)
            versions.update((one.ticket_id, one.version) for one in decision.tickets)
        return state, Ahead(first, last, versions)

    def _fill(self, state: State) -> set[str]:
        """Give the state its bodies, and return the tickets of which only another version is there."""
        exact: set[str] = set()
        for record in kafka_reader.read_partition(self._connection, topics.TICKET, self._partition):
            ticket_id = (record.key or b"").decode()
            held = state.tickets.get(ticket_id)
            if held is not None and ticket_id not in exact:
                state.bodies[ticket_id] = record.value
                if _version(record.headers) == held.version:
                    exact.add(ticket_id)
        bare = state.tickets.keys() - state.bodies.keys()
        if bare:
            raise MisconfiguredError(
                f"ticket {min(bare)} is in the event log but has no snapshot in {topics.TICKET}: restore it first."
            )
        return state.tickets.keys() - exact

    def _followed(self, first: int, begin: int) -> tuple[State, set[str]]:
        """Make the bodies anew: carry out the recorded decisions about the inputs that Kafka still has."""
        state, _ = self._folded(first)
        inexact = self._fill(state)
        desk, told = Desk(state), InStep(self.decisions(0))
        for record in self.inputs(first, begin - 1):
            decided = told.about(record.offset)
            if decided is not None:
                inexact |= self.carry_out(desk, record, decided)
            if record.offset % FLUSH_INPUTS == 0:
                desk.flush()
        desk.flush()
        for decided in told.rest(begin):
            apply(state, decided)
        return state, inexact & state.tickets.keys()

    def carry_out(self, desk: Desk, record: Any, decided: Event) -> set[str]:
        """Apply a recorded decision; return the tickets whose bodies can no longer be made."""
        try:
            given, _ = standing_of(input_of(record), record, decided)
            wanted = desk.looks_back(given)
            earlier = [one for _, one in self.earlier(wanted)]
            desk.follow(given, decided, earlier)
        except Exception:  # noqa: BLE001 - code that cannot write this snapshot says so once it decides about it itself
            apply(desk.state, decided)
        else:
            if len(earlier) == len(wanted):
                return set()
        return {one.ticket_id for one in decided.tickets}


def standing_of(given: Input, record: Any, decided: Event | None) -> tuple[Input, Standing]:
    """Return the input of assign, and its knowledge of the senders, from the recorded decision."""
    return as_recorded(given, record, decided) if isinstance(given, Command) else (given, Standing())


class InStep:
    """Decisions beside their inputs; both have the same order. `alone` counts those without an input."""

    def __init__(self, decisions: Iterator[Event]) -> None:
        self._decisions = decisions
        self._next = next(decisions, None)
        self.alone = 0

    def about(self, offset: int) -> Event | None:
        """Return the decision about an input; None for a repeat and for a dead letter."""
        for _ in self.rest(offset):
            self.alone += 1
        decided = self._next
        if decided is None or decided.input.offset != offset:
            return None
        self._next = next(self._decisions, None)
        return decided

    def rest(self, before: int) -> Iterator[Event]:
        """Yield the remaining decisions about inputs before an offset."""
        while self._next is not None and self._next.input.offset < before:
            yield self._next
            self._next = next(self._decisions, None)


def _version(headers: Any) -> int:
    text = dict(headers).get("ce_sequence") or b""
    return int(text) if text.isdigit() and len(text) <= 18 else -1
