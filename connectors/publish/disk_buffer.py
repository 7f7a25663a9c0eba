"""The journal: a disk buffer for messages of push channels while Kafka does not answer."""

import errno
import fcntl
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, TypeAlias

import msgspec
import structlog

from connectors import metrics
from connectors.publish.segment import (
    HEADER_BYTES,
    MARKER_BYTES,
    Kind,
    Piece,
    Sealed,
    Segment,
    frame,
    pieces,
    sync_folder,
    write_aside,
)
from schemas.codec import UNREADABLE
from schemas.errors import (
    FatalError,
    MisconfiguredError,
    RetriableError,
    TopicMissingError,
    TopicRefusedError,
    UnreachableError,
)
from schemas.records import RawMessage
from storage.private_files import denial, make_private

_log = structlog.get_logger(__name__)

# Replay: a sealed segment goes to the broker in order; damaged pieces are set aside and reported, never dropped.

Publish = Callable[[Sequence[RawMessage]], None]
"""Returns when the broker holds the messages."""

CLOSED = (TopicRefusedError, TopicMissingError)
"""Errors of a single topic, which say nothing about the others."""

Refused: TypeAlias = dict[str, TopicRefusedError | TopicMissingError]
"""Kafka's error for each topic that is missing or that this user may not write."""

BATCH_MESSAGES = 500

BAD_SUFFIX = ".bad"

_decoder = msgspec.msgpack.Decoder(RawMessage)


