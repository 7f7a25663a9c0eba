"""Calls: the records of one call, so that a later record completes the ticket of the earlier ones.

One rule: a call is identified by its platform, its call id and its day; a record with another caller belongs to
another call. The day is that of the call's begin, or of the record's intake if it has no begin. A record without a
caller belongs to the one call known under its id and day; if several callers are known, it is a call of its own, and
a clerk is asked (`CallIndex.likely`).

A call has a permanent name, which leads to its ticket (`tickets/state/thread_index.py`) and follows a message that a
clerk moves: `<key> <day>` for the first call of an id and day, `<key> <day> <caller>` for a further one; the key is
the hash of platform and call id. `<key> <day> *` marks that there is a further one.

A record without words (no note, no transcript) opens no ticket; it waits for one with words. The records of a call
are kept for two days after the last one, to be understood together; a later one adds its own words.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from msgspec import UNSET, Struct, field

from schemas import ids
from schemas.records import Features, Message
from tickets.model.ticket_state import Filed

REMEMBERED = timedelta(hours=48)
"""Log time after the last record: transcripts come within minutes, files of call records within a day."""

LINKED_LATER = 2
"""Version of the link of a record that waited for its ticket: the first version said that it had none."""


class CallRecords(Struct, kw_only=True):
    """The records of one call by message id, in the order of arrival; `told_at` is the log time of the last.

    `waiting` have no ticket yet; `callers` are the hashed numbers of its caller, empty until a record has one.
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
    """Return the name of a further call under the id and day of `first`: of this caller, or of an unknown one."""
    return f"{first} {caller}"


def undated(name: str) -> str:
    """Return the name of a call, scoped or not, without its day and caller."""
    return name.split(" ", 1)[0]


def is_name(key: str) -> bool:
    """Return True for the name of a call among those that lead to a ticket, scoped or not."""
    return undated(key) != key


def are_of_one(message: Message, other: Message) -> bool:
    """Return True for two records of one call, as far as their own fields show."""
    if not (message.call and other.call) or message.features.message_key != other.features.message_key:
        return False
    callers, others = message.features.requesters, other.features.requesters
    is_anothers = bool(callers and others) and set(callers).isdisjoint(others)
    days = (day_of(one.features, one.ingested_at) for one in (message, other))
    return not is_anothers and len(set(days)) == 1


def is_over(call: CallRecords, now: datetime) -> bool:
    """Return True if a call is no longer remembered at log time `now`."""
    return call.told_at + REMEMBERED < now


def first_of(name: str) -> str:
    """Return the name of the first call under the id and day of this one."""
    return " ".join(name.split(" ")[:2])


def mark_of(first: str) -> str:
    """Return the name that says that there is a further call under an id and day."""
    return f"{first} *"
