"""A header block: fields by name, unfolded, still as bytes; forgiving, and linear in its length."""

import re
from itertools import islice

from normalizers.mail.charsets import labelled
from normalizers.mail.encoded_words import decode_words

MAX_FIELDS = 5_000
"""Fields of one header that are all read; of the rest of 100,000 only those that we know."""

MAX_BEYOND = 4 * 1024 * 1024
"""Bytes of a header beyond `MAX_FIELDS` in which known fields are looked for."""

MAX_VALUE = 64 * 1024
"""Bytes read of one field."""

_END = re.compile(rb"\r*\n\r*\n")
_FIELD = re.compile(rb"^([!-9;-~]{1,200})[ \t]*:(.*(?:\n(?![!-9;-~]{1,200}[ \t]*:).*)*)", re.MULTILINE)
_FIRST = re.compile(rb"[!-9;-~]{1,200}[ \t]*:|>?From ")
_KNOWN = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:from|to|cc|subject|date|received|return-path|mime-version|content-type|message-id"
    rb"|delivered-to|x-[!-9;-~]+|reply-to|sender)[ \t]*:",
    re.IGNORECASE,
)
_NEEDED = re.compile(
    rb"^(from|sender|return-path|reply-to|to|cc|delivered-to|x-original-to|subject|date|message-id|references"
    rb"|in-reply-to|mime-version|content-[a-z-]{1,30}|auto-submitted|precedence|list-id)[ \t]*:"
    rb"(.*(?:\n(?![!-9;-~]{1,200}[ \t]*:).*)*)",
    re.MULTILINE | re.IGNORECASE,
)
_STRAY = re.compile(rb"\n(?![ \t\r\n]|[!-9;-~]{1,200}[ \t]*:)(?=.)")

_NONE: frozenset[str] = frozenset()


class Headers:
    """The fields of one header; names in lower case, values unfolded; `defects` name unreadable parts."""

    __slots__ = ("_fields", "defects", "is_raw")

    def __init__(
        self, fields: dict[str, list[bytes]], *, is_raw: bool = False, defects: frozenset[str] = _NONE
    ) -> None:
        self._fields = fields
        self.is_raw = is_raw
        self.defects = defects

    @classmethod
    def of(cls, block: bytes) -> "Headers":
        """Parse a header block; a line that is no field continues the field before it."""
        found = list(islice(_FIELD.finditer(block), MAX_FIELDS))
        many = len(found) == MAX_FIELDS and _FIELD.search(block, found[-1].end()) is not None
        if many:  # a title must not hide behind others
            start = found[-1].end()
            found += islice(_NEEDED.finditer(block, start, start + MAX_BEYOND), MAX_FIELDS)
        fields: dict[str, list[bytes]] = {}
        long = False
        for match in found:
            name, value = match.groups()
            long |= len(value) > MAX_VALUE
            fields.setdefault(name.decode("ascii").lower(), []).append(_unfolded(value))
        return cls(fields, is_raw=not block.isascii(), defects=_defects(many, long) if many or long else _NONE)

    def relabel(self, label: str | None) -> None:
        """Read raw bytes by the charset of the body, since a field cannot name its own; they become UTF-8."""
        for values in self._fields.values():
            values[:] = [_relabelled(value, label) for value in values]

    def all(self, name: str) -> list[bytes]:
        """Return every value of a field."""
        return self._fields.get(name, [])

    def first(self, name: str) -> bytes:
        """Return the first value that is not empty, or nothing."""
        return next((value for value in self._fields.get(name, ()) if value), b"")

    def text(self, name: str) -> str | None:
        """Return the first value as text, encoded words read; None when it is missing or empty."""
        return decode_words(self.first(name)) or None

    def __contains__(self, name: str) -> bool:
        return name in self._fields


def _defects(many: bool, long: bool) -> frozenset[str]:
    return frozenset(name for name, is_so in (("many_headers", many), ("long_header", long)) if is_so)


def _relabelled(value: bytes, label: str | None) -> bytes:
    text = None if value.isascii() else labelled(value, label)
    return value if text is None else text.encode()


def _unfolded(value: bytes) -> bytes:
    value = value[:MAX_VALUE].strip(b" \t\r\n\x00")
    if b"\n" in value or b"\r" in value:
        value = b" ".join(line.strip(b" \t") for line in value.splitlines())
    return value


def split_header(data: bytes, *, root: bool = False) -> tuple[bytes, bytes]:
    """Return the header block and the body; a body that starts without a blank line is found, too."""
    if root:
        data = _without_noise(data)
    if data.startswith((b"\n", b"\r\n")):
        return b"", data[1:] if data.startswith(b"\n") else data[2:]
    if not _FIRST.match(data):
        return b"", data
    end = _END.search(data)
    header, body = (data[: end.start() + 1], data[end.end() :]) if end else (data, b"")
    return _without_lines_of_text(header, body, data)


def _without_noise(data: bytes) -> bytes:
    """Drop bytes before the first field: a byte order mark, blank lines, an mbox line; repair Mac line ends."""
    if b"\n" not in data and b"\r" in data:
        data = data.replace(b"\r", b"\n")
    known = _KNOWN.match(data)
    if known:
        data = data[3:] if data.startswith(b"\xef\xbb\xbf") else data
        data = data.lstrip(b"\r\n \t")
    return data


def _without_lines_of_text(header: bytes, body: bytes, data: bytes) -> tuple[bytes, bytes]:
    """Give the body back its first lines when they follow the last field without a blank line."""
    stray = _STRAY.search(header)
    if stray is None or _FIELD.search(header, stray.end()):  # a field follows: only a fold without its indent
        return header, body
    return header[: stray.start() + 1], data[stray.start() + 1 :]
