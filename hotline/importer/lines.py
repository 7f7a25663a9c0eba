"""Lines and encodings of text files, with bounded memory whatever they hold."""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from schemas.errors import TooLargeError
from schemas.records.raw import SIZE_LIMIT

HALF = re.compile("[\\ud800-\\udfff]")
"""Half a character: no text of its own, and nothing that can be written as UTF-8."""

READ_PAST = 256 << 20
"""Bytes, or characters, of one line that are read past: a small packed file may have a line without end."""

_SAMPLE = 1 << 20
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def numbered(file: BinaryIO, limit: int = SIZE_LIMIT) -> Iterator[tuple[int, bytes | None]]:
    """Yield each line with its number, from 1; None for one that is longer than `limit`, which is never held.

    Raises TooLargeError for a line of more than READ_PAST bytes.
    """
    number = 0
    while line := file.readline(limit):
        number += 1
        whole, past = len(line) < limit or line.endswith(b"\n"), len(line)
        while not whole and (rest := file.readline(limit)):
            whole, past = rest.endswith(b"\n"), past + len(rest)
            line = b""
            if past > READ_PAST:
                raise endless(number)
        yield number, line or None


def endless(number: int) -> TooLargeError:
    """Return why a file is given up at a line."""
    return TooLargeError(
        f"line {number} is longer than {READ_PAST >> 20} MiB: the file was not imported from there on; correct it"
    )


def encoding_of(beginning: bytes) -> str:
    """Return the encoding of a text: its byte order mark's, UTF-8 where the bytes are that, else GB 18030."""
    for mark, encoding in _BOMS:
        if beginning.startswith(mark):
            return encoding
    try:
        codecs.getincrementaldecoder("utf-8")().decode(beginning)  # a character cut off at the end is none too many
        return "utf-8"
    except UnicodeDecodeError:
        return "gb18030"


def sample(file: BinaryIO) -> bytes:
    """Return the beginning of a file by which its encoding is judged."""
    return file.read(_SAMPLE)


def broken(text: str) -> bool:
    """Say whether `text` holds bytes that its encoding does not know (they came in by surrogateescape)."""
    return HALF.search(text) is not None
