"""Calls: which records of a call came, so that a later one completes the ticket of the earlier ones.

A record without words (no note, no transcript) opens no ticket; it waits here for the one that has some. Which ticket
a call has, the call's conversation says (`State.in_thread`): that is never forgotten, and follows a message that a
clerk moves. What came before is known for two days after the last record; one that comes still later adds its own
words.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

from msgspec import UNSET, Struct, UnsetType, field

from schemas.records import Call, Event, Features, Message
from tickets.held import Filed, TicketState, month_of
from tickets.keys import scoped

if TYPE_CHECKING:
    from tickets.incoming import Incoming
    from tickets.state import State

REMEMBERED = timedelta(hours=48)
"""Of log time, after the last record: transcripts come within minutes, files of call records within a day."""

USED_AGAIN = timedelta(hours=6)
"""So long after a call's last record another caller under its id is another call; before that it may be a leg of it.

Some platforms count anew each day, or after a restart.
"""

APART, APART_FOR_ONE = timedelta(hours=6), timedelta(hours=12)
"""Records that begin so far apart tell of two calls, however soon one is read after the other.

Of one caller it takes longer: a file whose hours are those of another zone is eight off.
"""

BEHIND = timedelta(minutes=2)
"""So long after a call's end nobody else is put through in it: who begins later called anew."""

LASTS = timedelta(hours=1)
"""So long a citizen waits and talks before anything is noted: an agent may be called meanwhile, or an official."""

SKEW = timedelta(minutes=10)
"""By so much a platform's clock may be ahead of ours."""

LINKED_LATER = 2
"""Version of the link of a record that waited for its ticket: the first said that it had none."""


class CallRecords(Struct, kw_only=True):
    """The records of one call by message id, as they came; `told_at` is the log time of the last.

    `waiting` are those that have no ticket yet; `text_key` is the digest of what the call says by now; `people` are who
    called, and `began` and `ended` when it began and ended, as the records tell: seconds since 1970.
    """

    told_at: datetime
    told: dict[str, Filed] = field(default_factory=dict)
    waiting: tuple[str, ...] = ()
    text_key: str | None = None
    people: tuple[str, ...] = ()
    began: int | None = None
    ended: int | None = None


class Lasted(Protocol):
    """A call, and when it began and ended, as its records tell: seconds since 1970."""

    @property
    def began(self) -> int | None:
        """When it began."""

    @property
    def ended(self) -> int | None:
        """When it ended."""


def is_record(features: Features) -> bool:
    """Say whether a message is a record of a call."""
    return features.call_revision is not UNSET


def ticket_of(
    state: "State", jurisdiction: str, features: Features, message_id: str, at: datetime
) -> TicketState | None:
    """Return the live ticket of this call."""
    known = _known(state, jurisdiction, features)
    for key in features.threads:
        ticket = state.tickets.get(state.in_thread(jurisdiction, key) or "")
        if ticket is None or ticket.erased or (message_id, ticket.ticket_id) in state.never:
            continue
        if known is not None and known.waiting and not _is_of_the_former(known, ticket, features):
            continue  # the call that has its id by now has no ticket yet
        call = _of(ticket)
        if known is not None and not known.told.keys().isdisjoint(ticket.messages):
            call = known
        if not _is_anothers(call, features, at):
            return ticket
    return None


def _is_of_the_former(waiting: CallRecords, ticket: TicketState, features: Features) -> bool:
    """Say whether a record is of the caller of a ticket, and not of the call that has its id by now and waits."""
    if set(ticket.requesters).isdisjoint(features.requesters):
        return False
    is_of_both = not set(waiting.people).isdisjoint(features.requesters)
    return not (is_of_both and waiting.told.keys().isdisjoint(ticket.messages))


def waiting(state: "State", incoming: "Incoming") -> tuple[str, ...]:
    """Return the records of this call that came before it and have no ticket yet."""
    known = records_of(state, incoming.jurisdiction, incoming.features, incoming.at)
    return known.waiting if known is not None else ()


