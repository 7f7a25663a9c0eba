"""The live tickets of a partition: packed, but for those that the newest decisions looked at.

A ticket takes a third of the memory when it is packed, the garbage collector has nothing to look through, and a
checkpoint is read and written without touching one of them.
"""

import math
import re
from collections.abc import Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from xxhash import xxh3_64_hexdigest
from zstandard import DICT_TYPE_RAWCONTENT, ZstdCompressionDict, ZstdCompressor, ZstdDecompressor

from schemas.codec import encode
from schemas.records import Ticket
from schemas.records.common import Party
from schemas.records.dispatch import DispatchProposal
from schemas.records.ticket import Category, Deadline, Lineage, Location, Requester
from tickets.model.delta import Growing
from tickets.model.ticket_state import Findable, TicketState

# What a million tickets have in common: bytes by the ids of the tickets, and values that are made of them.

V = TypeVar("V")


class Packed(MutableMapping[str, V]):
    """A mapping whose values lie as bytes, in the order they came; `packed` is what another one's `dump` returned.

    Whoever builds on it says how one value is packed and unpacked.
    """

    def __init__(self, packed: Mapping[str, bytes] | None = None) -> None:
        self._packed: Growing[str, bytes] = dict(packed or {})

    def __delitem__(self, ticket_id: str) -> None:
        del self._packed[ticket_id]

    def __contains__(self, ticket_id: object) -> bool:
        return ticket_id in self._packed

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)

    def dump(self) -> dict[str, bytes]:
        """Return all of it as it lies here, for a checkpoint."""
        return dict(self._packed)


# The last snapshots of the live tickets: what a desk keeps of a million bodies lies compressed.

LEVEL = 1
"""Of zstd: higher ones take half as long again and spare a twentieth."""

_AT = datetime(2026, 1, 1, tzinfo=UTC)

_LIKE = encode(
    Ticket(
        ticket_id="-",
        ticket_no="-",
        version=1,
        jurisdiction="",
        status="received",
        status_at=_AT,
        channel="wechat",
        channel_kind="text",
        channel_account="",
        request_kind="complaint",
        request_kind_group="complaint_opinion_suggestion",
        request_kind_source="rule",
        category=Category(code="", scheme="hotline.matter", version="1"),
        requester=Requester(identities=(Party(kind="phone", value=""),)),
        confidentiality="confidential",
        confidentiality_reasons=("complaint",),
        location=Location(text=""),
        received_at=_AT,
        ingested_at=_AT,
        updated_at=_AT,
        first_message_id="",
        message_count=1,
        dispatch_proposal=DispatchProposal(reason_code="fallback"),
        deadlines=(Deadline(clock="handling", due_at=_AT, policy_id="national", calendar_version="2026"),),
        cluster_id="-",
        lineage=Lineage(message_ids=("",), policy_version="1"),
    )
)
"""What every body is like, and nobody's: the names of the fields in their order, and frequent values."""

LIKENESS = xxh3_64_hexdigest(_LIKE)
"""Names it: bodies of another likeness cannot be read."""


class Bodies(Packed[bytes]):
    """Snapshots as JSON by the ids of their tickets."""

    def __init__(self, packed: Mapping[str, bytes] | None = None) -> None:
        super().__init__(packed)
        like = ZstdCompressionDict(_LIKE, dict_type=DICT_TYPE_RAWCONTENT)
        self._pack = ZstdCompressor(LEVEL, like, write_checksum=False, write_dict_id=False).compress
        self._unpack = ZstdDecompressor(like).decompress

    def __getitem__(self, ticket_id: str) -> bytes:
        return self._unpack(self._packed[ticket_id])

    def __setitem__(self, ticket_id: str, value: bytes) -> None:
        self._packed[ticket_id] = self._pack(value)


MOST_OPEN = 2_048
"""So many tickets are held unpacked before all of them are packed."""

_MESSAGES = re.compile(rb"\xba([a-z2-7]{26})")
"""The ids of messages, as msgpack writes them."""

_FEW = 4
"""To look for so many ids, each by itself, takes no longer than to find all that a ticket has."""

