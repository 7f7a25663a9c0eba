"""Bytes to the fields of one object, whatever form its numbers and strings have; ids never pass through a float."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from schemas.codec import UNREADABLE
from schemas.errors import MalformedError, UnsupportedError

DATUM = "gcj02"
"""The system of the platform's points: its maps, like all that are published in China, are shifted."""

_EXACT = 2**53
"""A float above this has lost digits already: it names nothing."""

_DIGITS_MOST = 32
"""The platform's numbers have 16 digits, and none of 64 bits has over 20: a longer one identifies nothing."""

_decode = msgspec.json.Decoder().decode


class Fields(dict[str, Any]):
    """One object of the platform; fields that were taken are no longer `extra`."""

    def text(self, name: str) -> str:
        """Take a field as text: numbers as written, nothing for null, objects and lists as JSON."""
        return text_of(self.pop(name, None))

    def part(self, name: str) -> "Fields":
        """Take an object in a field; an empty one when there is none. JSON inside a string is opened."""
        value = self.pop(name, None)
        if isinstance(value, str) and value.lstrip().startswith("{"):
            value = _loads(value)
        return Fields(value) if isinstance(value, dict) else Fields()

    def several(self, name: str) -> list[Any]:
        """Take a list in a field; an object of numbered items is one too."""
        value = self.pop(name, None)
        if isinstance(value, dict):
            return list(value.values())
        return value if isinstance(value, list) else []

    def identifier(self) -> str:
        """Return the id as digits, "" when there is none to be trusted: idstr, id, then mid."""
        return next((found for name in ("idstr", "id", "mid") if (found := digits(self.get(name)))), "")


def read(value: bytes) -> Fields:
    """Return the object in `value`: JSON in UTF-8 or GB18030, or a form; raises RecordError."""
    try:
        found = _decode(value)
    except UNREADABLE:
        found = _leniently(value)
    if not isinstance(found, dict):
        raise UnsupportedError("not one Weibo object: a record contains one message")
    return Fields(found)


def is_xml(value: bytes) -> bool:
    """Return whether a push came in WeChat's format."""
    return value[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


def text_of(value: Any) -> str:
    """Return a value as text: numbers as written, "" for null, objects and lists as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def digits(value: Any) -> str:
    """Return an id as digits: a string, a whole number, or a float that has not lost any; else ""."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        value = int(value)
    text = str(value).strip() if type(value) in (str, int) else ""
    return text if len(text) <= _DIGITS_MOST and text.isascii() and text.isdigit() and text.strip("0") else ""


def _leniently(value: bytes) -> Any:
    """Decode bytes that msgspec refuses: byte order marks, GBK, raw control characters, lone surrogates, forms."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = value.decode(encoding)
        except UnicodeDecodeError:
            continue
        found = _loads(text)
        return found if found is not None else _form(text)
    raise MalformedError("not text: a Weibo message is JSON in UTF-8")


def _loads(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def _form(text: str) -> Mapping[str, str]:
    fields = dict(parse_qsl(text.strip(), keep_blank_values=True)) if "=" in text else {}
    if not {"type", "sender_id"} <= fields.keys():
        raise MalformedError("neither JSON nor a form: a Weibo message is JSON in UTF-8")
    return fields
