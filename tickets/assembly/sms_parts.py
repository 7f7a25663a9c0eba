"""Parts of long SMS: the ticket that they belong to, and when it is complete.

A part waits for no other: the first one opens a ticket marked incomplete, the others complete it in any order. The
key of a message is its sender, destination, format, reference and total. Phones repeat a reference after 255
messages, and some use the same one for each message. A part with a known number and other bytes therefore begins
another message, and a part that fills a gap late may belong to another: it opens a ticket of its own, linked to the
incomplete one.
"""

from datetime import datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from schemas.records import Features, Message, Part
from tickets.model.keys import scoped

WITHIN = timedelta(hours=24)
"""Message time within which a repeated part is known, and a part under a rare reference belongs to the same message."""

IN_TIME = timedelta(minutes=30)
"""Time after the first part within which a new part belongs to the same message: gateways wait 10 to 30 minutes."""

LATE = timedelta(hours=6)
"""Time within which a new part may belong to an erased message; after it, it is another's and must not be lost.

A reference of more than 8 bits is repeated after 65,535 messages: such a part may belong to it for any time.
"""

_OF_8_BITS = 255
"""The greatest reference of them."""

REMEMBERED = timedelta(hours=48)
"""Log time after the last part within which repeats of a part are known."""


class Piece(Struct, frozen=True, array_like=True):
    """A part of a long SMS."""

    message_id: str
    digest: str | None


class PartSet(Struct, kw_only=True):
    """The parts of one long message by number; `joined_at` is the log time of the last."""

    ticket_id: str
    total: int
    sent_at: datetime
    joined_at: datetime
    pieces: dict[int, Piece] = field(default_factory=dict)


def keys_of(jurisdiction: str, features: Features) -> tuple[str, ...]:
    """Return the keys under which the parts of this message may be known, the newest first; none for a whole one."""
    if features.part_key is None:
        return ()
    return tuple(scoped(jurisdiction, key) for key in (features.part_key, *(features.part_known_as or ())))


def is_rare(part: Part | None) -> bool:
    """Return True if a part's reference takes more than 8 bits: no telephone uses it again in a day."""
    number = part.reference.rpartition("-")[2] if part is not None else ""
    return number.isdecimal() and int(number) > _OF_8_BITS


def without_words(message: Message) -> Message:
    """Return a part without words that the ticket may show before the message is whole."""
    return replace(message, title=None, text="", search_text="", findings=())


def is_again(piece: Piece, features: Features) -> bool:
    """Return True if a part equals the earlier one byte for byte."""
    return piece.digest in (features.part_digest, *(features.part_digest_known_as or ()))
