"""Messages: effect on state and snapshot of opened tickets, and of filed and moved messages."""

from datetime import datetime

from msgspec import UNSET
from msgspec.structs import replace

from normalizers.assembly import parts_joined
from schemas.records import Event, Features, Message, Ticket, event
from tickets import emergency
from tickets.assembly import call_records, sms_parts
from tickets.codes import INCOMPLETE, is_of_participant, place_of
from tickets.deciders.part import may_end_erased
from tickets.dedupe.reopening import only_thanks
from tickets.erasure import blackout
from tickets.model.keys import day_key, scoped
from tickets.model.ticket_state import Filed, TicketState, month_of, proposals_without, with_more
from tickets.reducers.base import Occasion, Reducer
from tickets.sla.deadlines import matter_of
from tickets.snapshot import build, call_record, split
from tickets.state.state import State


def _opened(state: State, decision: Event, change: event.Opened) -> None:
    ticket = TicketState(
        ticket_id=change.ticket_id,
        ticket_no=change.ticket_no,
        jurisdiction=decision.jurisdiction,
        order=state.tickets.opened,
        opened_at=decision.at,
        status_at=decision.at,
        call=_call_of(state, decision, decision.features, change.message_id),
        typed=change.typed,
        channel=change.channel,
    )
    state.tickets.open(ticket)
    people = decision.features.requesters if decision.features else ()
    for related in change.related:
        if state.may_answer(related, people):
            state.threads.succeed(related, change.ticket_id)
    state.sequences[day_key(decision.jurisdiction, change.day)] = change.sequence


def open_snapshot(change: event.Opened, occasion: Occasion) -> Ticket:
    """Return the first snapshot of a new ticket, from the message that opens it or that a clerk moves."""
    decision, record, policy = occasion.decision, occasion.record, occasion.policy
    if isinstance(record, Message):
        first = record
    else:
        first = next(one for one in occasion.earlier if one.message_id == change.message_id)
    # the end of an erased message must not show its words before the message is whole
    first = sms_parts.without_words(first) if may_end_erased(decision) else first
    return build.open_ticket(first, decision, change, policy)


def _call_of(state: State, decision: Event, features: Features | None, message_id: str) -> str | None:
    """Return the name of a record's call; None for a message of another kind."""
    if features is None or not call_records.is_record(features):
        return None
    known = state.calls.holding(decision.jurisdiction, features, message_id)
    return known.name if known is not None else state.calls.call_of(decision.jurisdiction, features, decision.at)


def _filed(state: State, decision: Event, change: event.MessageFiled) -> None:
    ticket, features = state.tickets.get(change.ticket_id), decision.features
    if ticket is None:
        return
    if change.message_id != decision.input.message_id and decision.input.message_id is not None:
        _file_waiting(state, decision, ticket, change.message_id)
        return
    filed = Filed(decision.input.offset, 1, month_of(decision.at))
    if features is not None and ticket.messages and _is_news(state, ticket, features):
        ticket.heard_at = _readable_from(decision)
    ticket.messages[change.message_id] = _with_features(filed, features) if features is not None else filed
    if features is None:
        return
    completes = any(isinstance(one, event.PartJoined) and one.complete for one in decision.changes)
    if features.part_key is not None and not completes:
        # a text that is not complete is compared with none
        ticket.requesters = with_more(ticket.requesters, features.requesters)
        state.texts.add(ticket)
        ticket.codes = with_more(ticket.codes, features.codes)
    else:
        _take_features(state, decision, ticket, features, change.message_id)


def _show_filed(ticket: Ticket, change: event.MessageFiled, occasion: Occasion) -> Ticket:
    """Return the ticket with one more message; a ticket's first message is in it already."""
    decision, record, policy = occasion.decision, occasion.record, occasion.policy
    if not isinstance(record, Message):
        return ticket
    if change.message_id != record.message_id:
        return build.counted(ticket, change.message_id, policy)
    if any(isinstance(one, event.Opened) and one.ticket_id == ticket.ticket_id for one in decision.changes):
        return ticket
    filed = _with_message(ticket, record, occasion)
    return blackout.without_repeats(filed, ticket, decision) if occasion.is_redacted else filed


