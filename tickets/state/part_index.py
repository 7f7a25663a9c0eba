"""Part index: the parts of long SMS that came in the last two days, and the ticket of each message."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from schemas.records import Features, Message, event
from tickets.assembly import sms_parts
from tickets.assembly.sms_parts import PartSet, Piece
from tickets.model.ticket_state import TicketState


class PartIndex:
    """Sets of parts by scoped part key, in the order of their last parts."""

    def __init__(self, tickets: Mapping[str, TicketState], by_key: Mapping[str, PartSet]) -> None:
        self._tickets = tickets
        self._by_key = dict(by_key)

    def __len__(self) -> int:
        return len(self._by_key)

    def dump(self) -> dict[str, PartSet]:
        """Return all of it as it stands, for a checkpoint."""
        return self._by_key.copy()

    def join(self, jurisdiction: str, features: Features, joined: event.PartJoined, at: datetime) -> None:
        """Add a part of a message to those before it; the parts that another ticket has are of another message."""
        if features.part_key is None or features.part_total is None:
            return
        key, *older = sms_parts.keys_of(jurisdiction, features)
        found = [known for each in (key, *older) if (known := self._by_key.pop(each, None)) is not None]
        known = found[0] if found else None
        if known is None or known.ticket_id != joined.ticket_id:
            sent_at = joined.sent_at or at
            known = PartSet(ticket_id=joined.ticket_id, total=features.part_total, sent_at=sent_at, joined_at=at)
        pieces = {**known.pieces, joined.number: Piece(joined.message_id, features.part_digest)}
        # as the newest: `evict` takes them from the front; and never in place: a checkpoint may refer to the former one
        self._by_key[key] = replace(known, joined_at=at, pieces=pieces)

    def evict(self, now: datetime) -> None:
        """Forget parts at log time `now`, in the order of their last parts."""
        while self._by_key:
            key, oldest = next(iter(self._by_key.items()))
            if oldest.joined_at + sms_parts.REMEMBERED >= now:
                return
            del self._by_key[key]

    def set_of(self, jurisdiction: str, features: Features, sent_at: datetime, *, is_rare: bool) -> PartSet | None:
        """Return the parts that came before, if this is one more of them or one of them again."""
        known = self._waiting(jurisdiction, features, sent_at)
        if known is None:
            return None
        piece = known.pieces.get(features.part_number or 0)
        if piece is None:
            most = sms_parts.WITHIN if is_rare else sms_parts.IN_TIME
            return known if abs(sent_at - known.sent_at) <= most else None
        return known if sms_parts.is_again(piece, features) else None

    def late_for(self, jurisdiction: str, features: Features, sent_at: datetime) -> str | None:
        """Return the ticket of a message that lacks this part, if the part comes too late to join it.

        The same if an earlier part was redacted: the reader of this half sees that, and can black it out as well.
        """
        known = self._of_one_day(jurisdiction, features, sent_at)
        return known.ticket_id if known is not None and features.part_number not in known.pieces else None

    def is_of_erased(self, jurisdiction: str, features: Features, sent_at: datetime, *, is_rare: bool) -> bool:
        """Return True if this is one more part of an erased message, or one of them again; with other bytes it is none.

        `is_rare` says that its reference takes more than 8 bits.
        """
        known = self._known(jurisdiction, features)
        ticket = self._tickets.get(known.ticket_id) if known else None
        if known is None or ticket is None or not ticket.erased:
            return False
        piece = known.pieces.get(features.part_number or 0)
        most = sms_parts.LATE if piece is None and not is_rare else sms_parts.WITHIN
        return abs(sent_at - known.sent_at) <= most and (piece is None or sms_parts.is_again(piece, features))

    def erased_by(self, jurisdiction: str, features: Features, sent_at: datetime) -> str | None:
        """Return the erased ticket whose message this part may end, though it comes too late to be taken for it."""
        known = self._known(jurisdiction, features)
        ticket = self._tickets.get(known.ticket_id) if known else None
        if known is None or ticket is None or not ticket.erased or abs(sent_at - known.sent_at) > sms_parts.WITHIN:
            return None
        return None if features.part_number in known.pieces else known.ticket_id

    def offsets(self, message: Message) -> list[int]:
        """Return where the parts before this one stand in the input."""
        known = self._set_of(message)
        if known is None or message.features.part_number in known.pieces:
            return []
        filed = self._tickets[known.ticket_id].messages
        return sorted(filed[piece.message_id].offset for piece in known.pieces.values() if piece.message_id in filed)

    def own(self, message: Message, earlier: Sequence[Message]) -> Sequence[Message]:
        """Return the parts before this one, none when one of them cannot be had any more.

        In an input that was made anew, other messages stand at their places.
        """
        known = self._set_of(message)
        wanted = {piece.message_id for piece in known.pieces.values()} if known is not None else set()
        return earlier if {one.message_id for one in earlier} == wanted else ()

    def _waiting(self, jurisdiction: str, features: Features, sent_at: datetime) -> PartSet | None:
        """Return the parts that this may belong to; none lacks one that was redacted, as joined anew its text would say
        again what was blacked out.
        """
        known = self._of_one_day(jurisdiction, features, sent_at)
        if known is None or features.part_number in known.pieces:
            return known
        return None if self._tickets[known.ticket_id].redacted else known

    def _of_one_day(self, jurisdiction: str, features: Features, sent_at: datetime) -> PartSet | None:
        known = self._known(jurisdiction, features) if features.part_number is not None else None
        ticket = self._tickets.get(known.ticket_id) if known else None
        if known is None or ticket is None or ticket.erased or abs(sent_at - known.sent_at) > sms_parts.WITHIN:
            return None
        return known

    def _known(self, jurisdiction: str, features: Features) -> PartSet | None:
        keys = sms_parts.keys_of(jurisdiction, features)
        return next((self._by_key[key] for key in keys if key in self._by_key), None)

    def _set_of(self, message: Message) -> PartSet | None:
        rare = sms_parts.is_rare(message.part)
        return self.set_of(message.jurisdiction, message.features, message.received_at, is_rare=rare)
