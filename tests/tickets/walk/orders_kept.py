"""What a desk promises about orders, dangers, time and what is told to nobody: part of `promises.py`."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from msgspec import UNSET, to_builtins
from msgspec.structs import replace

from normalizers.enrich.confidentiality import LEVELS
from schemas import topics
from schemas.codec import decode, encode
from schemas.records import Event, Message, Outbox, OutboxState, Ticket, event
from tests.tickets.walk.citizens import CITIZENS, DOOR
from tests.tickets.walk.told import Told
from tickets import lifecycle
from tickets.emergency import alarm_of, standing
from tickets.export.open311 import service_request
from tickets.masking.mask import mask_ticket
from tickets.receipts.policy import RECEIPT
from tickets.records_out import RESTRICTED

Stages = dict[str, str]

_WORDS = re.compile("[\u4e00-\u9fff]{6}")
"""So many characters in a row are somebody's own words; a number of a ticket is not."""


def a_refusal_changes_nothing(told: Told) -> Iterator[object]:
    """It is the only change of its decision, has a code and a reason, and no ticket gets a new version."""
    for decision in told.events:
        refused = [one for one in decision.changes if isinstance(one, event.CommandRefused)]
        if refused and (len(decision.changes) > 1 or decision.tickets or decision.method != "refused"):
            yield decision
        yield from (one for one in refused if not one.code or len(one.reason) < len("no such ticket"))


def a_ticket_shows_what_decisions_go_by(told: Told) -> Iterator[object]:
    """Level, office, proposals, dangers and minors of the newest snapshot are those of the state."""
    for ticket_id in told.state.tickets.keys() - told.erased:
        held, one = told.state.tickets[ticket_id], told.tickets[ticket_id]
        alarm = standing(held)
        known = {
            "level": held.confidentiality,
            "organizer": held.organizer,
            "proposals": held.proposals,
            "danger": (alarm.level, {*alarm.classes}) if alarm else None,
            "minor": held.minor_flagged.flag if held.minor_flagged else None,
        }
        shown = {
            "level": one.confidentiality,
            "organizer": one.dispatch.organizer_code if one.dispatch else None,
            "proposals": one.proposals,
            "danger": (one.emergency.level, {*one.emergency.classes}) if one.emergency else None,
            "minor": one.minor_protection.flag if one.minor_protection else None,
        }
        if known != shown:
            differing = {name: (known[name], shown[name]) for name in known if known[name] != shown[name]}
            yield ticket_id, differing


def stages_follow_the_table(told: Told) -> Iterator[object]:
    """No stage follows one that it may not; only a closed ticket is reopened by a message."""
    for before, decision in _stages(told):
        for change in decision.changes:
            if isinstance(change, event.StatusSet):
                stage = before.get(change.ticket_id, "received")
                is_of_danger = any(isinstance(one, event.HandoverReinstated) for one in decision.changes)
                if not is_of_danger and change.status not in lifecycle.NEXT[stage]:
                    yield stage, decision
            elif isinstance(change, event.Reopened) and before.get(change.ticket_id) not in lifecycle.CLOSED:
                yield before.get(change.ticket_id), decision


def _stages(told: Told) -> Iterator[tuple[Stages, Event]]:
    """Yield each decision with the stages before it."""
    now: Stages = {}
    for decision in told.events:
        yield dict(now), decision
        for change in decision.changes:
            match change:
                case event.Opened():
                    now[change.ticket_id] = "received"
                case event.StatusSet():
                    now[change.ticket_id] = change.status
                case event.Reopened():
                    now[change.ticket_id] = "reopened"
                case event.Erased():
                    now[change.ticket_id] = "archived"


def a_danger_is_never_filed_in_silence(told: Told) -> Iterator[object]:
    """Whatever alarms waits for the desk in its ticket, which is open by then, however it came there."""
    for before, decision in _stages(told):
        features, name = decision.features, decision.input.message_id
        if features is None or (alarm := alarm_of(features.codes)) is None:
            continue
        rung = {one.ticket_id for one in decision.changes if isinstance(one, event.HandedOver)}
        reopened = {one.ticket_id for one in decision.changes if isinstance(one, event.Reopened)}
        for change in decision.changes:
            match change:
                case event.MessageFiled(ticket_id=there, message_id=message_id) if message_id == name:
                    if there not in rung:
                        yield "not rung", decision
                case event.Moved(to_ticket_id=there):
                    pass
                case _:
                    continue
            if alarm.endangers and before.get(there) in lifecycle.CLOSED and there not in reopened:
                yield "closed", decision