def records_of(state: "State", jurisdiction: str, features: Features, at: datetime) -> CallRecords | None:
    """Return the records of this call that came before a record of this log time."""
    known = _known(state, jurisdiction, features)
    return None if known is not None and _is_anothers(known, features, at) else known


def by_now(state: "State", jurisdiction: str, features: Features) -> CallRecords | None:
    """Return the call that has this record's id by now, whether it is of that one or not."""
    known = _known(state, jurisdiction, features)
    if known is not None:
        return known
    tickets = (state.tickets.get(state.in_thread(jurisdiction, key) or "") for key in features.threads)
    return next((_of(ticket) for ticket in tickets if ticket is not None), None)


def _of(ticket: TicketState) -> CallRecords:
    """Return what a ticket tells of its call where its records are forgotten, or another's have the id by now."""
    return CallRecords(told_at=ticket.opened_at, people=ticket.requesters)


def _known(state: "State", jurisdiction: str, features: Features) -> CallRecords | None:
    if not is_record(features):
        return None
    found = (state.calls.get(scoped(jurisdiction, key)) for key in features.threads)
    return next((known for known in found if known is not None), None)


def _is_anothers(known: CallRecords, features: Features, at: datetime) -> bool:
    """Say whether a record under a known call's id tells of another call.

    Where a number is withheld nobody knows who called: when a call began has to tell. An official whom an agent calls
    takes part, and nobody asks there.
    """
    is_callers = not set(known.people).isdisjoint(features.requesters)
    if are_apart(known, features, is_callers=is_callers, is_told=bool(known.people)):
        return True
    if known.people and (features.requesters or (features.participants and not _is_behind(known, features))):
        return at - known.told_at > USED_AGAIN and not is_callers
    lasts = known.people and known.ended is None and known.text_key is None
    latest = known.told_at + (LASTS if lasts else SKEW)
    return features.call_began is not UNSET and features.call_began > latest.timestamp()


def are_apart(known: Lasted, features: Features, *, is_callers: bool, is_told: bool) -> bool:
    """Say whether a record is of another call than the one that is known by its id, by when either began and ended.

    `is_callers` says that the same person called, `is_told` that it is known who called the other time.
    """
    if known.began is not None and features.call_began is not UNSET:
        apart = APART_FOR_ONE if is_callers else APART
        if abs(features.call_began - known.began) > apart.total_seconds():
            return True
    return not is_callers and is_told == bool(features.requesters) and _is_behind(known, features)


def _is_behind(known: Lasted, features: Features) -> bool:
    """Say whether one of two calls began when the other was over; a leg of a call begins while it lasts."""
    began, ended = features.call_began, features.call_ended
    is_later = began is not UNSET and known.ended is not None and began - known.ended > BEHIND.total_seconds()
    is_earlier = ended is not UNSET and known.began is not None and known.began - ended > BEHIND.total_seconds()
    return is_later or is_earlier


def may_be_anothers(callers: Iterable[str], features: Features, *, is_timed: bool) -> bool:
    """Say whether another number is told than these, and no time that it is a leg, which begins within the call.

    `is_timed` says whether it is known when the call began and ended.
    """
    others, own = frozenset(callers), features.requesters
    return bool(others and own) and others.isdisjoint(own) and not (is_timed and features.call_began is not UNSET)


def together(message: Message, told: Sequence[Message]) -> Sequence[Message]:
    """Return those of a call's records whose words one more of them may take the place of: none of another caller's.

    Where two callers are told, nobody knows whose a record is that tells none.
    """
    each = [one.features for one in told]
    is_timed = any(one.call_began is not UNSET for one in each) and any(one.call_ended is not UNSET for one in each)
    others = partial(may_be_anothers, is_timed=is_timed)
    callers = [one for one in (*each, message.features) if one.requesters]
    are_two = any(others(callers[0].requesters, one) for one in callers[1:])
    own = message.features.requesters
    return [
        one
        for one in told
        if not _tell_otherwise(one.call, message.call)
        or not (others(one.features.requesters, message.features) if own and one.features.requesters else are_two)
    ]


