"""One Kafka record on its way out, and the JSON codec of all records."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
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
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    try:
        result: T = decoder.decode(value)
    except UNREADABLE as error:  # their texts can quote a value
        raise SchemaError(f"not a {getattr(kind, '__name__', kind)}") from error
    return result
