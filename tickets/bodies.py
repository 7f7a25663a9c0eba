"""The last snapshots of the live tickets: what a desk keeps of a million bodies lies compressed."""

from collections.abc import Mapping
from datetime import UTC, datetime

from xxhash import xxh3_64_hexdigest
from zstandard import DICT_TYPE_RAWCONTENT, ZstdCompressionDict, ZstdCompressor, ZstdDecompressor

from schemas.codec import encode
from schemas.records import Ticket
from schemas.records.common import Party
from schemas.records.dispatch import DispatchProposal
from schemas.records.ticket import Category, Deadline, Lineage, Location, Requester
from tickets.packed import Packed

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
