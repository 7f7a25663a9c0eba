"""Parts of long SMS: which ticket they belong to, and when it is complete.

Nobody waits for a part: the first one opens a ticket that is marked incomplete, the others complete it, in whatever
order they come. Which parts are one message, their key says: sender, destination, format, reference and total. Phones
use the same reference again after 255 messages, and some give each message the same one. So a number that comes again
with other bytes begins another message, and what fills a gap late may be the beginning of another: it opens a ticket of
its own, to be read beside the one that still waits.
"""

from datetime import datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from schemas.records import Features, Message, Part
from tickets.model.keys import scoped

WITHIN = timedelta(hours=24)
"""Of message time: so long a part that comes again is known, and one under a rare reference is of the same message."""

IN_TIME = timedelta(minutes=30)
"""So long after the first a part that was not there yet is of the same message: gateways wait 10 to 30 minutes."""

LATE = timedelta(hours=6)
"""So long a part that was not there yet may be one of an erased message: none is lost to it that is another's.

Where the reference takes more than 8 bits it is used again after 65,535 messages, and may be one of it as long as any.
"""

_OF_8_BITS = 255
"""The greatest reference of them."""

REMEMBERED = timedelta(hours=48)
"""Of log time, after the last part: repeats of a part are still known."""


class Piece(Struct, frozen=True, array_like=True):
    """One part that came."""

    message_id: str
    digest: str | None


class PartSet(Struct, kw_only=True):
    """What came of one long message, by the numbers of the parts; `joined_at` is the log time of the last."""

    ticket_id: str
    total: int
    sent_at: datetime
    joined_at: datetime
    pieces: dict[int, Piece] = field(default_factory=dict)


def keys_of(jurisdiction: str, features: Features) -> tuple[str, ...]:
    """Return under which keys the parts of this one's message may be known, the newest first; none for a whole one."""
    if features.part_key is None:
        return ()
    return tuple(scoped(jurisdiction, key) for key in (features.part_key, *(features.part_known_as or ())))


def is_rare(part: Part | None) -> bool:
    """Return True if a part's reference takes more than 8 bits: no telephone uses it again in a day."""
    number = part.reference.rpartition("-")[2] if part is not None else ""
    return number.isdecimal() and int(number) > _OF_8_BITS


def without_words(message: Message) -> Message:
    """Return a part of which the ticket shows no word before its message is whole."""
    return replace(message, title=None, text="", search_text="", findings=())


def is_again(piece: Piece, features: Features) -> bool:
    """Return True if a part is the one that came before, byte for byte."""
    return piece.digest in (features.part_digest, *(features.part_digest_known_as or ()))
