"""A ticket without one of its messages: rebuilt from the others, with all other fields unchanged."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from normalizers.assembly import joined
from schemas.records import Event, Message, Ticket, event
from tickets.assembly import call_records
from tickets.codes import BY_PARTICIPANT, CLERK, RECORD_OF_CALL
from tickets.model import limits
from tickets.model.ticket_state import proposals_without
from tickets.policy import TicketPolicy
from tickets.snapshot import build, call_record

FROM_MESSAGES = (
    "channels", "origin", "title", "text", "search_text", "requester", "anonymous", "location", "message_count",
    "attachments", "urgency", "emergency", "lineage",
)  # fmt: skip
"""Fields that only messages set; fields set by people or rules stay."""

_KIND = ("request_kind", "request_kind_group", "request_kind_source", "request_kind_confidence")
"""Fields of the kind that messages set, unless a clerk did."""


def after_move(
    ticket: Ticket,
    former: Ticket,
    moved: event.Moved,
    messages: Sequence[Message],
    decision: Event,
    policy: TicketPolicy,
) -> Ticket:
    """Return a ticket after a message left it or came to it; `messages` are those of `former`, the ticket it left.

    Its hand-over goes with it; both tickets show one that the emergency desk has acknowledged.
    """
    if ticket.ticket_id == moved.from_ticket_id:
        left = [one for one in messages if one.message_id != moved.message_id]
        return _without(ticket, moved, left, decision, policy)
    if ticket.ticket_id != moved.to_ticket_id:
        return ticket
    if ticket.first_message_id != moved.message_id:
        (message,) = (one for one in messages if one.message_id == moved.message_id)
        ticket = build.file_message(ticket, message, decision, policy)
    came = (one for one in former.handovers if one.handover_id == moved.message_id)
    others = (one for one in ticket.handovers if one.handover_id != moved.message_id)
    return replace(ticket, handovers=limits.ends((*others, *came), policy.max_history))


def _without(
    ticket: Ticket, moved: event.Moved, left: Sequence[Message], decision: Event, policy: TicketPolicy
) -> Ticket:
    message_id = moved.message_id
    anew = _written(ticket, left, replace(decision, changes=()), policy, moved.left_requesters)
    return replace(
        ticket,
        **{name: getattr(anew, name) for name in _told_by_messages(ticket)},
        handovers=tuple(one for one in ticket.handovers if one.handover_id != message_id or one.acknowledged_at),
        proposals=proposals_without(ticket.proposals, message_id),
    )


def _told_by_messages(ticket: Ticket) -> Iterator[str]:
    """Yield the fields that no clerk has set."""
    yield from FROM_MESSAGES
    if ticket.request_kind_source != CLERK:
        yield from _KIND
    if ticket.category is None or ticket.category.source != CLERK:
        yield "category"


def _written(
    ticket: Ticket, messages: Sequence[Message], decision: Event, policy: TicketPolicy, owners: Sequence[str]
) -> Ticket:
    """Return the ticket of these owners as built from the messages alone, in the order of filing."""
    first, *others = messages
    opened = event.Opened(
        ticket_id=ticket.ticket_id, ticket_no=ticket.ticket_no, day="", sequence=0, message_id=first.message_id
    )
    anew = build.open_ticket(first, decision, opened, policy)
    told = {first.features.text_key}
    for number, message in enumerate(others, 1):
        earlier = [one for one in messages[:number] if call_records.are_of_one(message, one)]
        if earlier:
            records = [*earlier, message]
            whole = joined(records, policy.joining)
            record = replace(decision, relation="part_of", method=RECORD_OF_CALL)
            anew = call_record.file_record(anew, whole, record, policy, records)
            told.add(whole.features.text_key)
            continue
        relation = "same_person_same_matter" if message.features.text_key in told else "follow_up"
        takes_part = bool(message.features.requesters) and set(owners).isdisjoint(message.features.requesters)
        method = f"moved{BY_PARTICIPANT}" if takes_part else decision.method
        anew = build.file_message(anew, message, replace(decision, relation=relation, method=method), policy)
        told.add(message.features.text_key)
    return anew
