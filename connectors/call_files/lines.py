"""Whole lines of a CSV file by their place in it: a quoted field may hold line breaks, the last may be unfinished."""

import io
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple

QUOTE = b'"'


class Line(NamedTuple):
    """The bytes of a line without its break, and where the next one begins.

    `whole` is False when it has no end yet, or an open quotation mark that what is still to come may close.
    """

    value: bytes
    end: int
    whole: bool = True


def lines_from(
    file: BinaryIO,
    offset: int,
    max_bytes: int,
    *,
    ended: bool = False,
    is_row: Callable[[bytes], bool] = lambda line: False,
) -> Iterator[Line]:
    """Yield the lines from `offset` on.

    A quotation mark that is never closed costs its own line alone: that line is given as it is when what follows would
    be longer than `max_bytes`, when a line behind it is a whole row by itself (`is_row`), or when the file has `ended`.
    A line that is too long is given cut, and reading goes on behind it.
    """
    file.seek(offset)
    held, is_open, start = bytearray(), False, offset
    while piece := file.readline(max_bytes):
        is_over = held and (len(held) + len(piece) > max_bytes or is_row(piece))
        if is_over or (ended and held and _at_end(file, piece)):
            line = _first(held, start)
            file.seek(line.end)
            held, is_open, start = bytearray(), False, line.end
            yield line._replace(whole=bool(is_over))
            continue
        held += piece
        is_open ^= piece.count(QUOTE) % 2 == 1
        if not piece.endswith(b"\n"):
            if len(piece) < max_bytes:
                break
            start = _behind(file, start + len(held))
            yield Line(bytes(held), start)
            held, is_open = bytearray(), False
        elif not is_open:
            start += len(held)
            yield Line(_bare(held), start)
            held = bytearray()
    if held:
        yield Line(_bare(held), start + len(held), whole=False)


def ends_with_cr(file: BinaryIO, max_bytes: int) -> bool:
    """Say whether the first line of a file ends with CR alone, as a spreadsheet of a Mac writes it."""
    file.seek(0)
    first, found, rest = file.readline(max_bytes).partition(b"\r")
    return bool(found and rest) and not rest.lstrip(b"\r").startswith(b"\n") and first.count(QUOTE) % 2 == 0


def with_line_feeds(file: BinaryIO) -> BinaryIO:
    """Return a file of such lines as one with LF, every place in it the same; a CR in a quoted field is one, too."""
    return io.BufferedReader(_LineFeeds(file))


class _LineFeeds(io.RawIOBase):
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer)).replace(b"\r", b"\n")
        buffer[: len(data)] = data
        return len(data)


def _at_end(file: BinaryIO, piece: bytes) -> bool:
    """Say whether this is the file's last line, with an open quotation mark before it that it does not close."""
    if piece.count(QUOTE) % 2:
        return False
    here = file.tell()
    is_last = not file.read(1)
    file.seek(here)
    return is_last


def _first(held: bytearray, start: int) -> Line:
    """Return the line with the open quotation mark by itself."""
    end = held.index(b"\n") + 1
    return Line(_bare(held[:end]), start + end)


def _bare(line: bytearray) -> bytes:
    return bytes(line.rstrip(b"\r\n"))


def _behind(file: BinaryIO, at: int) -> int:
    """Return where the line that is too long ends."""
    while piece := file.readline(1 << 16):
        at += len(piece)
        if piece.endswith(b"\n"):
            break
    return at
