"""One Kafka record on its way out, and the JSON codec of all records."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

from schemas.envelope import Headers
from schemas.errors import SchemaError

T = TypeVar("T")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that it cannot read: no JSON or another shape, no UTF-8, nested without end."""

AHEAD = timedelta(minutes=10)
"""So far the clock of who writes a record may be ahead of the broker's."""

NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""No order was given before this: it is what programs write for no time at all (0001-01-01, 1970-01-01)."""

_encoder = msgspec.json.Encoder()
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}
_building = Lock()


class Outbound(NamedTuple):
    """A record to send. `jurisdiction` None means that Kafka's own partitioner places the key."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers
    jurisdiction: str | None = None


class Inbound(Protocol):
    """A record as it was fetched, by whichever client; a null value is a tombstone."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Position(NamedTuple):
    """Where a record stands in its topic."""

    topic: str
    partition: int
    offset: int


def position_of(record: Inbound) -> Position:
    """Return where a record stands."""
    return Position(record.topic, record.partition, record.offset)


def appended_at(record: Inbound) -> datetime | None:
    """Return when the broker took a record, as far as it tells."""
    return datetime.fromtimestamp(record.timestamp / 1000, UTC) if record.timestamp > 0 else None


def encode(record: msgspec.Struct) -> bytes:
    """Return the JSON of a record."""
    return _encoder.encode(record)


def decode(value: bytes, kind: type[T]) -> T:
    """Read a record's JSON; unknown fields are ignored. Raises SchemaError when it does not fit."""
    try:
        result: T = _decoder(kind).decode(value)
    except UNREADABLE as error:  # their texts can quote a value
        raise SchemaError(f"not a {getattr(kind, '__name__', kind)}") from error
    return result


def built(kind: type[T]) -> type[T]:
    """Build what msgspec needs to read a type, and return the type: a decorator of each Struct that is read.

    msgspec 0.22 builds it at the first use, and a second thread that uses a type while it is half built ends the
    process by a segmentation fault. So the records and the types of the connectors are built when their module is
    imported, which Python lets one thread do.
    """
    _decoder(kind)
    return kind


def _decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    decoder = _decoders.get(kind)
    if decoder is None:
        with _building:  # of two threads that wait, the second builds a finished type again, which harms nobody
            decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    return decoder
