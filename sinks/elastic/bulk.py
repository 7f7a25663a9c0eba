"""Kafka records into the body of a `_bulk` request, byte for byte; tickets also get the sounds of their text."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from normalizers.text.sounds import sounds
from schemas import topics
from schemas.contract.index_templates import SEARCHED, SOUND
from schemas.envelope import WITHHELD
from schemas.errors import RecordError, SchemaError, UnsupportedError
from sinks.base import Document, Refusal, Route

_KEY = re.compile(rb"[A-Za-z0-9_.:-]{1,512}")
"""Syntax of an id; any other text could break the action line or have the whole request refused."""

_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])-")

_VERSION_LIMIT = 2**63

EMPTY = b"{}"
_SOUND = f'"{SOUND}"'.encode()
_RESTRICTED, _ERASED = b'"confidentiality":"restricted"', b'"erased":true'


class Body(NamedTuple):
    """A request body, its documents in order, and the documents that fit into no request."""

    lines: bytes
    documents: list[Document]
    refused: list[Refusal]


def body(documents: Sequence[Document], routes: Mapping[str, Route]) -> Body:
    """Build the request for these documents; the values are copied byte for byte."""
    parts: list[bytes] = []
    taken: list[Document] = []
    refused: list[Refusal] = []
    for document in documents:
        try:
            line, source = action(document, routes), source_of(document)
            if routes[document.position.topic].index.record == SEARCHED:
                source = with_sounds(source)
            parts += (line, source)
        except RecordError as error:
            refused.append(Refusal(document, error.code, str(error)))
        else:
            taken.append(document)
    parts.append(b"")
    return Body(b"\n".join(parts), taken, refused)


class _Searched(Struct):
    search_text: str = ""


_SEARCHED = msgspec.json.Decoder(_Searched)


def source_of(document: Document) -> bytes:
    """Return the stored source: empty for a restricted ticket in the two indices that other roles read.

    The empty document keeps its version, so that no older one returns; a search finds no document without an id.
    """
    if WITHHELD in document.headers:
        return EMPTY
    # in a text the quotes would be escaped
    is_open = document.position.topic in (topics.TICKET, topics.TICKET_MASKED)
    return EMPTY if is_open and _RESTRICTED in document.value and _ERASED not in document.value else document.value


def with_sounds(value: bytes) -> bytes:
    """Return a ticket with the sounds of its `search_text`, which are searched and not stored.

    They are made of this very document: those of a masked ticket hold nothing that its text does not show.
    """
    try:
        text = _SEARCHED.decode(value).search_text
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # Elasticsearch judges it
        return value
    if not text:
        return value
    return b"%b,%b:%b}" % (value[:-1], _SOUND, msgspec.json.encode(sounds(text)))


def action(document: Document, routes: Mapping[str, Route]) -> bytes:
    """Return the action line of one document. Raises RecordError when it can never be indexed."""
    route = routes.get(document.position.topic)
    if route is None:
        raise UnsupportedError("no index accepts this topic: subscribe the sink only to the topics of its routes")
    _check_frame(document)
    headers = dict(document.headers)
    return b'{"index":{"_index":"%b,"_id":"%b","version":%d,"version_type":"external_gte"}}' % (
        _place(route, headers),
        document.key,
        version_of(headers, route),
    )


def version_of(headers: Mapping[str, bytes], route: Route) -> int:
    """Return the version that Elasticsearch compares. Raises SchemaError."""
    return _version(headers, default=1 if route.index.monthly else None)


def _place(route: Route, headers: Mapping[str, bytes]) -> bytes:
    """Return the index; a missing alias must refuse the document instead of creating an index without a mapping."""
    if route.into is not None:
        return b'%b","require_alias":false' % route.into.encode()
    if route.index.monthly:
        return b'%b","require_alias":false' % route.index.of_month(month_of(headers)).encode()
    return b'%b","require_alias":true' % route.index.alias.encode()


def _check_frame(document: Document) -> None:
    """Refuse what would break the request for other documents; Elasticsearch judges the rest."""
    if not _KEY.fullmatch(document.key):
        raise SchemaError("the key of the record is not a valid id: check its producer")
    value = document.value
    if not (value.startswith(b"{") and value.endswith(b"}")) or b"\n" in value:
        raise SchemaError("the value of the record is not one JSON object on one line: check its producer")


def _version(headers: Mapping[str, bytes], default: int | None) -> int:
    text = headers.get("ce_sequence")
    if text is None and default is not None:
        return default
    if text is None or not (text.isdigit() and len(text) <= 19) or int(text) >= _VERSION_LIMIT:
        raise SchemaError("ce_sequence is not the version of the record: check its producer")
    return int(text)


def month_of(headers: Mapping[str, bytes]) -> str:
    """Return the month of intake, ``2026-11``; every record has it, and no citizen's clock can set it.

    Raises SchemaError.
    """
    text = headers.get("ce_recordedtime", b"").decode("ascii", "replace")
    if not _MONTH.match(text):
        raise SchemaError("ce_recordedtime is not a time: check its producer")
    return text[:7]
