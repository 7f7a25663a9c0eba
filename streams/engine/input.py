"""From Kafka records to inputs, and to dead letters that keep every byte."""

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
"""For so long a source at most sends again what was kept and not answered: mail servers give up after five days."""

_LONG = timedelta(days=1)
"""What is live is taken sooner, and waits for no blob store."""

SLICE = 128
"""Records worked off before the event loop gets its turn."""

_KINDS: dict[str, type[Message] | type[Command]] = {type_of("message"): Message, type_of("command"): Command}

_log = structlog.get_logger(__name__)


def input_of(record: Inbound) -> Message | Command:
    """Read one input by its `ce_type`. Raises RecordError."""
    kind = _KINDS.get(header_of(record, "ce_type") or "")
    if kind is None:
        raise UnsupportedError("the record is neither a message nor a command: its ce_type is unknown")
    return decode(record.value or b"", kind)


def raw_or_fault(record: Inbound) -> RawMessage | Exception:
    """Return the raw message of a record, or the fault that reading it raised; never raises."""
    try:
        return raw_of(record)
    except Exception as error:  # noqa: BLE001 - any fault of one record is returned, so that the next one goes on
        return error


def is_claimed(raw: RawMessage) -> bool:
    """Say whether the bytes lie in the blob store."""
    return raw.envelope.dataref is not None and not raw.value


def has_reference(record: Inbound) -> bool:
    """Say whether a record's bytes lie in the blob store."""
    return not record.value and header_of(record, "ce_dataref") is not None


def whole(records: Sequence[Inbound]) -> Sequence[Inbound]:
    """Leave out the beginnings of messages that come whole later: screen alone reads those."""
    return [record for record in records if not is_beginning(record)]


def may_be_gone(raw: RawMessage | Exception) -> str | None:
    """Return the folder of a message that is taken long after it was sent: it may have come before, and be erased now.

    A mailbox that is renumbered gives its mails again. Each would stand in Kafka for thirty days more, and where it is
    another month by now in that month's index of the archive, which has no emptied one that is newer. Where the
    transport tells no time but ours, it may have come before while its source tried again.
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
    """Return a header's text; Kafka allows a header without a value."""
    found = next((value for header, value in record.headers if header == name), None)
    return found.decode(errors="replace") if found is not None else None


def dead_letter(record: Inbound, error: Exception, stage: str) -> DeadLetter:
    """Return the dead letter of a record: key, value and headers as they came."""
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
    """Log a fault of ours on one record: where it happened, never what the exception says of the record."""
    _log.error("record_failed", stage=stage, error=type(error).__name__, at=place_of(error), **position._asdict())


def sliced(items: Iterable[T], size: int = SLICE) -> Iterator[Sequence[T]]:
    """Cut into pieces of `size`."""
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece


def _replays(headers: Iterable[tuple[str, bytes]]) -> int:
    """Return how often an operator has already put this record back."""
    count = next((value for name, value in headers if name == REPLAYS), None) or b""
    return int(count) if count.isdigit() and len(count) <= 9 else 0