def _with_message(ticket: Ticket, message: Message, occasion: Occasion) -> Ticket:
    """File a message; a message that was joined with `earlier` parts or records repeats all of their words."""
    decision, policy, earlier = occasion.decision, occasion.policy, occasion.earlier
    if message.call and decision.relation == "part_of":
        return call_record.file_record(ticket, message, decision, policy, earlier)
    if message.part is not None and not ticket.text and _is_incomplete(decision):
        return build.file_silently(ticket, message, decision, policy)
    filed = build.file_message(ticket, message, decision, policy)
    if not earlier or message.part is None:
        return filed
    before = parts_joined(earlier, policy.joining) if len(earlier) > 1 else earlier[0]
    return build.rewritten(filed, ticket, message, before, policy)


def _is_incomplete(decision: Event) -> bool:
    return any(isinstance(one, event.PartJoined) and not one.complete for one in decision.changes)


def _readable_from(decision: Event) -> datetime:
    """Return the earliest time at which the filed message could be read: while it waited it was in no ticket."""
    appended_at = decision.input.appended_at
    return decision.at if appended_at is UNSET else max(decision.at, appended_at)


def _is_news(state: State, ticket: TicketState, features: Features) -> bool:
    """Return True if an office must read a message before it closes the ticket: no thanks, no wordless record."""
    has_words = features.text_key is not None or not call_records.is_record(features)
    return has_words and not only_thanks(state.dedupe, features, ticket)


def _with_features(filed: Filed, features: Features) -> Filed:
    return replace(filed, codes=features.codes, contacts=features.contacts, stated=features.stated)


def _file_waiting(state: State, decision: Event, ticket: TicketState, message_id: str) -> None:
    """File a record of a call that came before its ticket: its link said that it had none."""
    known = state.calls.holding(decision.jurisdiction, decision.features or Features(), message_id)
    if known is not None:
        filed = known.told[message_id]
        ticket.messages[message_id] = Filed(filed.offset, call_records.LINKED_LATER, filed.month)


def _part_joined(state: State, decision: Event, change: event.PartJoined) -> None:
    if change.ticket_id in state.tickets and decision.features is not None:
        state.parts.join(decision.jurisdiction, decision.features, change, decision.at)


def _show_part(ticket: Ticket, change: event.PartJoined, occasion: Occasion) -> Ticket:
    others = tuple(label for label in ticket.labels if label != INCOMPLETE)
    return replace(ticket, labels=others if change.complete else (*others, INCOMPLETE))


def _noted(state: State, decision: Event, change: event.Noted) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.noted[change.message_id] = Filed(decision.input.offset, 1, month_of(decision.at))


def _show_noted(ticket: Ticket, change: event.Noted, occasion: Occasion) -> Ticket:
    return build.complete(ticket, occasion.record) if isinstance(occasion.record, Message) else ticket


def _names_of(features: Features) -> tuple[str, ...]:
    """Return the hashes of the thread ids by which a later message may refer to this one."""
    return (*((features.message_key,) if features.message_key else ()), *(features.known_as or ()))


