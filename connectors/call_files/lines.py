"""Whole lines of a CSV file by their place in it: a quoted field may hold line breaks, the last may be unfinished."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

QUOTE = b'"'
_BREAK = (b"\n", b"\r")


class Line(NamedTuple):
    """The bytes of a line without its break, and where the next one begins; `whole` False when it has no end yet."""

    value: bytes
    end: int
    whole: bool = True


def lines_from(file: BinaryIO, offset: int, max_bytes: int) -> Iterator[Line]:
    """Yield the lines from `offset` on.

    A quotation mark that is never closed must not swallow the file: such a line ends at its own break when what
    follows would be longer than `max_bytes`. A longer line is given cut, and reading goes on behind it.
    """
    file.seek(offset)
    held, start = b"", offset
    while piece := file.readline(max_bytes):
        held += piece
        if not piece.endswith(b"\n") and len(piece) >= max_bytes:
            start = _behind(file, start + len(held))
            yield Line(held[:max_bytes], start)
            held = b""
        elif not piece.endswith(b"\n"):
            break
        elif held.count(QUOTE) % 2 == 0:
            start += len(held)
            yield Line(held.rstrip(b"\r\n"), start)
            held = b""
        elif len(held) > max_bytes:
            line, start = _given_up(file, held, start)
            yield line
            held = b""
    if held:
        yield from _rest(held, start, max_bytes)


def _rest(held: bytes, start: int, max_bytes: int) -> Iterator[Line]:
    """Yield what has no end yet."""
    yield Line(held.rstrip(b"\r\n"), start + len(held), whole=False)


def _given_up(file: BinaryIO, held: bytes, start: int) -> tuple[Line, int]:
    """Let an open quotation mark cost its own line alone."""
    first = held.index(b"\n") + 1
    file.seek(start + first)
    return Line(held[:first].rstrip(b"\r\n"), start + first), start + first


def _behind(file: BinaryIO, at: int) -> int:
    """Return where the line that is too long ends."""
    while piece := file.readline(1 << 16):
        at += len(piece)
        if piece.endswith(b"\n"):
            break
    return at
