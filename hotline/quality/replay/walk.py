"""Walks the input log of a partition in its order, decides in memory, and yields the differences from the record."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct, field

from hotline.quality.replay.facts import Difference, Facts, compared, of_decision, of_ticket
from hotline.quality.replay.record import FLUSH_INPUTS, Input, InStep, Recorded, Start, standing_of
from schemas.codec import appended_at, position_of
from schemas.errors import RecordError
from schemas.records import Event, Message
from streams.engine.input import input_of
from tickets.admission import Standing
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.state import State

Again = Callable[[Iterable[tuple[Any, Input]]], Iterator[tuple[Any, Input | RecordError]]]
"""Returns inputs as other rules of normalize read them, in the same order; a RecordError for dead letters."""


class Counts(Struct, kw_only=True):
    """Counts of a walk.

    `gone` inputs were decided but no longer exist in Kafka, or the messages that they look back at do not; `inexact`
    tickets are compared by their links only, as their body at the beginning no longer exists; `dead` inputs cannot be
    decided now.
    """

    inputs: int = 0
    dead: int = 0
    gone: int = 0
    inexact: int = 0
    differing: Counter[str] = field(default_factory=Counter)


class Walk:
    """One partition. `policy` decides anew; `recorded` returns the former decisions."""

    def __init__(
        self,
        recorded: Recorded,
        policy: TicketPolicy,
        again: Again | None = None,
        told: Callable[[int], None] = lambda inputs: None,
    ) -> None:
        self._recorded = recorded
        self._policy = policy
        self._again = again or iter
        self._told = told
        self._tickets: dict[str, Facts] = {}
        self._fresh: set[str] = set()
        self.counts = Counts()

    def differences(self, begin: int, first_kept: int) -> Iterator[Difference]:
        """Yield the differences from input `begin` on: first the decisions in their order, then the final tickets.

        If retention deleted inputs, it begins behind them, with the state as recorded there.
        """
        first = max(begin, first_kept)
        start = self._recorded.start(first, first_kept)
        desk = Desk(State(self._policy, start.state.dump()))
        for found in self._decisions(desk, start, first):
            self.counts.differing[found.subject] += 1
            yield found
        self._note(desk)
        self.counts.inexact = len(start.inexact)
        for found in self._ends(start):
            self.counts.differing[found.subject] += 1
            yield found

    def _decisions(self, desk: Desk, start: Start, first: int) -> Iterator[Difference]:
        if start.ahead.first < 0:
            return
        told = InStep(self._recorded.decisions(start.ahead.first))
        for record, given in self._again(_read(self._recorded.inputs(first, start.ahead.last_input))):
            self.counts.inputs += 1
            recorded, standing = told.about(record.offset), Standing()
            if not isinstance(given, RecordError):
                given, standing = standing_of(given, record, recorded)
            wanted = [] if isinstance(given, RecordError) else desk.looks_back(given)
            earlier = self._recorded.earlier(wanted)
            if recorded is not None and len(earlier) < len(wanted):  # retention deleted it: only its decision is left
                self.counts.gone += 1
                start.inexact |= self._recorded.carry_out(desk, record, recorded)
                continue
            found = self._compare(record, recorded, self._decide(desk, record, given, earlier, standing))
            if found is not None:
                yield found
            if self.counts.inputs % FLUSH_INPUTS == 0:
                self._note(desk)
                self._told(self.counts.inputs)
        self.counts.gone += told.alone + sum(1 for _ in told.rest(start.ahead.last_input + 1))

    def _decide(
        self,
        desk: Desk,
        record: Any,
        given: Input | RecordError,
        earlier: Sequence[tuple[Any, Input]],
        standing: Standing,
    ) -> Event | None:
        """Decide as assign does: an undecidable input would be a dead letter."""
        try:
            if isinstance(given, RecordError):
                raise given
            looked_back = [one for _, one in self._again(earlier) if isinstance(one, Message)] if earlier else []
            decision = desk.take(given, position_of(record), looked_back, appended_at(record), standing)
        except Exception:  # noqa: BLE001 - as in streams/assign.py: one record's fault stops nothing
            self.counts.dead += 1
            return None
        if decision is not None:
            self._fresh.update(one.ticket_id for one in decision.tickets)
        return decision

    def _compare(self, record: Any, recorded: Event | None, replayed: Event | None) -> Difference | None:
        either = recorded or replayed
        if either is None:
            return None
        subject, name = ("command", either.input.command_id) if either.input.command_id else ("message", None)
        place = f"{record.partition}:{record.offset}"
        identifier = name or either.input.message_id or either.event_id
        return compared(subject, identifier, of_decision(recorded), of_decision(replayed), place)

    def _note(self, desk: Desk) -> None:
        """Keep the facts of the tickets that changed, and lay their snapshots into the state."""
        for ticket_id in self._fresh:  # some may have left the memory since
            self._tickets[ticket_id] = of_ticket(desk.ticket(ticket_id))
        self._fresh.clear()
        desk.flush()

    def _ends(self, start: Start) -> Iterator[Difference]:
        recorded = self._recorded.in_the_end(start.ahead.versions)
        for ticket_id in sorted((recorded.keys() | self._tickets.keys()) - start.inexact):
            was = recorded.get(ticket_id, {})
            now = self._tickets.get(ticket_id, {})
            found = compared("ticket", ticket_id, was, now)
            if found is not None:
                yield found


def _read(records: Iterable[Any]) -> Iterator[tuple[Any, Input]]:
    for record in records:
        try:
            yield record, input_of(record)
        except RecordError:  # it was a dead letter then, too
            continue
