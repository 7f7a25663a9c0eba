"""Reads whole lines of a CSV file by offset: a quoted field may hold line breaks, the last line may be unfinished."""

import io
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple

QUOTE = b'"'


class Line(NamedTuple):
    """The bytes of a line without its break, and the offset of the next one.

    `whole` is False if the line has no end yet, or an open quotation mark that later bytes may close.
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

    A quotation mark that is never closed affects only its own line: the line is returned as it is if the quoted part
    would exceed `max_bytes`, if a later line is a whole row by itself (`is_row`), or if the file has `ended`. A line
    that is too long is cut, and reading continues after it.
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
    """Return whether the first line of a file ends with CR alone, as spreadsheets on a Mac write it."""
    file.seek(0)
    first, found, rest = file.readline(max_bytes).partition(b"\r")
    return bool(found and rest) and not rest.lstrip(b"\r").startswith(b"\n") and first.count(QUOTE) % 2 == 0


def with_line_feeds(file: BinaryIO) -> BinaryIO:
    """Return a file with LF for each CR at unchanged offsets; a CR in a quoted field is replaced, too."""
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
    """Return whether this is the file's last line, and does not close the open quotation mark before it."""
    if piece.count(QUOTE) % 2:
        return False
    here = file.tell()
    is_last = not file.read(1)
    file.seek(here)
    return is_last


def _first(held: bytearray, start: int) -> Line:
    """Return only the line with the open quotation mark."""
    end = held.index(b"\n") + 1
    return Line(_bare(held[:end]), start + end)


def _bare(line: bytearray) -> bytes:
    return bytes(line.rstrip(b"\r\n"))


def _behind(file: BinaryIO, at: int) -> int:
    """Return the offset after the line that is too long."""
    while piece := file.readline(1 << 16):
        at += len(piece)
        if piece.endswith(b"\n"):
            break
    return at
