"""TNEF (winmail.dat), Outlook's container of files and text; read with limits, and never trusted."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from mimetypes import MimeTypes

from compressed_rtf import decompress
from striprtf.striprtf import rtf_to_text

from normalizers.base import File
from normalizers.mail.charsets import to_text
from normalizers.mail.html import MAX_HTML, html_to_text
from normalizers.mail.params import base_name

SIGNATURE = struct.pack("<I", 0x223E9F78)

MAX_PARTS = 10_000
"""Most attributes and properties of one container; the rest stays in the file, which is kept whole."""

MAX_RTF = 1 << 20
"""Bytes of formatted text that are read."""

_OEM_CODEPAGE, _MESSAGE_PROPERTIES, _BODY = 0x9007, 0x9003, 0x800C
_FILE_BEGINS, _FILE_NAME, _FILE_DATA, _FILE_PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005

_SUBJECT, _PLAIN, _HTML, _RTF, _CODEPAGE = 0x0037, 0x1000, 0x1013, 0x1009, 0x3FDE
_LONG_NAME, _SHORT_NAME, _MIME, _OBJECT = 0x3707, 0x3704, 0x370E, 0x3701

_FIXED = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 10: 4, 11: 4, 20: 8, 64: 8, 72: 16, 1: 0}
"""Bytes of a property's value by its type; two-byte types are padded to four (MS-OXTNEF 2.1.3.4)."""

_STRING, _UNICODE, _EMBEDDED = 0x1E, 0x1F, 0x0D
_VARIABLE = frozenset({_STRING, _UNICODE, _EMBEDDED, 0x102})
_MULTIPLE = 0x1000
_INTERFACE_BYTES = 16


@dataclass(slots=True)
class Packed:
    """A file in the pack; `message` says that it is a TNEF stream of its own: a message."""

    name: str | None = None
    media_type: str | None = None
    data: bytes = b""
    message: bool = False


@dataclass(slots=True)
class Pack:
    """Contents of a TNEF stream. `whole` is False if it was cut short, broken, or over a limit."""

    subject: str | None = None
    plain: str | None = None
    html: bytes | None = None
    rtf: bytes | None = None
    codepage: int | None = None
    files: list[Packed] = field(default_factory=list)
    whole: bool = True


@dataclass(slots=True)
class _Property:
    name: int
    kind: int
    value: bytes


class _BrokenError(Exception):
    """The bytes do not go on as the format says."""


def unpack(data: bytes) -> Pack | None:
    """Read a TNEF stream; None for other bytes. The contents before a fault are kept."""
    if not data.startswith(SIGNATURE):
        return None
    pack = Pack()
    try:
        for level, name, value in _attributes(memoryview(data)):
            _take(pack, level, name, value)
    except _BrokenError:
        pack.whole = False
    return pack


def words(rtf: bytes) -> str | None:
    """Return the text of compressed RTF (MS-OXRTFCP); None when it cannot be read."""
    if len(rtf) > MAX_RTF or len(rtf) < 16 or struct.unpack_from("<I", rtf, 4)[0] > MAX_RTF:
        return None
    try:
        source: bytes = decompress(rtf)
        text: str = rtf_to_text(source.decode("latin-1"), errors="ignore")  # type: ignore[no-untyped-call] # its py.typed promises more
    except Exception:  # noqa: BLE001 - two small libraries, which raise what they like on what is broken
        return None
    return text.strip("\n")


