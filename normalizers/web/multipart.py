"""multipart/form-data (RFC 7578): the parts of a body, and the position of each value."""

import logging
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from msgspec import Struct
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from schemas.errors import MalformedError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_PARTS = 300
"""A browser sends one for each field and file."""

_MAX_HEADERS = 8
_MAX_HEADER_BYTES = 4096

_EXTENDED = re.compile(rb";\s*filename\*\s*=\s*[\w-]*'[\w-]*'([^;\s]*)", re.IGNORECASE)
"""A file's name by RFC 5987, as some programs write one that is not ASCII; python-multipart passes it over."""

_silent = logging.Logger("multipart", logging.CRITICAL + 1)
"""The parser's own warnings quote the body."""


class Part(Struct, frozen=True, kw_only=True):
    """One part; `start` and `end` are its value's position in the body, None if it is not contiguous there."""

    name: bytes
    filename: bytes | None = None
    content_type: str = ""
    value: bytes = b""
    start: int | None = None
    end: int | None = None


def parts(body: bytes, boundary: bytes) -> list[Part]:
    """Return the parts of a whole body. Raises MalformedError for one that is cut off or no multipart at all."""
    reader = _Reader(body)
    try:
        parser = MultipartParser(
            boundary, reader.callbacks(), max_header_count=_MAX_HEADERS, max_header_size=_MAX_HEADER_BYTES
        )
        parser.logger = _silent
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise MalformedError(
            "the multipart body cannot be read: check its boundary and the headers of its parts"
        ) from error
    if not reader.complete:
        raise MalformedError("the multipart body is truncated: its last boundary is missing")
    return reader.found


def written(found: Iterable[Part], boundary: bytes) -> bytes:
    """Return a body of these parts, with the headers that this module reads."""
    pieces: list[bytes] = []
    for part in found:
        named = b"" if part.filename is None else b'; filename="%s"' % _escaped(part.filename)
        typed = b"Content-Type: %s\r\n" % part.content_type.encode("latin-1") if part.content_type else b""
        head = b'Content-Disposition: form-data; name="%s"%s\r\n%s\r\n' % (_escaped(part.name), named, typed)
        pieces += [b"--", boundary, b"\r\n", head, part.value, b"\r\n"]
    return b"".join([*pieces, b"--", boundary, b"--\r\n"])


def _escaped(name: bytes) -> bytes:
    return name.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


class _Reader:
    """Collects the parser's callbacks."""

    def __init__(self, body: bytes) -> None:
        self.found: list[Part] = []
        self.complete = False
        self._body = body
        self._headers: dict[bytes, bytes] = {}
        self._name, self._text = bytearray(), bytearray()
        self._pieces: list[bytes] = []
        self._start: int | None = None
        self._end: int | None = None
        self._whole = True

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._text.extend(data[start:end]),
            "on_header_end": self._header,
            "on_part_data": self._data,
            "on_part_end": self._part,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        if len(self.found) == MAX_PARTS:
            raise MalformedError(f"the body has more than {MAX_PARTS} parts: it is not our form")
        self._headers = {}
        self._pieces, self._start, self._end, self._whole = [], None, None, True

    def _header(self) -> None:
        self._headers[bytes(self._name).strip().lower()] = bytes(self._text).strip()
        self._name, self._text = bytearray(), bytearray()

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._pieces.append(data[start:end])
        self._whole = self._whole and data is self._body and self._end in (None, start)
        self._start = start if self._start is None else self._start
        self._end = end

    def _part(self) -> None:
        header = self._headers.get(b"content-disposition", b"")
        disposition, options = parse_options_header(header)
        if disposition != b"form-data" or b"name" not in options:
            raise MalformedError("a part of the multipart body has no name: it is not a form")
        self.found.append(
            Part(
                name=options[b"name"],
                filename=options.get(b"filename", _extended(header)),
                content_type=self._headers.get(b"content-type", b"").decode("latin-1"),
                value=b"".join(self._pieces),
                start=self._start if self._whole else None,
                end=self._end if self._whole else None,
            )
        )

    def _finish(self) -> None:
        self.complete = True


def _extended(header: bytes) -> bytes | None:
    found = _EXTENDED.search(header)
    return unquote_to_bytes(found[1]) if found else None
