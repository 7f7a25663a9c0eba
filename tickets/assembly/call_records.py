"""Calls: which records are of one call, so that a later one completes the ticket of the earlier ones.

One rule: a call is its platform, its call id and its day; another caller's record under them is of another call. The
day is that on which the call began, or that of the record's intake where it does not say. A record without a caller is
of the one call that is known under its id and day; where several callers are known it is a call of its own, and a
clerk is asked (`likely`).

A call has a name, which leads to its ticket for ever (`State.by_thread`) and follows a message that a clerk moves:
`<key> <day>` for the first call of an id and day, `<key> <day> <caller>` for a further one; the key is the hash of
platform and call id. Where there is a further one, `<key> <day> *` says so.

A record without words (no note, no transcript) opens no ticket; it waits for the one that has some. The records of a
call are known for two days after the last one, to be understood together; one that comes later adds its own words.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import UNSET, Struct, field

from schemas import ids
from schemas.records import Event, Features, Message, event
from tickets.model.keys import scoped
from tickets.model.ticket_state import Filed, TicketState, month_of

if TYPE_CHECKING:
    from tickets.decision_input import Incoming
    from tickets.state.state import State


REMEMBERED = timedelta(hours=48)
"""Of log time, after the last record: transcripts come within minutes, files of call records within a day."""

LINKED_LATER = 2
"""Version of the link of a record that waited for its ticket: the first said that it had none."""


class CallRecords(Struct, kw_only=True):
    """The records of one call by message id, as they came; `told_at` is the log time of the last.

    `waiting` are those that have no ticket yet; `callers` are the hashed numbers of its caller, none while no record
    told one.
    """

    name: str
    told_at: datetime
    told: dict[str, Filed] = field(default_factory=dict)
    waiting: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()


def is_record(features: Features) -> bool:
    """Return True for the features of a record of a call."""
    return features.call_revision is not UNSET


def day_of(features: Features, at: datetime) -> str:
    """Return the day (China, yyyymmdd) of a record's call; `at` is the record's log time."""
    return ids.day_of(datetime.fromtimestamp(features.call_began, UTC) if features.call_began is not UNSET else at)


def names_of_key(features: Features, at: datetime) -> Iterator[str]:
    """Yield the names of the first call under a record's id and day, by the newest key and by the older ones."""
    day = day_of(features, at)
    return (f"{key} {day}" for key in features.threads)


def further(first: str, caller: str = "") -> str:
    """Return the name of a further call under the id and day of `first`: of this caller, or of nobody known."""
    return f"{first} {caller}"


def undated(name: str) -> str:
    """Return the name of a call, scoped or not, without its day and caller."""
    return name.split(" ", 1)[0]


def is_name(key: str) -> bool:
    """Return True for the name of a call among those that lead to a ticket, scoped or not."""
    return undated(key) != key


def call_of(state: "State", jurisdiction: str, features: Features, at: datetime) -> str | None:
    """Return the name of the known call that a record is of; None for a record of a call that is not known yet."""
    callers = features.requesters
    for first in names_of_key(features, at):
        names = [further(first, one) for one in callers] if callers else [further(first)]
        if (known := next((one for one in names if _is_known(state, jurisdiction, one)), None)) is not None:
            return known
        if not _is_known(state, jurisdiction, first):
            continue
        known_callers = _callers(state, jurisdiction, first)
        if not known_callers.isdisjoint(callers):
            return first
        is_open = not known_callers or not callers
        return first if is_open and not _is_shared(state, jurisdiction, first) else None
    return None


