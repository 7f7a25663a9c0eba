"""JSON that msgspec refuses because of one citizen's text: half an emoji, a raw line break."""

import re
from itertools import islice
from typing import TypeVar

import msgspec

from schemas.codec import UNREADABLE
from schemas.errors import MalformedError

# Size of a JSON body, counted before any object is built.

MOST_MARKS = 100_000
"""A body that a person or a platform fills has a thousandth of it; each may become an object of a hundred bytes."""

MAX_PATH = 1024
"""Characters of the name under which fields lie: it stands before the name of each."""

_CROWD_MARK = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[,\[{]', re.DOTALL)


def not_crowded(body: bytes) -> bytes:
    """Return the body. Raises MalformedError if it has too many texts, commas and brackets."""
    if next(islice(_CROWD_MARK.finditer(body), MOST_MARKS, None), None) is not None:
        raise MalformedError(f"the JSON body has more than {MOST_MARKS} texts, commas and brackets")
    return body


def short(path: str) -> str:
    """Return the name under which fields lie. Raises MalformedError for one that would fill the memory with them."""
    if len(path) > MAX_PATH:
        raise MalformedError(f"the JSON body has field names of more than {MAX_PATH} characters")
    return path


T = TypeVar("T")

_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
"""An escape, a pair of surrogates as one; the group is a surrogate that stands alone."""

_CONTROL = re.compile(rb"[\x00-\x1f]")
_MARK = b"\xef\xbb\xbf"


def read(data: bytes, kind: type[T]) -> tuple[T, bytes]:
    """Return the content of the JSON, and its bytes: unchanged, unless only the `mended` ones are readable.

    Raises the errors of UNREADABLE.
    """
    try:
        return msgspec.json.decode(data, type=kind), data
    except UNREADABLE:
        data = mended(data)
        return msgspec.json.decode(data, type=kind), data


def mended(data: bytes) -> bytes:
    """Return the JSON with U+FFFD for halves of characters and spaces for control characters; nothing else changes.

    Bytes that are no UTF-8 stay: GBK is for others to recognise.
    """
    text = _CONTROL.sub(b" ", data.removeprefix(_MARK))
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], text)
