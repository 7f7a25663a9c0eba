"""Frames: checksummed records one after another in a file, found again after damage anywhere in it."""

import struct
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from crc32c import crc32c

HEADER_BYTES = 20
MARKER_BYTES = 8
"""Each file has a random marker of its own, so that no text of a citizen can pass for a frame."""

_HEADER = struct.Struct(">8sIII")  # marker, length and checksum of the payload, checksum of this header
_SEALED = struct.Struct(">8sII")


class Kind(Enum):
    """What a piece of a file is."""

    RECORD = "record"
    CORRUPT = "corrupt"
    TORN = "torn"


class Piece(NamedTuple):
    """A piece of a file: a record's payload, or the bytes that are none. `end` is where the next piece begins."""

    kind: Kind
    data: bytes
    end: int


def frame(marker: bytes, payload: bytes) -> bytes:
    """Return the payload with its header before it."""
    start = _SEALED.pack(marker, len(payload), crc32c(payload))
    return start + crc32c(start).to_bytes(4, "big") + payload


def pieces(marker: bytes, data: bytes, at: int = 0) -> Iterator[Piece]:
    """Yield everything in `data` from `at` on, in order; nothing is left out.

    TORN is an append that a crash cut short: it can only be the last piece. CORRUPT is anything else that is no frame.
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
    """Return the payload's length if a sound header stands at `at`."""
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
    """Return what reaches from `at` to the next place that makes sense."""
    end = data.find(marker, at + 1)
    while end >= 0 and not (_record(marker, data, end) or _torn(marker, data, end)):
        end = data.find(marker, end + 1)
    end = end if end >= 0 else len(data)
    return Piece(Kind.CORRUPT, data[at:end], end)