def likely(state: "State", incoming: "Incoming") -> TicketState | None:
    """Return the live ticket to which a record that opens one may belong, for a clerk to judge.

    It tells no caller where several are known, or no day where its id is known of the day before.
    """
    features, city = incoming.features, incoming.jurisdiction
    names = [] if features.requesters else [*names_of_key(features, incoming.at)]
    if features.call_began is UNSET:
        names += names_of_key(features, incoming.at - timedelta(days=1))
    for name in names:
        ticket = _live(state, city, name)
        is_anothers = bool(features.requesters) and _callers(state, city, name).isdisjoint(features.requesters)
        if ticket is not None and not is_anothers and (incoming.id, ticket.ticket_id) not in state.never:
            return ticket
    return None


def ticket_of(
    state: "State", jurisdiction: str, features: Features, message_id: str, at: datetime
) -> TicketState | None:
    """Return the live ticket of a record's call."""
    name = call_of(state, jurisdiction, features, at) if is_record(features) else None
    ticket = _live(state, jurisdiction, name) if name is not None else None
    return None if ticket is None or (message_id, ticket.ticket_id) in state.never else ticket


def records_of(state: "State", jurisdiction: str, features: Features, at: datetime) -> CallRecords | None:
    """Return the records of this record's call that came before it and are not forgotten."""
    name = call_of(state, jurisdiction, features, at) if is_record(features) else None
    return next((one for one in _under(state, jurisdiction, features) if one.name == name), None)


def holding(state: "State", jurisdiction: str, features: Features, message_id: str) -> CallRecords | None:
    """Return the call whose records this message is among."""
    return next((one for one in _under(state, jurisdiction, features) if message_id in one.told), None)


def waiting(state: "State", incoming: "Incoming") -> tuple[str, ...]:
    """Return the records of this call that came before it and have no ticket yet."""
    known = records_of(state, incoming.jurisdiction, incoming.features, incoming.at)
    return known.waiting if known is not None else ()


def note(state: "State", decision: Event) -> None:
    """Remember a record that is decided, before the decision alters anything else; the newest id is the last."""
    features, message_id = decision.features, decision.input.message_id
    if features is None or not is_record(features) or features.message_key is None or message_id is None:
        return
    city = decision.jurisdiction
    call = records_of(state, city, features, decision.at)
    if call is None:
        name = call_of(state, city, features, decision.at) or _new_name(state, city, features, decision.at)
        call = CallRecords(name=name, told_at=decision.at, callers=tuple(_callers(state, city, name)))
    others = [one for one in _under(state, city, features) if one is not call and not _is_over(one, decision.at)]
    filed = {one.message_id for one in decision.changes if isinstance(one, event.MessageFiled)}
    call.told_at = decision.at
    call.told[message_id] = Filed(decision.input.offset, 1, month_of(decision.at))
    call.callers = tuple(dict.fromkeys((*call.callers, *features.requesters)))
    call.waiting = (*call.waiting, message_id)
    for one in (*others, call):
        one.waiting = tuple(name for name in one.waiting if name not in filed)
    key = scoped(city, undated(call.name))
    state.calls.pop(key, None)
    state.calls[key] = [*others, call]


def lead(state: "State", jurisdiction: str, name: str, ticket_id: str, *, takes_over: bool) -> None:
    """Let a call's name lead to the ticket of its records; `takes_over` if it led to another one before."""
    key = scoped(jurisdiction, name)
    if takes_over or key not in state.by_thread:
        state.by_thread[key] = ticket_id
    if (first := _first(name)) != name:
        state.by_thread[scoped(jurisdiction, _mark(first))] = ticket_id


def forget(state: "State", now: datetime) -> None:
    """Let calls go in the order of their last records."""
    while state.calls:
        key, known = next(iter(state.calls.items()))
        if not all(_is_over(one, now) for one in known):
            return
        del state.calls[key]


def offsets(state: "State", message: Message) -> list[int]:
    """Return where the records before this one stand in the input, if it takes them to understand this one.

    One without words tells its own facts by itself, unless it is the first that tells who called.
    """
    known = records_of(state, message.jurisdiction, message.features, message.ingested_at)
    if known is None or (message.message_class != "person" and not _tells_who(state, message)):
        return []
    return sorted(one.offset for one in known.told.values())


