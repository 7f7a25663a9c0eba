"""Positions: the offset of each file in a cursor of bounded size.

If there are very many files, the positions of fully read files that changed longest ago are replaced by a few bytes
each, and those of still more files by one time.
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from operator import attrgetter
from typing import Any, BinaryIO, NamedTuple

import msgspec
from msgspec import Struct

from connectors.call_files.folder import Entry
from connectors.call_files.lines import Line
from connectors.call_files.rows import Pending
from schemas.codec import built

# Ends: the size of a growing file when it was fully read; later bytes were written after that.
#
# This does not hold for a delivered file: a platform may deliver the calls of years at once.


class _End(NamedTuple):
    size: int
    at: datetime


class Ends:
    """Ends of the files of one account that this process has seen."""

    def __init__(self, *, growing: bool) -> None:
        self._growing = growing
        self._ends: dict[int, _End] = {}

    def keep(self, entries: Iterable[Entry]) -> None:
        """Forget deleted files."""
        self._ends = {one.inode: self._ends[one.inode] for one in entries if one.inode in self._ends}

    def reach(self, entry: Entry, looked: datetime) -> None:
        """Record that a file is fully read, as of `looked`."""
        if self._growing:
            self._ends[entry.inode] = _End(entry.size, looked)

    def forget(self, entry: Entry) -> None:
        """Forget the end because another file has taken the place."""
        self._ends.pop(entry.inode, None)

    def before(self, entry: Entry, line: Line) -> datetime | None:
        """Return a time at which the line was not written yet."""
        end = self._ends.get(entry.inode)
        return end.at if end is not None and line.end > end.size else None


PLACES_MOST = 2_000
"""Limit of positions in the cursor, some 80 bytes each: Kafka accepts 1 MiB, and each batch includes the cursor."""

KNOWN_MOST = 16_000
"""Limit of further files that the cursor marks as read, eight bytes each in base64.

