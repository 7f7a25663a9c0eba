"""The last snapshots of the live tickets: what a desk keeps of a million bodies lies compressed."""

from collections.abc import Iterator, Mapping, MutableMapping
from datetime import UTC, datetime

from xxhash import xxh3_64_hexdigest
from zstandard import DICT_TYPE_RAWCONTENT, ZstdCompressionDict, ZstdCompressor, ZstdDecompressor

from schemas.records import Ticket
from schemas.records.common import Party
from schemas.records.ticket import Category, Deadline, DispatchProposal, Lineage, Location, Requester
from schemas.wire import encode

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


class Bodies(MutableMapping[str, bytes]):
    """Snapshots as JSON by the ids of their tickets; `packed` is what another one's `dump` returned."""

    def __init__(self, packed: Mapping[str, bytes] | None = None) -> None:
        self._packed = dict(packed or {})
        like = ZstdCompressionDict(_LIKE, dict_type=DICT_TYPE_RAWCONTENT)
        self._pack = ZstdCompressor(LEVEL, like, write_checksum=False, write_dict_id=False).compress
        self._unpack = ZstdDecompressor(like).decompress

    def __getitem__(self, ticket_id: str) -> bytes:
        return self._unpack(self._packed[ticket_id])

    def __setitem__(self, ticket_id: str, value: bytes) -> None:
        self._packed[ticket_id] = self._pack(value)

    def __delitem__(self, ticket_id: str) -> None:
        del self._packed[ticket_id]

    def __contains__(self, ticket_id: object) -> bool:
        return ticket_id in self._packed

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)

    def dump(self) -> dict[str, bytes]:
        """Return all of them as they lie here, for a checkpoint."""
        return dict(self._packed)
