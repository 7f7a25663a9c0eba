"""Splits a text into one short message or parts that a phone joins; GSM 7 bit if possible, else UCS-2."""

from collections.abc import Callable
from typing import NamedTuple

from normalizers.sms import alphabet
from schemas.errors import TooLargeError

GSM7, UCS2 = 0, 8
"""data_coding (SMPP 3.4, 5.2.19)."""

MOST_PIECES = 255

_SEPTETS, _SEPTETS_OF_A_PIECE = 160, 153
_BYTES, _BYTES_OF_A_PIECE = 140, 134
"""Limits of one message, and of a part with its header of six bytes (3GPP 23.040, 9.2.3.24.1)."""


class Split(NamedTuple):
    """The short messages of a text, each with a header if there are several."""

    coding: int
    pieces: tuple[bytes, ...]

    @property
    def headed(self) -> bool:
        """Return whether each begins with a user data header."""
        return len(self.pieces) > 1


def split(text: str, reference: int, gsm7: bool = True) -> Split:
    """Return the messages of a text; `reference` (0-255) distinguishes long texts to one phone.

    `gsm7` is True if data_coding 0 is GSM 03.38 at this SMSC. Raises TooLargeError for more than 255 parts.
    """
    septets = alphabet.encode(text) if gsm7 else None
    if septets is not None:
        whole, most, coding, data = _SEPTETS, _SEPTETS_OF_A_PIECE, GSM7, septets
    else:
        whole, most, coding, data = _BYTES, _BYTES_OF_A_PIECE, UCS2, text.encode("utf-16-be", "replace")
    if len(data) <= whole:
        return Split(coding, (data,))
    pieces = _cut(data, most, _ends_in_an_escape if coding == GSM7 else _ends_in_half_a_pair)
    if len(pieces) > MOST_PIECES:
        raise TooLargeError("an answer of more than 255 short messages: shorten its text")
    header = bytes((5, 0, 3, reference, len(pieces)))
    return Split(coding, tuple(header + bytes((number,)) + piece for number, piece in enumerate(pieces, 1)))


def _cut(data: bytes, most: int, torn: Callable[[bytes], int]) -> list[bytes]:
    """Cut into parts of `most` bytes; `torn` returns the bytes at an end that belong to the next part."""
    pieces = []
    while data:
        piece = data[:most]
        if len(piece) < len(data):
            piece = piece[: len(piece) - torn(piece)]
        pieces.append(piece)
        data = data[len(piece) :]
    return pieces


def _ends_in_an_escape(piece: bytes) -> int:
    return int(piece[-1] == alphabet.ESCAPE)


def _ends_in_half_a_pair(piece: bytes) -> int:
    return 2 if 0xD8 <= piece[-2] <= 0xDB else 0
