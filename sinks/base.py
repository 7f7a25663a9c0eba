"""Interface of a sink: it writes documents and returns a verdict for each; the runner does the rest."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from msgspec import Struct, field

from schemas.codec import Position
from schemas.contract.index_templates import Index
from schemas.envelope import Headers

if TYPE_CHECKING:
    from aiokafka.structs import ConsumerRecord


class Document(NamedTuple):
    """One Kafka record on its way into a service, exactly as it came."""

    position: Position
    key: bytes
    value: bytes
    headers: Headers


class Refusal(NamedTuple):
    """A document that a service refused: `code` is that of the dead letter, `reason` has no value of the document."""

    document: Document
    code: str
    reason: str


class Verdicts(Struct, frozen=True, kw_only=True):
    """Result of one write; every document is in exactly one list.

    `stale` is stored, too: the service has this version or a newer one already.
    """

    stored: list[Document] = field(default_factory=list)
    stale: list[Document] = field(default_factory=list)
    retry: list[Refusal] = field(default_factory=list)
    rejected: list[Refusal] = field(default_factory=list)


class Source(Struct, frozen=True, kw_only=True):
    """A topic that a sink reads, except records of the types in `skip`."""

    topic: str
    skip: frozenset[bytes] = frozenset()


class Route(Source, frozen=True, kw_only=True):
    """A topic and the index that it fills.

    `into` names a concrete index instead of the alias: a rebuild fills it before the alias moves.
    """

    index: Index
    into: str | None = None


class Sink(Protocol):
    """Writes documents into one service. Never sleeps, retries, reads Kafka or logs.

    Several writes may run at once. Raises only errors of `schemas.errors`: a RetriableError means that none of the
    documents could be judged, a RecordError that the service refused them as a whole (too large, unreadable).
    """

    @property
    def name(self) -> str:
        """Return its name in metrics, logs and consumer groups."""
        ...

    async def open(self) -> None:
        """Prepare for the first write. May be called again after a failure."""
        ...

    async def write(self, documents: Sequence[Document]) -> Verdicts:
        """Write the documents unchanged and return the verdict on each."""
        ...

    async def close(self) -> None:
        """Release everything. Idempotent, and safe before open()."""
        ...


def document_of(record: "ConsumerRecord[bytes, bytes]") -> Document:
    """Return a Kafka record as a document."""
    position = Position(record.topic, record.partition, record.offset)
    return Document(position, record.key or b"", record.value or b"", list(record.headers))


def type_of(document: Document) -> bytes:
    """Return `ce_type` of a document."""
    return next((value for name, value in document.headers if name == "ce_type"), b"")