def replay(sealed: Sealed, publish: Publish, refused: Refused) -> int:
    """Publish the messages that the broker lacks, record the progress, and return their number.

    Messages of a topic that is `refused`, now or before, stay and keep their order; messages of other topics pass
    them.
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
    """Return the messages of a batch, each with its piece; damaged pieces are handled."""
    read = [(piece, _message(sealed, piece)) for piece in batch]
    return [(piece, message) for piece, message in read if message is not None]


def _message(sealed: Sealed, piece: Piece) -> RawMessage | None:
    if piece.kind is Kind.TORN:  # its sender got no acknowledgement and sends it again
        _log.warning("journal_tail_torn", segment=sealed.path.name, bytes=len(piece.data))
        metrics.JOURNAL_TORN.inc()
        return None
    if piece.kind is Kind.CORRUPT:
        _replay_set_aside(sealed, piece, "checksum")
        return None
    message = read(piece.data)
    if message is None:
        _replay_set_aside(sealed, piece, "not a raw message")
    return message


def read(payload: bytes) -> RawMessage | None:
    """Return the message in one frame of the journal, or None for damaged bytes."""
    try:
        return _decoder.decode(payload)
    except UNREADABLE:
        return None


def read_all(sealed: Sealed) -> list[RawMessage]:
    """Return the messages of a segment that the broker lacks, in order; raises OSError."""
    found = pieces(sealed.marker, sealed.path.read_bytes(), sealed.done)
    messages = (read(piece.data) for piece in found if piece.kind is Kind.RECORD)
    return [message for message in messages if message is not None]


def _publish_allowed(
    sealed: Sealed, messages: list[tuple[Piece, RawMessage]], publish: Publish, refused: Refused
) -> int:
    """Publish a batch without refused topics; if Kafka refuses a topic now, publish topic by topic."""
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
    """Publish a batch; if one message spoils it, one by one."""
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
        _replay_set_aside(sealed, piece, type(error).__name__)
        return 0
    return 1


def _replay_set_aside(sealed: Sealed, piece: Piece, reason: str) -> None:
    """Save the bytes in a `.bad` file for an operator; doing so twice gives one file."""
    start = piece.end - len(piece.data)
    path = sealed.path.with_suffix(f".{start}{BAD_SUFFIX}")
    write_aside(path, piece.data)
    _log.error("journal_bytes_set_aside", file=path.name, bytes=len(piece.data), reason=reason)
    metrics.JOURNAL_SET_ASIDE.inc()


SUFFIX = ".journal"

SMALL = "small"
"""Label of a receiver's journal in metrics and logs; a listener's journal has its account."""

PROBE_BYTES = 64 << 10
"""Bytes: nearly all messages are smaller, so a disk that does not accept so much is full."""

_FULL = (errno.ENOSPC, errno.EDQUOT)

_NAME = re.compile(rf"[0-9]{{16}}-[0-9a-f]{{{2 * MARKER_BYTES}}}{re.escape(SUFFIX)}")

_encoder = msgspec.msgpack.Encoder()


class JournalInUseError(MisconfiguredError):
    """Another process of this machine uses the journal."""


class Journal:
    """Messages in a folder of this process, oldest first; `append` returns after the fsync.

    Each start begins a new segment, so nothing is ever written behind data that a crash tore.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int = 1 << 30,
        segment_max_bytes: int = 8 << 20,
        fsync: Callable[[int], None] = os.fsync,
        kind: str = SMALL,
    ) -> None:
        self.kind = kind
        self._folder = folder
        self._max_bytes = max_bytes
        self._segment_max_bytes = segment_max_bytes
        self._fsync = fsync
        self._writing = threading.Lock()
        self._replaying = threading.Lock()
        self._active: Segment | None = None
        self._lock = _locked(folder)
        self._sealed = _found(folder)
        self._sequence = max((_sequence(sealed.path) for sealed in self._sealed), default=0)
        metrics.JOURNAL_BYTES.labels(self.kind).set(self.size_bytes)
        metrics.JOURNAL_LIMIT_BYTES.labels(kind).set(max_bytes)
        metrics.JOURNAL_SET_ASIDE.inc(_set_aside(folder))

    def within(self, kind: str) -> "Journal":
        """Open a journal for another kind of messages in a subfolder, with the same limits."""
        told = kind if self.kind == SMALL else f"{self.kind} {kind}"
        return Journal(self._folder / kind, self._max_bytes, self._segment_max_bytes, self._fsync, told)

    @property
    def empty(self) -> bool:
        """Return whether the disk holds no message."""
        return self.size_bytes == 0

    @property
    def drained(self) -> bool:
        """Return whether the broker holds every acknowledged message.

        A disk that became read-only keeps its messages for ever, and a hanging one has acknowledged none yet.
        """
        active = self._active
        return not (active and active.synced) and all(sealed.held or not sealed.size for sealed in self._sealed)

    @property
    def full(self) -> bool:
        """Return whether less than a tenth of the room is left: an operator should look at Kafka."""
        return self.size_bytes > 0.9 * self._max_bytes

    @property
    def size_bytes(self) -> int:
        """Return the bytes that wait for the broker. Takes no lock, because the event loop calls it."""
        active = self._active
        return sum(sealed.size for sealed in self._sealed) + (active.written if active else 0)

    def append(self, messages: Sequence[RawMessage]) -> None:
        """Return when the disk holds the messages; concurrent threads share an fsync.

        Raises UnreachableError otherwise: the sender must be asked to repeat.
        """
        payloads = [_encoder.encode(message) for message in messages]
        try:
            with self._writing:
                segment, position = self._write(payloads)
            self._settle(segment, position)
        except OSError as error:
            raise self._unwritable(error) from error
        metrics.JOURNAL_APPENDED.inc(len(messages))

    def probe(self) -> None:
        """Return when the disk accepted a test file of a segment's size, which is deleted; raises UnreachableError."""
        path = self._folder / "probe"
        try:
            path.unlink(missing_ok=True)  # that of a process that was killed over it
            try:
                segment = Segment(path, b"", self._fsync)
                segment.write(bytes(PROBE_BYTES))
                segment.close()
            finally:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error

    def replay(self, publish: Publish) -> int:
        """Publish the present messages, oldest first, and return their number.

        A segment is removed when the broker holds it. An error of `publish` ends the replay; the next one continues
        after the last published batch. An unreadable segment, and a topic that is missing or forbidden, are raised at
        the end, so that a fault of one channel does not delay another's emergency.
        """
        with self._replaying:
            with self._writing:
                self._seal()
            return self._replay(publish)

    def waiting(self) -> Iterator[RawMessage]:
        """Yield the messages that the broker lacks, oldest first. Raises UnreachableError."""
        for sealed in self._sealed:
            try:
                yield from read_all(sealed)
            except OSError as error:
                raise UnreachableError(f"{sealed.path} cannot be read: {error.strerror or error}") from error

    def newest(self, most_bytes: int) -> list[RawMessage]:
        """Return the last messages that nobody appends to any more, of about so many bytes, oldest first.

        It omits messages that the disk does not return or that the broker has by now; `replay` reports both.
        """
        found: list[RawMessage] = []
        left = most_bytes
        for sealed in reversed(self._sealed):
            if left > 0:
                with suppress(OSError):
                    found[:0] = read_all(sealed)
                left -= sealed.size
        return found

    def close(self) -> None:
        """Close the files; their messages stay for the next start. Idempotent."""
        with self._replaying, self._writing:
            self._seal()
            self._lock.close()

    def _unwritable(self, error: OSError) -> UnreachableError:
        return UnreachableError(f"the journal {self._folder} cannot be written: {denial(error)}")

    def _write(self, payloads: list[bytes]) -> tuple[Segment, int]:
        size = sum(len(payload) + HEADER_BYTES for payload in payloads)
        if self.size_bytes + size > self._max_bytes:
            raise UnreachableError(f"the journal {self._folder} is full: run `hotline doctor`, or raise its limit")
        segment = self._segment_for(size)
        position = segment.write(b"".join(frame(segment.marker, payload) for payload in payloads))
        metrics.JOURNAL_BYTES.labels(self.kind).set(self.size_bytes)
        return segment, position

    def _segment_for(self, size: int) -> Segment:
        if self._active and self._active.written and self._active.written + size > self._segment_max_bytes:
            self._seal()
        return self._active or self._begin()

    def _begin(self) -> Segment:
        self._sequence += 1
        marker = secrets.token_bytes(MARKER_BYTES)
        segment = Segment(self._folder / f"{self._sequence:016d}-{marker.hex()}{SUFFIX}", marker, self._fsync)
        self._active = segment
        return segment

    def _settle(self, segment: Segment, position: int) -> None:
        try:
            segment.settle(position)
        except OSError:
            with self._writing:
                if self._active is segment:
                    self._seal()  # nothing may be acknowledged on this file again
            raise

    def _seal(self) -> None:
        """End the active segment. It is in both places for a moment, so that `empty` is never wrong."""
        segment = self._active
        if segment is None:
            return
        self._sealed = (*self._sealed, segment.sealed())
        self._active = None
        try:
            segment.close()
        except OSError as error:  # `settle` answers the threads that wait for this segment
            _log.error("journal_segment_failed", segment=segment.path.name, error=type(error).__name__)

    def _replay(self, publish: Publish) -> int:
        published, faults = 0, []
        refused: Refused = {}
        for sealed in self._sealed:
            try:
                published += self._drain(sealed, publish, refused)
            except OSError as error:
                faults.append(f"{sealed.path} cannot be read: {error.strerror or error}")
        if faults:
            raise UnreachableError(f"the journal's {'; '.join(faults)}")
        for refusal in refused.values():
            raise refusal
        return published

    def _drain(self, sealed: Sealed, publish: Publish, refused: Refused) -> int:
        if sealed.waiting and sealed.waiting <= refused.keys():
            return 0
        published = replay(sealed, publish, refused)
        if sealed.waiting:
            return published
        sealed.held = True
        sealed.path.unlink()
        sync_folder(self._folder)
        with self._writing:
            self._sealed = tuple(other for other in self._sealed if other is not sealed)
            metrics.JOURNAL_BYTES.labels(self.kind).set(self.size_bytes)
        return published