T = TypeVar("T")

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(TicketState).decode
_begin = msgspec.msgpack.Decoder(Findable).decode


class LiveTickets(Packed[TicketState]):
    """Tickets by their id, in the order they were opened. What is changed of one that was looked up stays changed.

    After `tidy` a ticket is looked up anew: who still holds an old one holds a copy that nobody reads.
    `opened` counts the tickets that the partition ever opened.
    """

    def __init__(self, packed: Mapping[str, bytes] | None = None, opened: int = 0) -> None:
        super().__init__(packed)
        self.opened = opened
        self._open: dict[str, TicketState] = {}
        self._by_order: dict[int, str] = {}
        self._by_number: dict[str, str] = {}

    def open(self, ticket: TicketState) -> None:
        """Add a new ticket, the next in the order."""
        self[ticket.ticket_id] = ticket
        self.index(ticket)
        self.opened += 1

    def index(self, ticket: Findable) -> None:
        """Make a ticket findable by its number and its place in the order."""
        self._by_order[ticket.order] = ticket.ticket_id
        self._by_number[ticket.ticket_no] = ticket.ticket_id

    def evict(self, ticket: TicketState) -> None:
        """Remove a ticket and the ways to it."""
        del self[ticket.ticket_id]
        del self._by_order[ticket.order]
        del self._by_number[ticket.ticket_no]

    def in_order(self, order: int) -> TicketState:
        """Return the live ticket of this place in the order of opening, counted from 0."""
        return self[self._by_order[order]]

    def numbered(self, number: str) -> str | None:
        """Return the id of the live ticket of an official number (工单编号)."""
        return self._by_number.get(number)

    def order_of(self, ticket_id: str) -> float:
        """Return the place of a ticket in the order of opening, infinity if it is not live."""
        ticket = self.get(ticket_id)
        return math.inf if ticket is None else ticket.order

    def version_of(self, ticket_id: str) -> int:
        """Return the version of a ticket, 0 if it is not live."""
        ticket = self.get(ticket_id)
        return 0 if ticket is None else ticket.version

    def __getitem__(self, ticket_id: str) -> TicketState:
        there = self._open.get(ticket_id)
        if there is None:
            there = self._open[ticket_id] = _unpack(self._packed[ticket_id])
        return there

    def get(  # type: ignore[override] # Mapping has two overloads
        self, ticket_id: str, default: T | None = None
    ) -> TicketState | T | None:
        """Return a ticket, or the default: most of what is asked for is open, or not there."""
        there = self._open.get(ticket_id)
        if there is not None:
            return there
        return self[ticket_id] if ticket_id in self._packed else default

    def __setitem__(self, ticket_id: str, ticket: TicketState) -> None:
        self._packed.setdefault(ticket_id, b"")  # its place in the order
        self._open[ticket_id] = ticket

    def __delitem__(self, ticket_id: str) -> None:
        super().__delitem__(ticket_id)
        self._open.pop(ticket_id, None)

    def having(self, *message_ids: str) -> Iterator[TicketState]:
        """Yield the tickets that have one of these messages.

        Looks through all of them, once for however many messages: for a clerk's order, never for a message.
        """
        names, said = {*message_ids}, {one.encode() for one in message_ids}
        few = tuple(said) if len(said) <= _FEW else None
        for ticket_id, packed in self._packed.items():
            if ticket_id not in self._open:
                there = said & {*_MESSAGES.findall(packed)} if few is None else any(one in packed for one in few)
                if not there:
                    continue
            ticket = self._open.get(ticket_id) or _unpack(packed)
            if not names.isdisjoint((*ticket.messages, *ticket.noted)):
                yield ticket

    def findable(self) -> Iterator[Findable]:
        """Yield what each packed ticket is found by."""
        return map(_begin, self._packed.values())

    def tidy(self, most: int = MOST_OPEN) -> None:
        """Pack all tickets again once more than `most` were looked at."""
        if len(self._open) > most:
            self._packed.update((ticket_id, _pack(ticket)) for ticket_id, ticket in self._open.items())
            self._open.clear()

    def dump(self) -> dict[str, bytes]:
        """Return all tickets packed."""
        self.tidy(0)
        return super().dump()
