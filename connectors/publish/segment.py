"""Segments: append-only files of checksummed frames, with shared fsync, readable after damage."""

import os
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from crc32c import crc32c

# Frames: checksummed records one after another in a file, found again after damage anywhere in it.

HEADER_BYTES = 20
MARKER_BYTES = 8
"""Each file has its own random marker, so that no text of a citizen can pass for a frame."""

_HEADER = struct.Struct(">8sIII")  # marker, length and checksum of the payload, checksum of this header
_SEALED = struct.Struct(">8sII")


class Kind(Enum):
    """Kind of a piece of a file."""

    RECORD = "record"
    CORRUPT = "corrupt"
    TORN = "torn"


class Piece(NamedTuple):
    """A piece of a file: a record's payload, or damaged bytes. `end` is where the next piece begins."""

    kind: Kind
    data: bytes
    end: int


def frame(marker: bytes, payload: bytes) -> bytes:
    """Return the payload with its header."""
    start = _SEALED.pack(marker, len(payload), crc32c(payload))
    return start + crc32c(start).to_bytes(4, "big") + payload


def pieces(marker: bytes, data: bytes, at: int = 0) -> Iterator[Piece]:
    """Yield every piece of `data` from `at` on, in order, without gaps.

    TORN is an append that a crash cut short: only the last piece can be one. CORRUPT is anything else that is no
    frame.
    """
    while at < len(data):
        piece = _record(marker, data, at) or _torn(marker, data, at) or _corrupt(marker, data, at)
        yield piece
        at = piece.end


def _record(marker: bytes, data: bytes, at: int) -> Piece | None:
    length = _length(marker, data, at)
    start = at + _HEADER.size
    if length is None or start + length > len(data):
        return None
    payload = data[start : start + length]
    checksum = _HEADER.unpack_from(data, at)[2]
    return Piece(Kind.RECORD, payload, start + length) if crc32c(payload) == checksum else None


def _length(marker: bytes, data: bytes, at: int) -> int | None:
    """Return the payload's length if a valid header stands at `at`."""
    if len(data) - at < _HEADER.size:
        return None
    found, length, _, checksum = _HEADER.unpack_from(data, at)
    sound = found == marker and crc32c(data[at : at + _SEALED.size]) == checksum
    return int(length) if sound else None


def _torn(marker: bytes, data: bytes, at: int) -> Piece | None:
    length = _length(marker, data, at)
    rest = data[at:]
    cut_header = len(rest) < _HEADER.size and rest[:MARKER_BYTES] == marker[: len(rest)]
    cut_payload = length is not None and at + _HEADER.size + length > len(data)
    return Piece(Kind.TORN, rest, len(data)) if cut_header or cut_payload else None


def _corrupt(marker: bytes, data: bytes, at: int) -> Piece:
    """Return the bytes from `at` to the next valid header or the end."""
    end = data.find(marker, at + 1)
    while end >= 0 and not (_record(marker, data, end) or _torn(marker, data, end)):
        end = data.find(marker, end + 1)
    end = end if end >= 0 else len(data)
    return Piece(Kind.CORRUPT, data[at:end], end)


# A segment: one append-only file of the journal, written by many threads with shared fsyncs.

OWNER_ONLY = 0o600
"""the journal holds citizens' words"""


@dataclass
class Sealed:
    """A finished segment; the broker holds everything before `done`, and all of it if `held`.

    Behind `done` some messages wait for the right to write their topics (`waiting`), and others have `passed` them.
    """

    path: Path
    marker: bytes
    size: int
    done: int = 0
    held: bool = False
    waiting: frozenset[str] = frozenset()
    passed: set[int] = field(default_factory=set)


class Segment:
    """The segment that is being written."""

    def __init__(self, path: Path, marker: bytes, fsync: Callable[[int], None] = os.fsync) -> None:
        self.path = path
        self.marker = marker
        self.written = 0
        self.synced = 0
        self._broken = False
        self._fsync = fsync
        self._syncing = threading.Lock()
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, OWNER_ONLY)
        try:
            sync_folder(path.parent)
        except OSError:  # its name may not last: nothing is promised on it, and it keeps no descriptor from others
            os.close(self._fd)
            path.unlink(missing_ok=True)
            raise

    def write(self, data: bytes) -> int:
        """Append `data` and return the position to settle; the caller admits one thread at a time.

        Bytes that a full disk accepted in part are cut off again.
        """
        try:
            _write_all(self._fd, data)
        except OSError:
            os.ftruncate(self._fd, self.written)
            raise
        self.written += len(data)
        return self.written

    def settle(self, position: int) -> None:
        """Return when everything before `position` is on the disk; one fsync serves all waiting threads. Raises
        OSError.
        """
        with self._syncing:
            if self.synced >= position:
                return
            if self._broken:
                raise OSError("an earlier fsync failed")
            self._sync()

    def close(self) -> None:
        """Settle everything and close the file; it takes no more writes."""
        with self._syncing:
            try:
                if not self._broken and self.synced < self.written:
                    self._sync()
            finally:
                os.close(self._fd)

    def sealed(self) -> Sealed:
        """Return what a reader needs."""
        return Sealed(self.path, self.marker, self.written)

    def _sync(self) -> None:
        target = self.written
        try:
            self._fsync(self._fd)
        except OSError:
            self._broken = True  # the kernel may drop the pages: a second fsync would return success wrongly
            raise
        self.synced = target


def sync_folder(folder: Path) -> None:
    """Sync the folder, so that the names of new and removed files survive a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_aside(path: Path, data: bytes) -> None:
    """Write a whole file with fsync, readable by its owner only."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, OWNER_ONLY)
    try:
        _write_all(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)
    sync_folder(path.parent)


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
