"""Fields of a callback or a pulled message by path, taken one by one: the rest is `extra`."""

from collections.abc import Iterator
from typing import Any

import msgspec

from normalizers.parse import json, xml
from normalizers.parse.json import not_crowded, short
from schemas.codec import UNREADABLE
from schemas.errors import MalformedError

MAX_DEPTH = 16


class Fields(dict[str, str]):
    """Texts by their path (`Image.MediaId`); those that were taken are no longer `extra`."""

    def take(self, name: str) -> str:
        """Return a field as written and remove it; "" when it is absent."""
        return self.pop(name, "")

    def word(self, name: str) -> str:
        """Return a field without the blanks around it and remove it; "" when it is absent."""
        return self.pop(name, "").strip()

    def left(self) -> dict[str, str]:
        """Return the remaining fields that have a value."""
        return {name: value for name, value in self.items() if value.strip()}


def read(value: bytes) -> Fields:
    """Return the fields of an XML or JSON body; raises MalformedError."""
    return Fields(of_json(value) if is_json(value) else xml.fields(value, "xml"))


def is_json(value: bytes) -> bool:
    """Return whether a body is JSON: 小程序 may ask for it (数据格式)."""
    return value.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def of_json(value: bytes) -> dict[str, str]:
    """Return the leaves of a JSON object by their path; numbers with all their digits, lists by position.

    Raises MalformedError.
    """
    try:
        found, _ = json.read(not_crowded(value.lstrip(b"\xef\xbb\xbf")), object)
    except UNREADABLE as error:
        raise MalformedError("the callback is not JSON: check the raw bytes") from error
    if not isinstance(found, dict):
        raise MalformedError("the callback is not a JSON object: check the raw bytes")
    return dict(_leaves(found, ""))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if path.count(".") >= MAX_DEPTH:
        raise MalformedError("the callback nests too deeply")
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{short(path)}.{name}" if path else name)
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from _leaves(inner, f"{short(path)}.{number}")
    elif value is not None:
        yield path, value if isinstance(value, str) else msgspec.json.encode(value).decode()