def _tell_otherwise(one: Call | UnsetType, other: Call | UnsetType) -> bool:
    """Say whether two records have other words for the same: joined, one of them would be left out."""
    both = [(getattr(one, name, None), getattr(other, name, None)) for name in ("subject", "note", "transcript")]
    return any(ours and theirs and ours != theirs for ours, theirs in both)


def outdated(state: "State", decision: Event) -> str | None:
    """Return the digest of words that this decision's record takes the place of: nobody repeats them any more."""
    features = decision.features
    if features is None or decision.relation != "part_of" or features.message_class != "person":
        return None
    known = records_of(state, decision.jurisdiction, features, decision.at)
    return known.text_key if known is not None and known.text_key != features.text_key else None


def note(state: "State", decision: Event) -> None:
    """Remember a record that was decided; the newest call is the last in the dictionary."""
    features, message_id = decision.features, decision.input.message_id
    if features is None or not is_record(features) or features.message_key is None or message_id is None:
        return
    known = records_of(state, decision.jurisdiction, features, decision.at)
    key = scoped(decision.jurisdiction, features.message_key)
    for old in features.threads:
        state.calls.pop(scoped(decision.jurisdiction, old), None)
    known = known or CallRecords(told_at=decision.at)
    known.told_at = decision.at
    known.told[message_id] = Filed(decision.input.offset, 1, month_of(decision.at))
    known.people = tuple(dict.fromkeys((*known.people, *features.requesters)))
    if known.began is None and features.call_began is not UNSET:
        known.began = features.call_began
    if features.call_ended is not UNSET:
        known.ended = max(known.ended or 0, features.call_ended)
    if features.message_class == "person":
        known.text_key = features.text_key
    known.waiting = () if decision.tickets else (*known.waiting, message_id)
    state.calls[key] = known


def forget(state: "State", now: datetime) -> None:
    """Let calls go in the order of their last records."""
    while state.calls:
        key, oldest = next(iter(state.calls.items()))
        if oldest.told_at + REMEMBERED >= now:
            return
        del state.calls[key]


def offsets(state: "State", message: Message) -> list[int]:
    """Return where the records before this one stand in the input, if it takes them to understand this one.

    One without words tells its own facts by itself, unless it is the first that tells who called.
    """
    known = records_of(state, message.jurisdiction, message.features, message.ingested_at)
    if message.message_class != "person" and not _tells_who(state, message):
        return []
    return sorted(one.offset for one in known.told.values()) if known is not None else []


def _tells_who(state: "State", message: Message) -> bool:
    ticket = ticket_of(state, message.jurisdiction, message.features, message.message_id, message.ingested_at)
    is_outbound = message.call is not UNSET and message.call.direction == "outbound"
    people = message.features.participants if is_outbound else message.features.requesters
    return ticket is not None and not ticket.requesters and bool(people)


def own(state: "State", message: Message, earlier: Sequence[Message]) -> Sequence[Message]:
    """Return the call's records before this one that are filed where it goes; those a clerk parted from it stay apart.

    In an input that was made anew others stand at their places. The words of one that may be another's stay beside it.
    """
    known = records_of(state, message.jurisdiction, message.features, message.ingested_at)
    if known is None:
        return ()
    ticket = ticket_of(state, message.jurisdiction, message.features, message.message_id, message.ingested_at)
    there = {*ticket.messages, *known.waiting} if ticket is not None else known.told.keys()
    told = [one for one in earlier if one.message_id in known.told]
    found = [one for one in told if one.message_id in there]
    # joined it would ask as one of them does, and may be another call's
    another = any(_is_anothers(known, one.features, message.ingested_at) for one in found)
    mine = () if another else {one.message_id for one in together(message, told)}
    return [one for one in found if one.message_id in mine]
