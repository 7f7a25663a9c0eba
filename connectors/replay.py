"""Replay: a sealed segment goes to the broker in order; what is no message is set aside and reported, never dropped."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import TypeAlias

import msgspec
import structlog

from connectors import metrics
from connectors.frames import Kind, Piece, pieces
from connectors.segment import Sealed, write_aside
from schemas.codec import UNREADABLE
from schemas.errors import FatalError, RetriableError, TopicMissingError, TopicRefusedError
from schemas.records import RawMessage

Publish = Callable[[Sequence[RawMessage]], None]
"""Returns when the broker holds the messages."""

CLOSED = (TopicRefusedError, TopicMissingError)
"""One topic takes nothing, and that says nothing of the others."""

Refused: TypeAlias = dict[str, TopicRefusedError | TopicMissingError]
"""What Kafka said of the topics that our user may not write, or that are not there."""

BATCH_MESSAGES = 500

BAD_SUFFIX = ".bad"

_log = structlog.get_logger(__name__)
_decoder = msgspec.msgpack.Decoder(RawMessage)


def replay(sealed: Sealed, publish: Publish, refused: Refused) -> int:
    """Publish what the broker does not hold, and note how far that is; return how many messages that were.

    Messages of a topic that is `refused`, by now or before, stay and keep their order; those of others pass them.
    """
    published, waiting = 0, set[str]()
    for batch in _batches(pieces(sealed.marker, sealed.path.read_bytes(), sealed.done)):
        messages = _messages(sealed, [piece for piece in batch if piece.end not in sealed.passed])
        published += _publish_allowed(sealed, messages, publish, refused)
        left = {piece.end: message.topic for piece, message in messages if message.topic in refused}
        waiting.update(left.values())
        if waiting:
            sealed.passed.update(piece.end for piece in batch if piece.end not in left)
        else:
            sealed.done = batch[-1].end
    sealed.waiting = frozenset(waiting)
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


def read_all(sealed: Sealed) -> list[RawMessage]:
    """Return the messages of a segment that the broker does not hold yet, in order; raises OSError."""
    found = pieces(sealed.marker, sealed.path.read_bytes(), sealed.done)
    messages = (read(piece.data) for piece in found if piece.kind is Kind.RECORD)
    return [message for message in messages if message is not None]


def _publish_allowed(
    sealed: Sealed, messages: list[tuple[Piece, RawMessage]], publish: Publish, refused: Refused
) -> int:
    """Publish a batch without what is refused; when Kafka refuses a topic now, topic by topic."""
    allowed: dict[str, list[tuple[Piece, RawMessage]]] = {}
    for piece, message in messages:
        if message.topic not in refused:
            allowed.setdefault(message.topic, []).append((piece, message))
    if len(allowed) > 1:
        with suppress(*CLOSED):
            return _publish(sealed, [one for one in messages if one[1].topic in allowed], publish)
    published = 0
    for topic, batch in allowed.items():
        try:
            published += _publish(sealed, batch, publish)
        except CLOSED as error:
            refused[topic] = error
    return published


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