def an_open_alarm_stands_in_its_ticket(told: Told) -> Iterator[object]:
    """Who waits for the emergency desk is seen in the ticket that has the message, and that one is not closed.

    Unless the message tells of no danger that goes on.
    """
    for handover_id, ticket_id in told.state.handovers.waiting.items():
        held = told.state.tickets.get(ticket_id)
        if held is None:
            continue
        shown = {one.handover_id for one in told.tickets[ticket_id].handovers if one.acknowledged_at is None}
        if handover_id not in {**held.messages} or (handover_id not in shown and len(shown) < 1):
            yield handover_id, ticket_id
        alarm = alarm_of(held.messages[handover_id].codes)
        if alarm is not None and alarm.endangers and held.status in lifecycle.CLOSED:
            yield "closed", handover_id, ticket_id


def levels_only_rise_by_rule(told: Told) -> Iterator[object]:
    """No message makes a ticket less confidential than it was."""
    level = dict[str, str]()
    for decision in told.events:
        for change in decision.changes:
            if isinstance(change, event.ConfidentialitySet):
                before = level.get(change.ticket_id, "public")
                if decision.relation != "command" and LEVELS.index(change.level) < LEVELS.index(before):
                    yield before, decision
                level[change.ticket_id] = change.level


def only_people_grant_time(told: Told) -> Iterator[object]:
    """By a message a clock runs out earlier, or it starts again with the ticket; what joins or reads moves none."""
    due = dict[tuple[str, str], datetime]()
    for decision in told.events:
        opened = {one.ticket_id for one in decision.changes if isinstance(one, event.Opened | event.Reopened)}
        is_moved = any(isinstance(one, event.Moved) for one in decision.changes)
        for change in decision.changes:
            if not isinstance(change, event.DeadlineSet):
                continue
            key = change.ticket_id, change.clock
            if decision.method in _MOVES_NO_CLOCK and not is_moved:
                yield decision
            before = due.get(key)
            is_later = before is not None and change.due_at > before
            if decision.relation != "command" and change.ticket_id not in opened and (is_later or change.ended):
                yield before, decision
            due[key] = change.due_at


_MOVES_NO_CLOCK = frozenset(
    {
        "merge", "unmerge", "confirm_proposal", "reject_proposal", "read", "redact", "forget", "supervise", "revisit",
        "acknowledge_handover", "refused",
    }
)  # fmt: skip


def what_is_masked_is_the_ticket(told: Told) -> Iterator[object]:
    """The newest masked snapshot is that of the newest one in clear, and no door stands in any of them.

    Of a restricted ticket there is none, or one without a word. Of a door whose end has yet to come (单元6) no more
    than its first sign.
    """
    masked = {one.ticket_id: one for one in told.seat.told(topics.TICKET_MASKED, Ticket)}
    for ticket_id, ticket in told.tickets.items():
        if ticket.confidentiality == RESTRICTED and not ticket.erased:
            left = masked.get(ticket_id)
            if left is not None and (left.text or left.title or not left.masked):
                yield left, ticket
        elif masked[ticket_id] != mask_ticket(ticket):
            yield masked[ticket_id], ticket
    for record in told.seat.written:
        if record.topic == topics.TICKET_MASKED and DOOR[1:5] in record.value.decode():
            yield record


def the_public_reads_nobody(told: Told) -> Iterator[object]:
    """A service request (Open311) names no citizen and no door, and tells nothing of what is restricted or erased."""
    secrets = [value for one in CITIZENS for value in one] + [DOOR[1:5]]
    for ticket in {one.ticket_id: one for one in told.seat.told(topics.TICKET_MASKED, Ticket)}.values():
        masked = service_request(ticket)
        body = str(masked)
        yield from ((ticket.ticket_id, one, body) for one in secrets if one in body)
        if ticket.confidentiality == "restricted" or ticket.erased:
            shown = [masked[name] for name in ("description", "address", "lat", "long", "media_url")]
            if any(shown):
                yield ticket.ticket_id, shown


