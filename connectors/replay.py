"""Replay: a sealed segment goes to the broker in order; what is no message is set aside and reported, never dropped."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import msgspec
import structlog

from connectors import metrics
from connectors.frames import Kind, Piece, pieces
from connectors.segment import Sealed, write_aside
from schemas.errors import FatalError, RetriableError
from schemas.records import RawMessage
from schemas.wire import UNREADABLE

Publish = Callable[[Sequence[RawMessage]], None]
"""Returns when the broker holds the messages."""

BATCH_MESSAGES = 500

BAD_SUFFIX = ".bad"

_log = structlog.get_logger(__name__)
_decoder = msgspec.msgpack.Decoder(RawMessage)


def replay(sealed: Sealed, publish: Publish) -> int:
    """Publish what `sealed.done` has left, and move it on after each batch; return how many messages that were."""
    published = 0
    for batch in _batches(pieces(sealed.marker, sealed.path.read_bytes(), sealed.done)):
        published += _publish(sealed, _messages(sealed, batch), publish)
        sealed.done = batch[-1].end
    return published


def _batches(found: Iterable[Piece]) -> Iterator[list[Piece]]:
    rest = iter(found)
    while batch := list(islice(rest, BATCH_MESSAGES)):
        yield batch


def _messages(sealed: Sealed, batch: list[Piece]) -> list[tuple[Piece, RawMessage]]:
    """Return the messages of a batch, each with its piece; the other pieces are dealt with."""
    read = [(piece, _message(sealed, piece)) for piece in batch]
    return [(piece, message) for piece, message in read if message is not None]


def _message(sealed: Sealed, piece: Piece) -> RawMessage | None:
    if piece.kind is Kind.TORN:  # its sender was never told that we have it, and sends it again
        _log.warning("journal_tail_torn", segment=sealed.path.name, bytes=len(piece.data))
        metrics.JOURNAL_TORN.inc()
        return None
    if piece.kind is Kind.CORRUPT:
        _set_aside(sealed, piece, "checksum")
        return None
    message = read(piece.data)
    if message is None:
        _set_aside(sealed, piece, "not a raw message")
    return message


def read(payload: bytes) -> RawMessage | None:
    """Return the message that the journal holds in one frame, None for what is none."""
    try:
        return _decoder.decode(payload)
    except UNREADABLE:
        return None


def _publish(sealed: Sealed, batch: list[tuple[Piece, RawMessage]], publish: Publish) -> int:
    """Publish a batch; when one message spoils it, one by one."""
    try:
        publish([message for _, message in batch])
    except (RetriableError, FatalError):
        raise
    except Exception:  # noqa: BLE001 - one message that cannot be sent must not hold up those behind it
        return sum(_publish_one(sealed, piece, message, publish) for piece, message in batch)
    return len(batch)


def _publish_one(sealed: Sealed, piece: Piece, message: RawMessage, publish: Publish) -> int:
    try:
        publish([message])
    except (RetriableError, FatalError):
        raise
    except Exception as error:  # noqa: BLE001 - see above
        _set_aside(sealed, piece, type(error).__name__)
        return 0
    return 1


def _set_aside(sealed: Sealed, piece: Piece, reason: str) -> None:
    """Keep the bytes in a `.bad` file for a person to look at; doing so twice gives one file."""
    start = piece.end - len(piece.data)
    path = sealed.path.with_suffix(f".{start}{BAD_SUFFIX}")
    write_aside(path, piece.data)
    _log.error("journal_bytes_set_aside", file=path.name, bytes=len(piece.data), reason=reason)
    metrics.JOURNAL_SET_ASIDE.inc()