A time cannot replace these marks: a file that arrives while the host's clock is wrong (before NTP set it) looks older
than the read ones.
"""

PENDING_MOST = 1000
PENDING_BYTES = 256 * 1024
"""Limits of recordings that are checked again: their number, and their bytes in the cursor; the oldest are dropped."""

_MARK_BYTES = 6


class Place(Struct, frozen=True, kw_only=True):
    """Offset of a file. `last` is the digest of unfinished last lines that were taken: the offset is before them."""

    offset: int = 0
    mark: str = ""
    last: str = ""


@built
class Position(Struct, frozen=True, kw_only=True):
    """The cursor: files by inode, and incomplete recordings by reference."""

    files: Mapping[str, Place] = msgspec.field(default_factory=dict)
    recordings: Mapping[str, Pending] = msgspec.field(default_factory=dict)
    known: str = ""
    """Marks of files that were fully read: see `KNOWN_MOST`."""

    read_before: int = 0
    """For still more files: those with an inode change before this time (ns) were fully read, unless `files` has them.
    The kernel sets that time, and no upload can."""


class Finished:
    """Files that were fully read, with their state then: they are not opened again until they change."""

    def __init__(self) -> None:
        self._looks: dict[int, tuple[Entry, bytes]] = {}  # with their marks, which the cursor of a full folder holds
        self._began = False

    def __contains__(self, entry: Entry) -> bool:
        found = self._looks.get(entry.inode)
        return found is not None and found[0] == entry

    def look(self, entries: Sequence[Entry], position: Position) -> None:
        """Forget deleted or changed files; at the first call, load the files that the cursor marks as read."""
        if self._began:
            self._looks = {one.inode: self._looks[one.inode] for one in entries if one in self}
            return
        known, marked = _read_by(position), ((one, _mark(one)) for one in entries)
        self._looks = {one.inode: (one, mark) for one, mark in marked if _is_old(one, mark, position, known)}
        self._began = True

    def add(self, entry: Entry) -> None:
        """Record that a file is fully read."""
        self._looks[entry.inode] = entry, _mark(entry)

    def slimmed(self, position: Position, entries: Sequence[Entry]) -> Position:
        """Return the position without deleted files, and without old ones of a very full folder."""
        by_change = sorted(entries, key=attrgetter("changed_ns"))
        old, there = by_change[:-PLACES_MOST], {str(one.inode) for one in entries}
        there -= {str(one.inode) for one in old if one in self}
        files = {inode: place for inode, place in position.files.items() if inode in there}
        oldest, known = old[:-KNOWN_MOST], [self._looks[one.inode][1] for one in old[-KNOWN_MOST:] if one in self]
        read = list(takewhile(lambda one: one in self or str(one.inode) in files, oldest))
        before = by_change[len(read)].changed_ns if read else 0
        return msgspec.structs.replace(position, files=files, known=_written(known), read_before=before)


def newest(pending: Mapping[str, Pending]) -> dict[str, Pending]:
    """Return the newest recordings that fit into the cursor."""
    kept, left = [], PENDING_BYTES
    for one in list(pending.items())[: -PENDING_MOST - 1 : -1]:
        size = len(msgspec.json.encode(one))
        if size <= left:
            kept.append(one)
            left -= size
    return dict(reversed(kept))


def _is_old(entry: Entry, mark: bytes, position: Position, known: frozenset[bytes]) -> bool:
    is_read = entry.changed_ns < position.read_before or mark in known
    return is_read and str(entry.inode) not in position.files


def _written(marks: Iterable[bytes]) -> str:
    return b64encode(b"".join(marks)).decode()


def _read_by(position: Position) -> frozenset[bytes]:
    marks = b64decode(position.known)
    return frozenset(marks[at : at + _MARK_BYTES] for at in range(0, len(marks), _MARK_BYTES))


def _mark(entry: Entry) -> bytes:
    """Return the mark of a file, which changes if the file is written or replaced."""
    told = f"{entry.inode} {entry.changed_ns} {entry.size}".encode()
    return hashlib.blake2b(told, digest_size=_MARK_BYTES).digest()


# Marks: the bytes before an offset tell a file from another one with the same inode.
#
# For a growing file the last bytes are enough, because earlier bytes never change. For a delivered file all bytes
# are compared: a platform may deliver the same day again into the same file, with another text in the middle.

END_BYTES = 4096
"""Bytes at the end of the read part that are compared for a growing file."""

WHOLE = "*"
"""Prefix of a digest of the whole read part; a mark without it, which an older cursor may hold, covers the end only."""

_PIECE_BYTES = 1 << 20


class _Digested(NamedTuple):
    """State of the last whole digest: the next mark continues from it, so that no byte is read twice."""

    entry: Entry
    offset: int
    digest: Any


class Marks:
    """Marks of the files of one account."""

    def __init__(self, *, growing: bool) -> None:
        self._growing = growing
        self._last: _Digested | None = None

    def fit(self, file: BinaryIO, entry: Entry, place: Place) -> bool:
        """Return whether the bytes before an offset are those of the mark."""
        if place.mark.startswith(WHOLE):
            return self._whole(file, entry, place.offset) == place.mark
        return _end(file, place.offset) == place.mark

    def of(self, file: BinaryIO, entry: Entry, offset: int) -> str:
        """Return the mark of an offset."""
        return _end(file, offset) if self._growing or not offset else self._whole(file, entry, offset)

    def _whole(self, file: BinaryIO, entry: Entry, offset: int) -> str:
        last = self._last
        if last is None or last.entry != entry or last.offset > offset:
            last = _Digested(entry, 0, hashlib.sha256())
        digest, left = last.digest.copy(), offset - last.offset
        file.seek(last.offset)
        while left and (piece := file.read(min(left, _PIECE_BYTES))):
            digest.update(piece)
            left -= len(piece)
        self._last = _Digested(entry, offset, digest)
        return WHOLE + _marks_written(digest)


def _end(file: BinaryIO, offset: int) -> str:
    if not offset:
        return ""
    begin = max(0, offset - END_BYTES)
    file.seek(begin)
    return digest_of(file.read(offset - begin))


def digest_of(data: bytes) -> str:
    """Return a digest that identifies bytes."""
    return _marks_written(hashlib.sha256(data))


def _marks_written(digest: Any) -> str:
    written: str = digest.hexdigest()[:32]
    return written
