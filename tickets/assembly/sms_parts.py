"""Parts of long SMS: which ticket they belong to, and when it is complete.

Nobody waits for a part: the first one opens a ticket that is marked incomplete, the others complete it, in whatever
order they come. Which parts are one message, their key says: sender, destination, format, reference and total. Phones
use the same reference again after 255 messages, and some give each message the same one. So a number that comes again
with other bytes begins another message, and what fills a gap late may be the beginning of another: it opens a ticket of
its own, to be read beside the one that still waits.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from schemas.records import Features, Message, Part
from tickets.model.keys import scoped

if TYPE_CHECKING:
    from tickets.state.state import State


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
    """Say whether a part's reference takes more than 8 bits: no telephone uses it again in a day."""
    number = part.reference.rpartition("-")[2] if part is not None else ""
    return number.isdecimal() and int(number) > _OF_8_BITS


def set_of(
    state: "State", jurisdiction: str, features: Features, sent_at: datetime, *, is_rare: bool
) -> PartSet | None:
    """Return the parts that came before, if this is one more of them or one of them again."""
    known = _waiting(state, jurisdiction, features, sent_at)
    if known is None:
        return None
    piece = known.pieces.get(features.part_number or 0)
    if piece is None:
        return known if abs(sent_at - known.sent_at) <= (WITHIN if is_rare else IN_TIME) else None
    return known if _is_again(piece, features) else None


def late_for(state: "State", jurisdiction: str, features: Features, sent_at: datetime) -> str | None:
    """Return the ticket of a message that lacks this part, which comes too late to be taken for it.

    Or whose part before it was redacted: whoever reads the other half sees that, and may black it out as well.
    """
    known = _of_one_day(state, jurisdiction, features, sent_at)
    return known.ticket_id if known is not None and features.part_number not in known.pieces else None


def is_of_erased(state: "State", jurisdiction: str, features: Features, sent_at: datetime, *, is_rare: bool) -> bool:
    """Say whether this is one more part of an erased message, or one of them again; with other bytes it is none.

    `is_rare` says that its reference takes more than 8 bits.
    """
    known = _known(state, jurisdiction, features)
    ticket = state.tickets.get(known.ticket_id) if known else None
    if known is None or ticket is None or not ticket.erased:
        return False
    piece = known.pieces.get(features.part_number or 0)
    is_in_time = abs(sent_at - known.sent_at) <= (LATE if piece is None and not is_rare else WITHIN)
    return is_in_time and (piece is None or _is_again(piece, features))


def erased_by(state: "State", jurisdiction: str, features: Features, sent_at: datetime) -> str | None:
    """Return the erased ticket whose message this part may end, though it comes too late to be taken for it."""
    known = _known(state, jurisdiction, features)
    ticket = state.tickets.get(known.ticket_id) if known else None
    if known is None or ticket is None or not ticket.erased or abs(sent_at - known.sent_at) > WITHIN:
        return None
    return None if features.part_number in known.pieces else known.ticket_id


def without_words(message: Message) -> Message:
    """Return a part of which the ticket shows no word before its message is whole."""
    return replace(message, title=None, text="", search_text="", findings=())


def _is_again(piece: Piece, features: Features) -> bool:
    return piece.digest in (features.part_digest, *(features.part_digest_known_as or ()))


def _waiting(state: "State", jurisdiction: str, features: Features, sent_at: datetime) -> PartSet | None:
    """Return the parts that this may belong to; none lacks one that was redacted, as joined anew its text would say
    again what was blacked out.
    """
    known = _of_one_day(state, jurisdiction, features, sent_at)
    if known is None or features.part_number in known.pieces:
        return known
    return None if state.tickets[known.ticket_id].redacted else known


def _of_one_day(state: "State", jurisdiction: str, features: Features, sent_at: datetime) -> PartSet | None:
    known = _known(state, jurisdiction, features) if features.part_number is not None else None
    ticket = state.tickets.get(known.ticket_id) if known else None
    if known is None or ticket is None or ticket.erased or abs(sent_at - known.sent_at) > WITHIN:
        return None
    return known


def _known(state: "State", jurisdiction: str, features: Features) -> PartSet | None:
    return next((state.parts[key] for key in keys_of(jurisdiction, features) if key in state.parts), None)


def offsets(state: "State", message: Message) -> list[int]:
    """Return where the parts before this one stand in the input."""
    known = _set_of(state, message)
    if known is None or message.features.part_number in known.pieces:
        return []
    filed = state.tickets[known.ticket_id].messages
    return sorted(filed[piece.message_id].offset for piece in known.pieces.values() if piece.message_id in filed)


def own(state: "State", message: Message, earlier: Sequence[Message]) -> Sequence[Message]:
    """Return the parts before this one, none when one of them cannot be had any more.

    In an input that was made anew, other messages stand at their places.
    """
    known = _set_of(state, message)
    wanted = {piece.message_id for piece in known.pieces.values()} if known is not None else set()
    return earlier if {one.message_id for one in earlier} == wanted else ()


def _set_of(state: "State", message: Message) -> PartSet | None:
    rare = is_rare(message.part)
    return set_of(state, message.jurisdiction, message.features, message.received_at, is_rare=rare)