def _locked(folder: Path) -> IO[bytes]:
    """Lock the folder; the lock ends with this process in any case."""
    try:
        make_private(folder)
        lock = (folder / "lock").open("ab")
    except OSError as error:
        told = f"the journal {folder} cannot be written ({denial(error)})"
        if error.errno in _FULL:  # it may have room soon
            raise UnreachableError(f"{told}: make room on its disk") from error
        raise MisconfiguredError(f"{told}: allow our user to write there, or choose another folder") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        told = f"another process uses the journal {folder}: give each a folder of its own"
        raise JournalInUseError(told) from error
    return lock


def _found(folder: Path) -> tuple[Sealed, ...]:
    """Return the segments of an earlier process, oldest first; other files stay where they are."""
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        if _NAME.fullmatch(path.name):
            found.append(Sealed(path, bytes.fromhex(path.stem.partition("-")[2]), path.stat().st_size))
        else:
            _log.error("journal_file_foreign", file=path.name)
    return tuple(found)


def _set_aside(folder: Path) -> int:
    """Return the number of `.bad` files of earlier processes: a restart must not hide them."""
    found = sorted(path.name for path in folder.glob(f"*{BAD_SUFFIX}"))
    if found:
        _log.error("journal_bytes_still_aside", files=len(found), first=found[0])
    return len(found)


def _sequence(path: Path) -> int:
    return int(path.stem.partition("-")[0])