def own(state: "State", message: Message, earlier: Sequence[Message]) -> Sequence[Message]:
    """Return the call's records before this one that are filed where it goes; those a clerk parted from it stay apart.

    In an input that was made anew others stand at their places.
    """
    known = records_of(state, message.jurisdiction, message.features, message.ingested_at)
    if known is None:
        return ()
    ticket = ticket_of(state, message.jurisdiction, message.features, message.message_id, message.ingested_at)
    there = {*ticket.messages, *known.waiting} if ticket is not None else known.told.keys()
    return [one for one in earlier if one.message_id in known.told and one.message_id in there]


def are_of_one(message: Message, other: Message) -> bool:
    """Return True for two records of one call, as far as they tell by themselves."""
    if not (message.call and other.call) or message.features.message_key != other.features.message_key:
        return False
    callers, others = message.features.requesters, other.features.requesters
    is_anothers = bool(callers and others) and set(callers).isdisjoint(others)
    days = (day_of(one.features, one.ingested_at) for one in (message, other))
    return not is_anothers and len(set(days)) == 1


def _tells_who(state: "State", message: Message) -> bool:
    ticket = ticket_of(state, message.jurisdiction, message.features, message.message_id, message.ingested_at)
    is_outbound = message.call is not UNSET and message.call.direction == "outbound"
    people = message.features.participants if is_outbound else message.features.requesters
    return ticket is not None and not ticket.requesters and bool(people)


def _under(state: "State", jurisdiction: str, features: Features) -> list[CallRecords]:
    """Return the calls that are remembered under a record's id, of any day and caller."""
    keys = (scoped(jurisdiction, key) for key in features.threads)
    return next((state.calls[key] for key in keys if key in state.calls), [])


def _in_memory(state: "State", jurisdiction: str, name: str) -> CallRecords | None:
    known = state.calls.get(scoped(jurisdiction, undated(name)), ())
    return next((one for one in known if one.name == name), None)


def _is_known(state: "State", jurisdiction: str, name: str) -> bool:
    return scoped(jurisdiction, name) in state.by_thread or _in_memory(state, jurisdiction, name) is not None


def _is_shared(state: "State", jurisdiction: str, first: str) -> bool:
    """Return True if there was a further call under an id and day, or an erased one: nobody knows whose a record is."""
    if any(one.name.startswith(further(first)) for one in state.calls.get(scoped(jurisdiction, undated(first)), ())):
        return True
    mark = scoped(jurisdiction, _mark(first))
    return mark in state.by_thread or mark in state.forgotten or scoped(jurisdiction, first) in state.forgotten


def _callers(state: "State", jurisdiction: str, name: str) -> frozenset[str]:
    """Return who called, by the ticket where the records are forgotten."""
    known = _in_memory(state, jurisdiction, name)
    if known is not None:
        return frozenset(known.callers)
    ticket = _live(state, jurisdiction, name)
    return frozenset(ticket.requesters) if ticket is not None else frozenset()


def _live(state: "State", jurisdiction: str, name: str) -> TicketState | None:
    ticket = state.tickets.get(state.in_thread(jurisdiction, name) or "")
    return None if ticket is None or ticket.erased else ticket


def _new_name(state: "State", jurisdiction: str, features: Features, at: datetime) -> str:
    known = _under(state, jurisdiction, features)
    first = f"{undated(known[0].name) if known else features.message_key} {day_of(features, at)}"
    taken = [one for one in names_of_key(features, at) if _is_known(state, jurisdiction, one)]
    return further(taken[0], *features.requesters[:1]) if taken else first


def _is_over(call: CallRecords, now: datetime) -> bool:
    return call.told_at + REMEMBERED < now


def _first(name: str) -> str:
    """Return the name of the first call under the id and day of this one."""
    return " ".join(name.split(" ")[:2])


def _mark(first: str) -> str:
    return f"{first} *"