def what_was_forgotten_is_said_no_more(told: Told) -> Iterator[object]:
    """Words that only an erased ticket had are in no later record of the desk, nor in what it knows."""
    gone = [(number, one) for number, decision in enumerate(told.events) for one in _erased_words(told, decision)]
    if not gone:
        return
    bodies = "".join(told.state.bodies[one].decode() for one in told.state.tickets)
    known = bodies + str(to_builtins(replace(told.state.dump(), bodies={}, tickets={}), str_keys=True))
    for _, words in gone:
        if words in known:
            yield "known", words
    places = [at for at, one in enumerate(told.seat.written) if one.topic == topics.EVENT]
    for number, words in gone:
        later = (one for one in told.seat.written[places[number] :] if words in one.value.decode())
        yield from (("written", words, one) for one in later)


def _erased_words(told: Told, decision: Event) -> Iterator[str]:
    names = {
        one.message_id for change in decision.changes if isinstance(change, event.Erased) for one in change.messages
    }
    if not names:
        return
    others = [one.text for name, one in told.messages.items() if name not in names] + told.orders
    for text in (told.messages[name].text for name in names if name in told.messages):
        for words in _WORDS.findall(text):
            if not any(words in one for one in others):
                yield words


def a_requester_who_went_is_not_named_again(told: Told) -> Iterator[object]:
    """Whom a clerk took out of a ticket is in none of its later snapshots, whoever names them there."""
    gone = dict[str, set[str]]()
    for decision in told.events:
        for before, after in told.before_and_after(decision):
            body = encode(replace(after, redacted_words=UNSET)).decode()
            yield from ((after.ticket_id, one, body) for one in gone.get(after.ticket_id, ()) if one in body)
            changes = [one for one in decision.changes if isinstance(one, event.Redacted) and "requester" in one.fields]
            if before is not None and any(one.ticket_id == after.ticket_id for one in changes):
                shown = encode(replace(before.requester, id=None)).decode()
                values = {value for one in CITIZENS for value in one if value in shown}
                gone.setdefault(after.ticket_id, set()).update(values)


def a_file_that_came_stays(told: Told) -> Iterator[object]:
    """Where the bytes of a picture lie, the ticket says that has its message, wherever that is moved."""
    came = {
        name: file for name, one in told.messages.items() for file in one.attachments if _late(one) and file.dataref
    }
    for ticket_id in told.state.tickets.keys() - told.erased - told.redacted:
        held, shown = told.state.tickets[ticket_id], {one.dataref for one in told.tickets[ticket_id].attachments}
        for name in held.noted.keys() & came.keys():
            of_message = (came[name].dataref or "").split("/")[1]
            if of_message in held.messages and came[name].dataref not in shown:
                yield ticket_id, name, shown


def _late(message: Message) -> bool:
    return bool(message.features.completes)


def who_is_hidden_gets_no_receipt(told: Told) -> Iterator[object]:
    """A receipt that was intended is withheld when its ticket is erased, restricted or asks not to be named.

    Of one that had left the memory by then, three months ago, no receipt waits any more.
    """
    intended, withheld = dict[str, int](), dict[str, int]()
    for at, record in enumerate(told.seat.written):
        if record.topic != topics.OUTBOX:
            continue
        if b'"recipient"' in record.value:
            intended[decode(record.value, Outbox).ticket_id] = at
        else:
            withheld[decode(record.value, OutboxState).ticket_id] = at
    for ticket_id, at in intended.items():
        ticket = told.tickets[ticket_id]
        asked = ticket.anonymous == "withheld_on_request" or "requested" in ticket.confidentiality_reasons
        hidden = ticket.erased or ticket.confidentiality == "restricted" or asked
        if hidden and ticket.ticket_no and withheld.get(ticket_id, -1) < at:
            yield ticket_id, RECEIPT


PROMISES: Iterable[Callable[[Told], Iterator[object]]] = (
    a_refusal_changes_nothing,
    a_ticket_shows_what_decisions_go_by,
    stages_follow_the_table,
    a_danger_is_never_filed_in_silence,
    an_open_alarm_stands_in_its_ticket,
    levels_only_rise_by_rule,
    only_people_grant_time,
    what_is_masked_is_the_ticket,
    the_public_reads_nobody,
    what_was_forgotten_is_said_no_more,
    a_requester_who_went_is_not_named_again,
    a_file_that_came_stays,
    who_is_hidden_gets_no_receipt,
)
