"""Processor of one partition: it takes inputs in order, decides, folds, and returns the records to write."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from msgspec.structs import replace

from normalizers.assembly import joined as whole_call
from normalizers.assembly import parts_joined as whole_text
from normalizers.handover import handover
from schemas.codec import Outbound, Position, decode, encode
from schemas.envelope import VERSION
from schemas.records import Audit, Command, Event, Handover, Message, Outbox, OutboxState, Ticket, event
from tickets import emergency, records_out
from tickets.admission import LOCAL, Standing
from tickets.commands import looks_back
from tickets.decide import decide
from tickets.decision_input import Incoming
from tickets.dedupe import clusters
from tickets.erasure import audit, blackout, redaction
from tickets.masking import precompute
from tickets.model import limits
from tickets.receipts import policy as answers
from tickets.reducers import apply, snapshot_after
from tickets.reducers.base import Occasion
from tickets.sla.overdue import due_of
from tickets.state.state import State


class Desk:
    """State and the snapshots of one chunk; no I/O. Used by `streams/assign.py` and `hotline try`.

    If a ticket changes more than once in a chunk, only its last snapshot is written: the highest version wins.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.repeats = 0
        self.is_torn = False
        """Whether an error interrupted a decision: the state may differ from the log's."""
        self._events: list[Event] = []
        self._handovers: list[Handover] = []
        self._rings: list[tuple[Handover, Event]] = []
        self._answers: list[tuple[Outbox | OutboxState, Event]] = []
        self._acts: list[tuple[Audit, Event]] = []
        self._changed: dict[str, tuple[Ticket, Event]] = {}

    def looks_back(self, record: Message | Command) -> list[int]:
        """Return the offsets of earlier messages that `take` needs beside this record."""
        if isinstance(record, Command):
            return looks_back(self.state, record)
        if record.call:
            return self.state.calls.offsets(record)
        return self.state.parts.offsets(record) if record.part is not None else []

    def take(
        self,
        record: Message | Command,
        position: Position,
        earlier: Sequence[Message] = (),
        appended_at: datetime | None = None,
        standing: Standing = LOCAL,
    ) -> Event | None:
        """Decide about one input; None for a repeat, by its id.

        Its position proves nothing: in a topic that was made anew another input stands there. `earlier` are the
        messages that `looks_back` asked for, as far as the input topic still has them. `appended_at` is when the
        broker took it, `standing` the facts about the senders of a command.
        """
        record, earlier = self._whole(record, earlier)
        incoming = _incoming(record, position, earlier, appended_at, standing)
        decision = decide(self.state, incoming, self.state.policy)
        if decision is None:
            self.repeats += 1
            return None
        if isinstance(record, Message):
            precompute.expect(record, self.state.policy.rules)
        messages = [record] if isinstance(record, Message) else earlier
        decision = redaction.with_emptied(self.state, decision, messages, self.ticket)
        acts = self._audited(record, decision)
        if acts:
            decision = replace(decision, audit=audit.head_of(acts[-1]))
        self._carry_out(record, decision, earlier, acts)
        return decision

    def follow(self, record: Message | Command, decision: Event, earlier: Sequence[Message] = ()) -> None:
        """Apply a decision of the event log about an input; `earlier` as for `take`."""
        record, earlier = self._whole(record, earlier)
        self._carry_out(record, decision, earlier, self._audited(record, decision))

    def _audited(self, record: Message | Command, decision: Event) -> list[Audit]:
        """Return the audit records of a decision, after those of this partition."""
        if isinstance(record, Message):
            return []
        acts = audit.acts(decision, record, self.state, self.state.policy.rules)
        return audit.chained(acts, self.state.audit, decision.input.partition)

    def _whole(
        self, record: Message | Command, earlier: Sequence[Message]
    ) -> tuple[Message | Command, Sequence[Message]]:
        """Return a message with the earlier parts of the same call or text, as far as those are filed with it.

        The record itself follows the earlier records of a call, unchanged.
        """
        if isinstance(record, Command):
            return record, earlier
        if record.call:
            records = [*self.state.calls.own(record, earlier), record]
            return (whole_call(records, self.state.policy.joining) if len(records) > 1 else record), records
        earlier = self.state.parts.own(record, earlier) if earlier else earlier
        return (whole_text([*earlier, record], self.state.policy.joining) if earlier else record), earlier

    def _carry_out(
        self, record: Message | Command, decision: Event, earlier: Sequence[Message], acts: Sequence[Audit]
    ) -> None:
        changed = list(self._snapshots(decision, record, earlier))
        self.is_torn = True
        apply(self.state, decision)
        if clusters.touches_edges(decision):
            changed = [self._in_cluster(ticket) for ticket in changed]
        self._events.append(decision)
        if isinstance(record, Message) and record.part is not None and earlier:
            self._handovers += filter(None, [handover(record)])
        self._changed.update((ticket.ticket_id, (ticket, decision)) for ticket in changed)
        if isinstance(record, Message) and changed:
            answer = answers.intent(decision, record, changed[0], self.state.policy.answers)
            self._answers += [(answer, decision)] if answer else []
        withdrawn = (answers.withdrawal(ticket, decision, self.state.policy.answers) for ticket in changed)
        self._answers += [(one, decision) for one in withdrawn if one is not None]
        self._acts += [(act, decision) for act in acts]
        if isinstance(record, Command):
            self._ring_again(decision, changed, earlier)
        self.is_torn = False

    def _ring_again(self, decision: Event, changed: Sequence[Ticket], earlier: Sequence[Message]) -> None:
        """Add the hand-overs whose dismissal a clerk reversed."""
        for ticket in changed:
            held = self.state.tickets.get(ticket.ticket_id)
            rung = emergency.again(decision, ticket, earlier, is_redacted=held is None or held.redacted)
            self._rings += [(one, decision) for one in rung]

    def ticket(self, ticket_id: str) -> Ticket:
        """Return a live ticket in its present state."""
        held = self._changed.get(ticket_id)
        return held[0] if held else decode(self.state.bodies[ticket_id], Ticket)

    def flush(self) -> list[Outbound]:
        """Return the records of the chunk's decisions, and start the next chunk."""
        records = [record for decision in self._events for record in records_out.of_event(decision)]
        opened = {one.ticket_id for made in self._events for one in made.changes if type(one) is event.Opened}
        redacted = {name for made in self._events for name in blackout.redacted_by(made)}
        levelled = {name for made in self._events for name in blackout.levelled_by(made)}
        for ticket, decision in self._changed.values():
            if ticket.ticket_id in redacted:
                ticket = replace(ticket, redacted_version=ticket.version)
            if ticket.ticket_id in levelled:
                ticket = replace(ticket, confidentiality_version=ticket.version)
            value = encode(ticket)
            if ticket.ticket_id in self.state.tickets:
                self.state.bodies[ticket.ticket_id] = value
            rules, is_first = self.state.policy.rules, ticket.ticket_id in opened
            records += records_out.of_ticket(ticket, value, decision, rules, is_first=is_first)
        records += map(records_out.of_handover, self._handovers)
        records += [records_out.of_ring(one, decision) for one, decision in self._rings]
        records += [records_out.of_answer(answer, decision) for answer, decision in self._answers]
        records += [records_out.of_audit(act, decision) for act, decision in self._acts]
        self._events, self._handovers, self._rings, self._answers, self._acts, self._changed = [], [], [], [], [], {}
        return records

    def _snapshots(self, decision: Event, record: Message | Command, earlier: Sequence[Message]) -> Iterator[Ticket]:
        earlier = self._calmed(decision, earlier)
        for version in decision.tickets:
            ticket, number = self._after(decision, record, earlier, version.ticket_id), version.version
            if (ticket.version, ticket.updated_at, ticket.schema_version) != (number, decision.at, VERSION):
                ticket = replace(ticket, version=number, updated_at=decision.at, schema_version=VERSION)
            due = due_of(ticket, self.state.policy.limits)
            yield ticket if due == ticket.due else replace(ticket, due=due)

    def _calmed(self, decision: Event, earlier: Sequence[Message]) -> Sequence[Message]:
        """Return the messages of which a ticket is rebuilt; a dismissed one without its alarm."""
        moved = next((one for one in decision.changes if isinstance(one, event.Moved)), None)
        if moved is None:
            return earlier
        false = self.state.tickets[moved.from_ticket_id].dismissed
        return [replace(one, emergency=None) if one.message_id in false else one for one in earlier]

    def _in_cluster(self, ticket: Ticket) -> Ticket:
        held = self.state.tickets[ticket.ticket_id]
        edges = limits.ends(held.edges, self.state.policy.max_edges)
        oldest = self.state.clusters.of(ticket.ticket_id)
        number = self.state.tickets[oldest].ticket_no if oldest != ticket.ticket_id else None
        return replace(ticket, edges=edges, cluster_id=oldest, cluster_no=number)

    def _after(self, decision: Event, record: Message | Command, earlier: Sequence[Message], ticket_id: str) -> Ticket:
        policy, is_redacted = self.state.policy, self._is_redacted(ticket_id)
        occasion = Occasion(decision, record, policy, partial(self._found, decision), earlier, is_redacted)
        ticket = snapshot_after(ticket_id, occasion)
        return blackout.still_redacted(ticket, policy.query_key, policy.rules)

    def _is_redacted(self, ticket_id: str) -> bool:
        held = self.state.tickets.get(ticket_id)
        return held is not None and held.redacted

    def _found(self, decision: Event, ticket_id: str) -> Ticket:
        if ticket_id in self.state.tickets:
            return self.ticket(ticket_id)
        return blackout.unknown(ticket_id, decision.jurisdiction, decision.at)


def _incoming(
    record: Message | Command,
    position: Position,
    earlier: Sequence[Message],
    appended_at: datetime | None,
    standing: Standing,
) -> Incoming:
    if isinstance(record, Message):
        return Incoming.of_message(record, position, appended_at)
    return Incoming.of_command(record, position, earlier, appended_at, standing)