def _attributes(data: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    position = 6
    for _ in range(MAX_PARTS):
        if position + 9 > len(data):  # a few bytes of padding end many streams
            return
        level, name, _, length = struct.unpack_from("<BHHI", data, position)
        if level not in (1, 2) or position + 9 + length > len(data):
            raise _BrokenError
        yield level, name, data[position + 9 : position + 9 + length]
        position += 9 + length + 2
    raise _BrokenError


def _take(pack: Pack, level: int, name: int, value: memoryview) -> None:
    if name == _OEM_CODEPAGE and len(value) >= 4:
        pack.codepage = struct.unpack_from("<I", value)[0]
    elif name == _BODY and level == 1:
        pack.plain = pack.plain or _string(bytes(value), pack)
    elif name == _MESSAGE_PROPERTIES:
        for each in _properties(value):
            _take_of_message(pack, each)
    elif name == _FILE_BEGINS:
        pack.files.append(Packed())
    elif pack.files:
        _take_of_file(pack, pack.files[-1], name, value)


def _take_of_message(pack: Pack, each: _Property) -> None:
    if each.name == _CODEPAGE and len(each.value) >= 4:
        pack.codepage = struct.unpack_from("<I", each.value)[0]
    elif each.name == _SUBJECT:
        pack.subject = _text(each, pack)
    elif each.name == _PLAIN:
        pack.plain = _text(each, pack) or pack.plain
    elif each.name == _HTML:
        pack.html = _text(each, pack).encode() if each.kind == _UNICODE else each.value
    elif each.name == _RTF:
        pack.rtf = each.value


def _take_of_file(pack: Pack, file: Packed, name: int, value: memoryview) -> None:
    if name == _FILE_NAME:
        file.name = file.name or _string(bytes(value), pack)
    elif name == _FILE_DATA:
        file.data = bytes(value)
    elif name == _FILE_PROPERTIES:
        for each in _properties(value):
            _take_property_of_file(pack, file, each)


def _take_property_of_file(pack: Pack, file: Packed, each: _Property) -> None:
    if each.name == _LONG_NAME or (each.name == _SHORT_NAME and not file.name):
        file.name = _text(each, pack) or file.name
    elif each.name == _MIME:
        file.media_type = _text(each, pack).lower() or None
    elif each.name == _OBJECT:
        file.data = each.value[_INTERFACE_BYTES:] if each.kind == _EMBEDDED else each.value
        file.message = file.data.startswith(SIGNATURE)


def _properties(data: memoryview) -> Iterator[_Property]:
    count, position = _number(data, 0), 4
    if count > MAX_PARTS:
        raise _BrokenError
    for _ in range(count):
        tag = _number(data, position)
        kind, name, position = tag & 0xFFFF, tag >> 16, position + 4
        if name >= 0x8000:
            position = _after_name(data, position)
        value, position = _value(data, position, kind)
        yield _Property(name, kind & ~_MULTIPLE, value)


def _after_name(data: memoryview, position: int) -> int:
    """Pass over the name of a property that has one: a GUID and a number, or a GUID and a string."""
    if _number(data, position + 16) == 0:
        return position + 24
    return position + 24 + _padded(_number(data, position + 20))


def _value(data: memoryview, position: int, kind: int) -> tuple[bytes, int]:
    """Return the first value, and where the next property begins."""
    plain = kind & ~_MULTIPLE
    many = bool(kind & _MULTIPLE)
    if plain in _VARIABLE:
        count, position = _number(data, position), position + 4
        return _variable(data, position, count)
    if plain not in _FIXED:
        raise _BrokenError
    count, position = (_number(data, position), position + 4) if many else (1, position)
    end = position + _padded(_FIXED[plain] * count if not (many and plain in (2, 11)) else 2 * count)
    if end > len(data):
        raise _BrokenError
    return bytes(data[position : position + _FIXED[plain]]), end


def _variable(data: memoryview, position: int, count: int) -> tuple[bytes, int]:
    first: bytes | None = None
    for _ in range(min(count, MAX_PARTS)):
        length, position = _number(data, position), position + 4
        if position + length > len(data):
            raise _BrokenError
        if first is None:
            first = bytes(data[position : position + length])
        position += _padded(length)
    return first or b"", position


def _number(data: memoryview, position: int) -> int:
    if position + 4 > len(data):
        raise _BrokenError
    number: int = struct.unpack_from("<I", data, position)[0]
    return number


def _padded(length: int) -> int:
    return (length + 3) & ~3


def _text(each: _Property, pack: Pack) -> str:
    if each.kind == _UNICODE:
        return each.value.decode("utf-16-le", "replace").rstrip("\0")
    return _string(each.value, pack)


def _string(value: bytes, pack: Pack) -> str:
    label = {65001: "utf-8", 936: "gb18030", 54936: "gb18030", 950: "big5"}.get(pack.codepage or 0)
    return to_text(value.rstrip(b"\0"), label or (f"cp{pack.codepage}" if pack.codepage else None))


# Contents of winmail.dat: Outlook's files, its text, and packed messages.

TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})

MAX_NESTED = 3
"""Messages packed in messages; deeper ones are files."""

_GUESSES = MimeTypes(filenames=())


@dataclass(slots=True)
class Opened:
    """A pack's own text, the texts of messages in it, and its files; `whole` is False when something was not read."""

    text: str | None = None
    nested: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    whole: bool = True


def opened(data: bytes, *, mark_quotes: bool, nesting: int = 0) -> Opened | None:
    """Open a pack; None for bytes that are none."""
    pack = unpack(data)
    if pack is None:
        return None
    out = Opened(text=_packs_text(pack, mark_quotes), whole=pack.whole)
    for packed in pack.files:
        inner = opened(packed.data, mark_quotes=mark_quotes, nesting=nesting + 1) if _opens(packed, nesting) else None
        if inner:
            out.nested += [inner.text, *inner.nested] if inner.text else inner.nested
            out.files += inner.files
            out.whole &= inner.whole
        else:
            out.files.append(_file(packed))
    return out


def _opens(packed: Packed, nesting: int) -> bool:
    return packed.message and nesting < MAX_NESTED


def _packs_text(pack: Pack, mark_quotes: bool) -> str | None:
    page = html_to_text(to_text(pack.html[:MAX_HTML]), mark_quotes=mark_quotes) if pack.html else None
    text = pack.plain or page or (words(pack.rtf) if pack.rtf else None)
    return text if text and text.strip() else None


def _file(packed: Packed) -> File:
    name = base_name(packed.name)
    guessed = _GUESSES.guess_type(name or "")[0]
    return File(name=name, media_type=packed.media_type or guessed or "application/octet-stream", data=packed.data)
