"""User data headers: is this a piece of a longer message, and which; everything else in a header is skipped."""

from typing import NamedTuple

EIGHT_BITS, SIXTEEN_BITS = 0x00, 0x08
_LENGTHS = {EIGHT_BITS: 3, SIXTEEN_BITS: 4}


class Segment(NamedTuple):
    """Piece `number` of `total`; the reference names its kind, as 8, 16 bits and SAR count on their own."""

    reference: str
    total: int
    number: int


class Split(NamedTuple):
    """A user data header removed from its message: its length with the length byte, and its content."""

    header_bytes: int
    segment: Segment | None


def split(data: bytes) -> Split:
    """Return the length of the header; 0 if it is invalid, so that its bytes stay text."""
    length = data[0] if data else 0
    if not data or length + 1 > len(data):
        return Split(0, None)
    return Split(length + 1, _segment(data[1 : length + 1]))


def sensible(reference: str, total: int, number: int) -> Segment | None:
    """Return the segment; None for one that can never be joined, or that stands alone."""
    return Segment(reference, total, number) if 1 <= number <= total and total > 1 else None


def _segment(header: bytes) -> Segment | None:
    while len(header) >= 2:
        kind, length = header[0], header[1]
        value, header = header[2 : 2 + length], header[2 + length :]
        if _LENGTHS.get(kind) == length == len(value):
            return sensible(f"{(length - 2) * 8}-{int.from_bytes(value[:-2], 'big')}", value[-2], value[-1])
    return None
