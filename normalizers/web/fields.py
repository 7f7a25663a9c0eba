"""Fields and files of a form or an app, from any of the three encodings."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any
from urllib.parse import unquote_to_bytes

from msgspec import Struct
from python_multipart.multipart import parse_options_header

from normalizers.mail.charsets import to_text
from normalizers.parse import json as mended
from normalizers.parse.json import not_crowded, short
from normalizers.web.multipart import Part, parts
from schemas.codec import UNREADABLE
from schemas.errors import MalformedError, UnsupportedError

URLENCODED, MULTIPART, JSON = "application/x-www-form-urlencoded", "multipart/form-data", "application/json"
TYPES = (URLENCODED, MULTIPART, JSON)

LEFT_OUT = "left_out"
"""Parameter of the content type if the door left files out: those have a name and no bytes. Its value says why."""

MAX_FIELDS = 300
MAX_DEPTH = 3
_MEDIA = ("image/", "audio/", "video/")
"""Types without words: such a part is a file, though some apps give it no name."""

_BOUNDARY = re.compile(rb"--([0-9A-Za-z'()+_,./:=? -]{1,70})\r?\n")


class Upload(Struct, frozen=True, kw_only=True):
    """One uploaded file; nothing of it is opened."""

    field: str
    name: str
    media_type: str
    data: bytes


class Fields(Struct, frozen=True, kw_only=True):
    """The fields in their order, a name as often as it was sent; `form` holds the first value of each."""

    pairs: tuple[tuple[str, str], ...] = ()
    files: tuple[Upload, ...] = ()

    @property
    def form(self) -> dict[str, str]:
        """Return each field's first value that says something, else an empty one."""
        first: dict[str, str] = {}
        for name, value in self.pairs:
            first[name] = first.get(name) or value
        return first

    @property
    def joined(self) -> dict[str, str]:
        """Return each field's values that say something, one a line."""
        found: dict[str, list[str]] = {}
        for name, value in self.pairs:
            if value.strip():
                found.setdefault(name, []).append(value)
        return {name: "\n".join(values) for name, values in found.items()}


def media(content_type: str) -> tuple[str, Mapping[str, str]]:
    """Return a content type's name in lower case, and its parameters."""
    name, options = parse_options_header(content_type.encode("latin-1", "replace"))
    return name.decode("latin-1").lower(), {
        key.decode("latin-1").lower(): value.decode("latin-1") for key, value in options.items()
    }


def read(content_type: str, body: bytes) -> Fields:
    """Return the contents of the body. Raises MalformedError, or UnsupportedError for a type that no form has.

    Without a type the bytes decide, so that a file of such a body can be tried.
    """
    name, options = media(content_type)
    kind, boundary = (name, options.get("boundary", "").encode()) if name in TYPES else _guessed(name, body)
    if kind == MULTIPART:
        if not boundary:
            raise MalformedError("a multipart body without a boundary in its content type: send it with one")
        return _of_parts(parts(body, boundary))
    return Fields(pairs=tuple(_json(body) if kind == JSON else _urlencoded(body)))


def _guessed(name: str, body: bytes) -> tuple[str, bytes]:
    if name not in ("", "application/octet-stream"):
        raise UnsupportedError("the content type is not that of a form: use urlencoded, multipart/form-data or JSON")
    marked = _BOUNDARY.match(body)
    if marked:
        return MULTIPART, marked[1]
    return (JSON if body.lstrip()[:1] == b"{" else URLENCODED), b""


def _of_parts(found: Iterable[Part]) -> Fields:
    pairs: list[tuple[str, str]] = []
    files: list[Upload] = []
    for part in found:
        if not is_file(part):
            pairs.append((text_of(part.name), text_of(part.value)))
        elif part.filename or part.value:  # a browser sends an empty one for a field without a file
            files.append(_upload(part, part.filename or b""))
    return Fields(pairs=tuple(pairs), files=tuple(files))


def is_file(part: Part) -> bool:
    """Return whether a part is a file: it has a file's name, or the type of one."""
    return part.filename is not None or part.content_type.lower().startswith(_MEDIA)


def _upload(part: Part, filename: bytes) -> Upload:
    media_type = media(part.content_type)[0]
    return Upload(
        field=text_of(part.name),
        name=text_of(filename),
        media_type=media_type or "application/octet-stream",
        data=part.value,
    )


def _urlencoded(body: bytes) -> Iterator[tuple[str, str]]:
    if body.count(b"&") >= MAX_FIELDS:
        raise MalformedError(f"the body has more than {MAX_FIELDS} fields: it is not our form")
    for pair in body.split(b"&"):
        name, _, value = pair.replace(b"+", b" ").partition(b"=")
        if name:
            yield text_of(unquote_to_bytes(name)), text_of(unquote_to_bytes(value))


def _json(body: bytes) -> Iterator[tuple[str, str]]:
    try:
        found, _ = mended.read(not_crowded(body), dict[str, Any])
    except UNREADABLE as error:  # its text can quote a value
        raise MalformedError("the body is not a JSON object") from error
    pairs = chain.from_iterable(_flat(name, value, 0) for name, value in found.items())
    for number, pair in enumerate(pairs, 1):
        if number > MAX_FIELDS:
            raise MalformedError(f"the body has more than {MAX_FIELDS} fields: it is not our form")
        yield pair


def _flat(name: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    """Yield a JSON value as a form would send it: `attribute[code]`, and `attribute[code][]` for each of a list."""
    if isinstance(value, dict) and depth < MAX_DEPTH:
        for key, inner in value.items():
            yield from _flat(f"{short(name)}[{key}]", inner, depth + 1)
    elif isinstance(value, list) and depth < MAX_DEPTH:
        for inner in value:
            yield from _flat(f"{short(name)}[]", inner, depth + 1)
    elif isinstance(value, str):
        yield name, value
    elif value is not None:
        yield name, json.dumps(value, ensure_ascii=False)


def text_of(data: bytes) -> str:
    """Return the text of a value: UTF-8 by the standard, else by the evidence of the bytes (GBK)."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = to_text(data, "gb18030")
    return text.replace("\r\n", "\n")
