"""Places: how far each file was read, in a cursor of bounded size.

Of very many files the places of those that changed longest ago and were read to their end give way to a few bytes each
by which they are known again, and of still more to one time.
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

# Ends: how long a growing file was when it had been read to its end; what stands behind that was written later.
#
# Of a file that is delivered nobody can say so: a platform may deliver the calls of years at once.


class _End(NamedTuple):
    size: int
    at: datetime


class Ends:
    """Of the files of one account, as far as this process saw them."""

    def __init__(self, *, growing: bool) -> None:
        self._growing = growing
        self._ends: dict[int, _End] = {}

    def keep(self, entries: Iterable[Entry]) -> None:
        """Forget the files that are gone."""
        self._ends = {one.inode: self._ends[one.inode] for one in entries if one.inode in self._ends}

    def reach(self, entry: Entry, looked: datetime) -> None:
        """Note that nothing is left of a file, which we `looked` at then or later."""
        if self._growing:
            self._ends[entry.inode] = _End(entry.size, looked)

    def forget(self, entry: Entry) -> None:
        """Note that another file stands there."""
        self._ends.pop(entry.inode, None)

    def before(self, entry: Entry, line: Line) -> datetime | None:
        """Return a time at which the line was not yet written."""
        end = self._ends.get(entry.inode)
        return end.at if end is not None and line.end > end.size else None


PLACES_MOST = 2_000
"""Files whose places the cursor holds, some 80 bytes each: Kafka takes 1 MiB, and with each batch of lines."""

KNOWN_MOST = 16_000
"""Files beside them that the cursor knows to be read, eight bytes each in base64.

A time cannot tell these: a file that comes while the host's clock is wrong (before NTP set it) looks older than what
was read.
"""

PENDING_MOST = 1000
PENDING_BYTES = 256 * 1024
"""Recordings that are looked at again, and their room in the cursor; the oldest give way."""

_MARK_BYTES = 6


class Place(Struct, frozen=True, kw_only=True):
    """How far a file was read. `last` names unfinished last lines that were taken: the offset is before them."""

    offset: int = 0
    mark: str = ""
    last: str = ""


@built
class Position(Struct, frozen=True, kw_only=True):
    """The cursor: files by inode, and recordings by reference that were not there whole."""

    files: Mapping[str, Place] = msgspec.field(default_factory=dict)
    recordings: Mapping[str, Pending] = msgspec.field(default_factory=dict)
    known: str = ""
    """Of files that were read to their end: see `KNOWN_MOST`."""

    read_before: int = 0
    """Of still more files: those whose inode last changed before it (ns) were read to their end, unless they stand in
    `files`. The kernel tells that time, and no upload sets it.
    """


class Finished:
    """The files that were read to their end, as they looked then: until they change nobody opens them again."""

    def __init__(self) -> None:
        self._looks: dict[int, tuple[Entry, bytes]] = {}  # with their marks, which each cursor of a full folder names
        self._began = False

    def __contains__(self, entry: Entry) -> bool:
        found = self._looks.get(entry.inode)
        return found is not None and found[0] == entry

    def look(self, entries: Sequence[Entry], position: Position) -> None:
        """Forget what is gone or changed; the first time believe what a process before us wrote into the cursor."""
        if self._began:
            self._looks = {one.inode: self._looks[one.inode] for one in entries if one in self}
            return
        known, marked = _read_by(position), ((one, _mark(one)) for one in entries)
        self._looks = {one.inode: (one, mark) for one, mark in marked if _is_old(one, mark, position, known)}
        self._began = True

    def add(self, entry: Entry) -> None:
        """Note that nothing is left of a file."""
        self._looks[entry.inode] = entry, _mark(entry)

    def slimmed(self, position: Position, entries: Sequence[Entry]) -> Position:
        """Return the position without places of files that are gone, nor of old ones of a very full folder."""
        by_change = sorted(entries, key=attrgetter("changed_ns"))
        old, there = by_change[:-PLACES_MOST], {str(one.inode) for one in entries}
        there -= {str(one.inode) for one in old if one in self}
        files = {inode: place for inode, place in position.files.items() if inode in there}
        oldest, known = old[:-KNOWN_MOST], [self._looks[one.inode][1] for one in old[-KNOWN_MOST:] if one in self]
        read = list(takewhile(lambda one: one in self or str(one.inode) in files, oldest))
        before = by_change[len(read)].changed_ns if read else 0
        return msgspec.structs.replace(position, files=files, known=_written(known), read_before=before)


def newest(pending: Mapping[str, Pending]) -> dict[str, Pending]:
    """Return the recordings that the cursor has room for."""
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
    """Return by which a file is known again, as long as nobody writes into it, or into another one in its place."""
    told = f"{entry.inode} {entry.changed_ns} {entry.size}".encode()
    return hashlib.blake2b(told, digest_size=_MARK_BYTES).digest()


# Marks: by what stands before a place a file is told from another one that has its inode.
#
# Of a file that grows all day that is the end of it, as nobody writes into what stands there. Of one that is delivered
# it is everything: a platform may deliver the same day again, into the same file, with other words somewhere in it.

END_BYTES = 4096
"""What is compared of a file that grows."""

WHOLE = "*"
"""Before the digest of everything; a mark without it, as a cursor may hold it, is of the end alone."""

_PIECE_BYTES = 1 << 20


class _Digested(NamedTuple):
    """How far a file was read for its mark, as it looked then: nothing is read twice for the next one."""

    entry: Entry
    offset: int
    digest: Any


class Marks:
    """Of the files of one account."""

    def __init__(self, *, growing: bool) -> None:
        self._growing = growing
        self._last: _Digested | None = None

    def fit(self, file: BinaryIO, entry: Entry, place: Place) -> bool:
        """Say whether the same stands before a place as when it was reached."""
        if place.mark.startswith(WHOLE):
            return self._whole(file, entry, place.offset) == place.mark
        return _end(file, place.offset) == place.mark

    def of(self, file: BinaryIO, entry: Entry, offset: int) -> str:
        """Return the mark of a place."""
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
    """Return by what bytes are told from others."""
    return _marks_written(hashlib.sha256(data))


def _marks_written(digest: Any) -> str:
    written: str = digest.hexdigest()[:32]
    return written
