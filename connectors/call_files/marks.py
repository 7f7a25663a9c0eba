"""Marks: by what stands before a place a file is told from another one that has its inode.

Of a file that grows all day that is the end of it, as nobody writes into what stands there. Of one that is delivered it
is everything: a platform may deliver the same day again, into the same file, with other words somewhere in it.
"""

import hashlib
from typing import Any, BinaryIO, NamedTuple

from connectors.call_files.folder import Entry
from connectors.call_files.places import Place

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
        return WHOLE + _written(digest)


def _end(file: BinaryIO, offset: int) -> str:
    if not offset:
        return ""
    begin = max(0, offset - END_BYTES)
    file.seek(begin)
    return digest_of(file.read(offset - begin))


def digest_of(data: bytes) -> str:
    """Return by what bytes are told from others."""
    return _written(hashlib.sha256(data))


def _written(digest: Any) -> str:
    written: str = digest.hexdigest()[:32]
    return written