def _take_features(
    state: State, decision: Event, ticket: TicketState, features: Features, message_id: str, *, is_moved: bool = False
) -> None:
    if is_of_participant(decision.method):
        ticket.participants = with_more(ticket.participants, features.requesters)
    else:
        ticket.requesters = with_more(ticket.requesters, features.requesters)
    ticket.contacts = with_more(ticket.contacts, features.contacts)
    ticket.participants = with_more(ticket.participants, features.participants)
    matter = matter_of(features)
    ticket.kind = ticket.kind or matter.kind
    ticket.category = ticket.category or matter.category
    ticket.place = ticket.place or place_of(features.codes)
    ticket.danger = ticket.danger or matter.emergency
    call = _call_of(state, decision, features, message_id)
    if call is not None:
        takes_over = is_moved or decision.relation != "part_of"  # its former ticket has left, or was parted from it
        state.calls.lead(decision.jurisdiction, call, ticket.ticket_id, takes_over=takes_over)
    elif not call_records.is_record(features):
        for name in _names_of(features):
            state.threads.set(scoped(decision.jurisdiction, name), ticket.ticket_id, takes_over=is_moved)
    state.dangling.note(ticket, features)
    if features.text_key:
        ticket.text_keys = with_more(ticket.text_keys, (features.text_key,))
    state.texts.add(ticket)
    ticket.codes = with_more(ticket.codes, features.codes)
    if _tells_more(decision, ticket, features, call):
        state.dedupe.remove(ticket.order)
        state.dedupe.add(ticket.order, ticket.jurisdiction, features, is_news=False)
    if ticket.order not in state.dedupe and not ticket.erased:
        is_news = decision.relation != "same_matter_other_person"
        state.dedupe.add(ticket.order, ticket.jurisdiction, features, is_news=is_news)
    elif decision.relation == "same_person_same_matter":
        state.dedupe.note(ticket.order, features)


def _tells_more(decision: Event, ticket: TicketState, features: Features, call: str | None) -> bool:
    """Return True for a later record of the call that opened the ticket: its words replace the ticket's."""
    is_worded = call is not None and features.message_class == "person"
    return is_worded and decision.relation == "part_of" and ticket.call == call and not ticket.erased


def _moved(state: State, decision: Event, change: event.Moved) -> None:
    """Remove a message from one ticket and file it in another, which this decision may have opened."""
    former, ticket = state.tickets.get(change.from_ticket_id), state.tickets.get(change.to_ticket_id)
    if former is None or ticket is None or decision.features is None:
        return
    filed = former.messages.get(change.message_id)
    if filed is None:
        return
    former.codes = former.codes_without(change.message_id)
    former.contacts, *matter = former.without(change.message_id)
    former.kind, former.category, former.place = matter
    former.proposals = proposals_without(former.proposals, change.message_id)
    del former.messages[change.message_id]
    state.dangling.part(former, decision.features)
    is_false = change.message_id in former.dismissed
    former.dismissed = tuple(one for one in former.dismissed if one != change.message_id)
    former.danger = emergency.endangers(former)
    filed = replace(filed, link_version=change.link_version)
    ticket.messages[change.message_id] = _with_features(filed, decision.features)
    state.texts.remove(former)
    former.requesters, former.participants = change.left_requesters, change.left_participants
    former.text_keys = change.left_text_keys
    state.texts.add(former)
    _take_features(state, decision, ticket, decision.features, change.message_id, is_moved=True)
    if is_false:
        ticket.dismissed = with_more(ticket.dismissed, (change.message_id,))
        ticket.danger = emergency.endangers(ticket)
    state.separations.discard((change.message_id, ticket.ticket_id))
    state.separations.part(former.ticket_id, ticket.ticket_id)
    state.handovers.move(change.message_id, ticket.ticket_id)
    ticket.heard_at = _readable_from(decision)


def _show_moved(ticket: Ticket, change: event.Moved, occasion: Occasion) -> Ticket:
    """Return one of the two tickets, rebuilt from its messages."""
    former = occasion.ticket_of(change.from_ticket_id)
    moved = split.after_move(ticket, former, change, occasion.earlier, occasion.decision, occasion.policy)
    return build.settled(moved, former)


REDUCERS: dict[type, Reducer] = {
    event.Opened: Reducer(_opened),  # `open_snapshot` shows it: there is no ticket to change yet
    event.MessageFiled: Reducer(_filed, _show_filed),
    event.PartJoined: Reducer(_part_joined, _show_part),
    event.Noted: Reducer(_noted, _show_noted),
    event.Moved: Reducer(_moved, _show_moved),
}
