"""Decode Kafka records into inputs, or into dead letters that keep every byte."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

import structlog
from msgspec.structs import replace

from schemas.codec import Inbound, Position, decode, position_of
from schemas.envelope import type_of, written_time
from schemas.errors import RecordError, UnsupportedError, place_of
from schemas.records import Command, DeadLetter, Message, RawMessage, raw_of
from schemas.records.dead_letter import OURS, REPLAYS
from schemas.records.raw import is_beginning
from storage.paths import folder

T = TypeVar("T")

TRIED_AGAIN = timedelta(days=7)
"""How long a source may repeat a message that was stored and not acknowledged: mail servers give up after 5 days."""

_LONG = timedelta(days=1)
"""A younger message is live, and does not wait for the blob store."""

SLICE = 128
"""Records processed between two turns of the event loop."""

_KINDS: dict[str, type[Message] | type[Command]] = {type_of("message"): Message, type_of("command"): Command}

_log = structlog.get_logger(__name__)


def input_of(record: Inbound) -> Message | Command:
    """Decode one input by its `ce_type`. Raises RecordError."""
    kind = _KINDS.get(header_of(record, "ce_type") or "")
    if kind is None:
        raise UnsupportedError("the record is neither a message nor a command: its ce_type is unknown")
    return decode(record.value or b"", kind)


def raw_or_fault(record: Inbound) -> RawMessage | Exception:
    """Return the raw message of a record, or the error of its decoding; never raises."""
    try:
        return raw_of(record)
    except Exception as error:  # noqa: BLE001 - any fault of one record is returned, so that the next one goes on
        return error


def is_claimed(raw: RawMessage) -> bool:
    """Return whether the bytes are in the blob store (claim check)."""
    return raw.envelope.dataref is not None and not raw.value


def has_reference(record: Inbound) -> bool:
    """Return whether a record's bytes are in the blob store."""
    return not record.value and header_of(record, "ce_dataref") is not None


def whole(records: Sequence[Inbound]) -> Sequence[Inbound]:
    """Leave out the beginnings of messages whose whole comes later: only screen reads them."""
    return [record for record in records if not is_beginning(record)]


def may_be_gone(raw: RawMessage | Exception) -> str | None:
    """Return the folder of a message that was read long after it was sent: it may have come before and been erased.

    A mailbox that renumbers its messages delivers them again. Each would stay in Kafka for thirty days more, and in
    another month's index of the archive, where no newer empty version stands. If the transport has no time but the
    time of intake, the message may have come before while its source repeated it.
    """
    if isinstance(raw, Exception):
        return None
    sent, taken = raw.envelope.time, raw.envelope.recordedtime
    first = sent if sent != taken else taken - TRIED_AGAIN
    is_late = taken - sent >= _LONG or _month(first) != _month(taken)
    return folder(raw.jurisdiction, raw.message_id) if is_late else None


def _month(at: datetime) -> bytes:
    return written_time(at)[: len("2026-11")]


def header_of(record: Inbound, name: str) -> str | None:
    """Return the text of a header; Kafka allows a header without a value."""
    found = next((value for header, value in record.headers if header == name), None)
    return found.decode(errors="replace") if found is not None else None


def dead_letter(record: Inbound, error: Exception, stage: str) -> DeadLetter:
    """Return the dead letter of a record, with its key, value and headers unchanged."""
    if not isinstance(error, RecordError):
        report(error, stage, position_of(record))
    letter = DeadLetter.of(
        error,
        stage=stage,
        position=position_of(record),
        key=record.key or b"",
        value=record.value or b"",
        headers=[header for header in record.headers if not header[0].startswith(OURS)],
    )
    replays = _replays(record.headers)
    return replace(letter, replays=replays, attempt=replays + 1)


def report(error: Exception, stage: str, position: Position) -> None:
    """Log an internal error on one record: its place in the code, never the exception's words about the record."""
    _log.error("record_failed", stage=stage, error=type(error).__name__, at=place_of(error), **position._asdict())


def sliced(items: Iterable[T], size: int = SLICE) -> Iterator[Sequence[T]]:
    """Split into pieces of `size`."""
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece


def _replays(headers: Iterable[tuple[str, bytes]]) -> int:
    """Return how often an operator has replayed this record."""
    count = next((value for name, value in headers if name == REPLAYS), None) or b""
    return int(count) if count.isdigit() and len(count) <= 9 else 0
