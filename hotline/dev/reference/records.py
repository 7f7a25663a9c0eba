"""The page of records: each field in English and 中文, with its type, class of personal data and index."""

from collections.abc import Iterator
from datetime import datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from msgspec import Struct, UnsetType

from hotline.dev.reference.markdown import code, page, prose, table
from schemas.contract.index_templates import indices, mapped_fields
from schemas.envelope import type_of
from schemas.fields import FieldInfo, fields_of, walk
from schemas.headers import dead_letter, envelope
from schemas.records import RECORDS
from schemas.records.event import AnyChange

_INTRO = """\
The JSON of the topics and of the archive. Dots nest, also inside lists. `null` is "not known"; *absent* is "not asked
yet". Times are RFC 3339 with offset. Enumerations are open: read what you do not know as `unknown`, and ignore unknown
fields; the words that are listed are those of today. *PII*: 1 personal, 2 sensitive, empty none. *Index*, for the
records of the archive, is the field's type in Elasticsearch; `none` is stored and shown but not searched. JSON Schemas
and index templates are in [schemas/generated](../../schemas/generated)."""

_HEADER = ("Field", "中文", "Meaning", "Type", "PII")

_WORDS: dict[Any, str] = {
    str: "text", int: "integer", float: "number", bool: "boolean", bytes: "base64", datetime: "time", Any: "anything",
    NoneType: "null", UnsetType: "absent",
}  # fmt: skip


def render() -> str:
    """Return the page."""
    records = (_record(name, record) for name, record in RECORDS.items())
    return page(
        "Records",
        _INTRO,
        *records,
        _changes(),
        _headers("Envelope", envelope()),
        _headers("Dead letter", dead_letter()),
    )


def _record(name: str, record: type[Struct]) -> str:
    mapped = mapped_fields(name) if name in {index.record for index in indices().values()} else None
    header = (*_HEADER, "Index") if mapped is not None else _HEADER
    rows = [_row(field, mapped) for field in walk(record)]
    return f"## {record.__name__}\n\n{code(type_of(name))}. {prose(record.__doc__ or '')}\n\n{table(header, rows)}"


def _row(field: FieldInfo, mapped: frozenset[str] | None) -> tuple[str, ...]:
    told = (code(field.path), field.chinese, _meaning(field), kind(field.hint), str(field.pii or ""))
    # What lies inside an object that is not indexed is not indexed either.
    return told if mapped is None else (*told, field.index if field.path in mapped else "none")


def _meaning(field: FieldInfo) -> str:
    listed = f": {', '.join(f'{code(word)} {chinese}' for word, chinese in field.words.items())}" if field.words else ""
    return prose(field.description) + listed


def _changes() -> str:
    """List what an event's `changes` may hold."""
    rows = [row for change in get_args(AnyChange) for row in _change(change)]
    about = "Each has its name under `change`. The event log alone rebuilds every decision by folding them in order."
    return f"## Changes of an event\n\n{about}\n\n{table(('Change', '中文', 'Meaning', 'Type'), rows)}"


def _headers(title: str, schema: dict[str, Any]) -> str:
    """List the Kafka headers of a record."""
    rows = [
        (
            code(name),
            header["title"],
            prose(header["description"]),
            "" if name in schema["required"] else "may be absent",
        )
        for name, header in schema["properties"].items()
    ]
    chinese, _, meaning = schema["description"].partition(": ")
    return f"## {title}\n\n{chinese}: {prose(meaning)}\n\n{table(('Header', '中文', 'Meaning', 'Presence'), rows)}"


def _change(change: type[Struct]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of one kind of change: itself, then its fields."""
    tag = str(change.__struct_config__.tag)
    chinese, _, meaning = (change.__doc__ or "").partition(": ")
    yield code(tag), chinese, prose(meaning[:1].upper() + meaning[1:]), "change"
    for field in fields_of(change, f"{tag}."):
        yield code(field.path), field.chinese, _meaning(field), kind(field.hint)


def kind(hint: Any) -> str:
    """Return a type in words."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return kind(parts[0])
    if origin in (Union, UnionType):
        return "change" if parts == get_args(AnyChange) else " or ".join(kind(part) for part in parts)
    if origin is tuple:
        return f"list of {kind(parts[0])}" if parts[1:] == (...,) else f"[{', '.join(kind(part) for part in parts)}]"
    if origin is dict:
        return f"map of {kind(parts[0])} to {kind(parts[1])}"
    return _WORDS.get(hint) or str(hint.__name__)
