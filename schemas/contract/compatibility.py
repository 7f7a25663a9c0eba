"""Says what a change of the records' shapes breaks, by the nine rules that downstream teams rely on (ADR 7).

1 a new field is optional · 2 nothing is removed, renamed, retyped or tightened · 3 enumerations are open and keep their
words · 4 `null` is not absent · 5 times are RFC 3339 with offset · 6 ids are strings · 7 unknown fields are ignored ·
8 a released version is frozen, with its golden records · 9 what breaks these is a new topic beside the old one.

Both ways count (FULL_TRANSITIVE), since a compacted topic keeps old records and has readers that nobody can upgrade.
No record of ours lies within itself, so walking one ends.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from msgspec import Struct

from schemas.contract.jsonschema import ANY, ARRAY, MAP, OBJECT, UNION, Node, Schema, node
from schemas.enums import UNKNOWN
from schemas.errors import SchemaError
from schemas.fields import X_INDEX, X_PII, X_WORDS


class Breach(NamedTuple):
    """One broken rule: its number above, the place, and a sentence for the person who changed it."""

    rule: int
    where: str
    says: str

    def __str__(self) -> str:
        return f"{self.where}: {self.says} (rule {self.rule})"


class TopicShape(Struct, frozen=True, kw_only=True):
    """What readers know of a topic; retention and the like may change."""

    key: str
    partitioned_by: str
    cleanup_policy: str


class Shape(Struct, frozen=True, kw_only=True):
    """All that one version promises: the JSON Schema of each record and of the headers, and the topics."""

    version: str
    schemas: Mapping[str, Schema]
    topics: Mapping[str, TopicShape]


_CONSTRAINTS = (
    "minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "contentEncoding",
)  # fmt: skip
_ID = re.compile(r"(^|[._])(id|ids|no|nos)$")
_TIME = re.compile(r"(^|_)(at|time|date)$")
_WRITTEN_ANEW = "schema_version"
"""Names the version itself, so its default is another one each time."""

_NEW_TOPIC = "write it to a new topic beside the old one"


def breaches(old: Shape, new: Shape) -> list[Breach]:
    """Return every rule that `new` breaks for the records and readers of the released version `old`."""
    return [*_records(old, new), *_topics(old, new), *_majors(old, new)]


def _records(old: Shape, new: Shape) -> Iterator[Breach]:
    for name, schema in old.schemas.items():
        if name not in new.schemas:
            yield Breach(9, name, f"the record of {old.version} is gone: {_NEW_TOPIC} and keep this one")
        else:
            there, now = node(schema, schema), node(new.schemas[name], new.schemas[name])
            yield from _changed(there, now, name)
    for name in new.schemas.keys() - old.schemas.keys():
        yield from _well_made(node(new.schemas[name], new.schemas[name]), name)


def _topics(old: Shape, new: Shape) -> Iterator[Breach]:
    for name, topic in old.topics.items():
        now = new.topics.get(name)
        if now is None:
            yield Breach(9, name, f"the topic of {old.version} is gone: it is written as long as {old.version} is read")
        elif now != topic:
            yield Breach(9, name, f"its key, partitioning or cleanup policy changed: {_NEW_TOPIC}")


def _majors(old: Shape, new: Shape) -> Iterator[Breach]:
    major = new.version.split(".")[0]
    if major != old.version.split(".")[0] and not any(name.endswith(f".v{major}") for name in new.topics):
        yield Breach(9, "VERSION", f"{new.version} has no topic that ends in .v{major}")


def _changed(old: Node, new: Node, path: str) -> Iterator[Breach]:
    """Compare one place with what it was."""
    yield from _null(old, new, path)
    if old.kind != new.kind:
        yield _retyped(old, new, path)
        return
    yield from _tightened(old, new, path)
    yield from _words(old, new, path)
    yield from _told(old, new, path)
    if old.kind == OBJECT:
        yield from _fields(old, new, path)
    elif old.kind == UNION:
        yield from _members(old, new, path)
    elif old.kind in (ARRAY, MAP):
        yield from _changed(old.items(), new.items(), f"{path}[]")
        for before, after in zip(old.places(), new.places(), strict=False):
            yield from _changed(before, after, f"{path}[]")


def _null(old: Node, new: Node, path: str) -> Iterator[Breach]:
    if new.nullable and not old.nullable:
        yield Breach(4, path, "it can be null now, which its readers never met")
    if old.nullable and not new.nullable:
        yield Breach(4, path, "it cannot be null any more, but there are records in which it is")


def _retyped(old: Node, new: Node, path: str) -> Breach:
    rule = 6 if _ID.search(path) and new.kind != "string" else 2
    return Breach(rule, path, f"it was {old.kind} and is {new.kind}: add a field instead")


def _tightened(old: Node, new: Node, path: str) -> Iterator[Breach]:
    if old.body.get("format") != new.body.get("format"):
        times = "date-time" in (old.body.get("format"), new.body.get("format"))
        yield Breach(5 if times else 2, path, f"its format was {old.body.get('format')}, is {new.body.get('format')}")
    for word in _CONSTRAINTS:
        if old.body.get(word) != new.body.get(word):
            yield Breach(2, path, f"its {word} was {old.body.get(word)}, is {new.body.get(word)}")
    if new.body.get("additionalProperties") is False and old.body.get("additionalProperties") is not False:
        yield Breach(7, path, "it refuses unknown fields now: readers ignore them")
    if old.body.get("default") != new.body.get("default") and not path.endswith(f".{_WRITTEN_ANEW}"):
        yield Breach(1, path, "its default changed, so that records without it would say something else")


def _words(old: Node, new: Node, path: str) -> Iterator[Breach]:
    for closed in ("enum", "const"):
        if closed in new.body and closed not in old.body:
            yield Breach(3, path, f"it is a closed {closed} now: list the words in about(words=...)")
        elif old.body.get(closed) != new.body.get(closed):
            yield Breach(3, path, f"its closed {closed} changed, which old readers refuse")
    before, after = old.body.get(X_WORDS), new.body.get(X_WORDS)
    if before is None and after is not None:
        yield Breach(2, path, "it had any text and has a list of words now: readers would take the others as unknown")
    elif before is not None and (gone := [word for word in before if word not in (after or ())]):
        yield Breach(3, path, f"its words {', '.join(gone)} are gone, but stand in records")


def _told(old: Node, new: Node, path: str) -> Iterator[Breach]:
    before, after = old.body.get(X_PII, 0), new.body.get(X_PII, 0)
    if after < before:
        yield Breach(
            2, path, f"its PII class fell from {before} to {after}: what lies there was written under the higher"
        )
    index, now = old.body.get(X_INDEX), new.body.get(X_INDEX)
    if index != now and index not in (None, "none"):
        yield Breach(2, path, f"its index was {index} and is {now}: whoever searches it finds nothing more")


def _fields(old: Node, new: Node, path: str) -> Iterator[Breach]:
    before, after = old.fields(), new.fields()
    needed, needed_now = set(old.body.get("required", ())), set(new.body.get("required", ()))
    for name in before:
        at = f"{path}.{name}"
        if name not in after:
            yield Breach(2, at, "it is gone: a field stays, and a renamed one is another field")
            continue
        if name in needed_now - needed:
            yield Breach(1, at, "every record must have it now, but there are records without it")
        if name in needed - needed_now:
            yield Breach(2, at, "it can be absent now, but its readers rely on it")
        yield from _changed(before[name], after[name], at)
    for name in after.keys() - before.keys():
        if name in needed_now:
            yield Breach(1, f"{path}.{name}", "a new field is optional and has a default: records without it are there")
        yield from _named(name, after[name], f"{path}.{name}")
        yield from _well_made(after[name], f"{path}.{name}")


def _members(old: Node, new: Node, path: str) -> Iterator[Breach]:
    if old.tag != new.tag:
        yield Breach(2, path, f"what tells its kinds apart was {old.tag} and is {new.tag}")
        return
    before, after = old.members(), new.members()
    for tag, member in before.items():
        if tag not in after:
            yield Breach(2, f"{path}<{tag}>", "this kind is gone, but stands in records")
        else:
            yield from _changed(member, after[tag], f"{path}<{tag}>")
    for tag in after.keys() - before.keys():
        yield from _well_made(after[tag], f"{path}<{tag}>")


def _well_made(new: Node, path: str) -> Iterator[Breach]:
    """Say what of something new is not as the rules want every field."""
    if new.body.get("additionalProperties") is False:
        yield Breach(7, path, "it refuses unknown fields: readers ignore them")
    if new.kind in (ARRAY, MAP):
        yield from _well_made(new.items(), f"{path}[]")
    if new.kind == OBJECT:
        for name, field in new.fields().items():
            if not _is_tag(field):
                yield from _named(name, field, f"{path}.{name}")
                yield from _well_made(field, f"{path}.{name}")
    if new.kind == UNION:
        for tag, member in new.members().items():
            yield from _well_made(member, f"{path}<{tag}>")


def _is_tag(field: Node) -> bool:
    return len(field.body.get("enum", ())) == 1 and "type" not in field.body


def _named(name: str, new: Node, path: str) -> Iterator[Breach]:
    """Say what a new field's name promises and its type does not keep."""
    one = new.items() if new.kind == ARRAY else new
    if "enum" in one.body or "const" in one.body:
        yield Breach(3, path, "it is a closed enumeration: make it text and list the words in about(words=...)")
    elif _ID.search(name) and one.kind != "string":
        yield Breach(6, path, f"an id is a string, this is {one.kind}")
    elif _TIME.search(name) and one.body.get("format") != "date-time":
        yield Breach(5, path, "a time is RFC 3339 with offset: use Time of schemas/records/common.py")


# Reads a record by the JSON Schema of any version, as the contract asks of every reader: the released readers.


def read(schema: Schema, record: Any) -> Any:
    """Return what a reader that knows only `schema` makes of a record, as JSON values.

    Fields that it does not know are left out, words that it does not know are `unknown`, absent fields have their
    defaults. Raises SchemaError, which names the place but no value, where the record cannot be read.
    """
    return _read(node(schema, schema), record, "$")


def _read(place: Node, value: Any, path: str) -> Any:
    if value is None and (place.nullable or place.kind == ANY):
        return None
    return _READERS[place.kind](place, value, path)


def _object(place: Node, value: Any, path: str) -> dict[str, Any]:
    _expect(isinstance(value, dict), path, "an object")
    missing = [name for name in place.body.get("required", ()) if name not in value]
    _expect(not missing, path, f"an object with {', '.join(missing)}")
    made = {}
    for name, field in place.fields().items():
        if name in value:
            made[name] = _read(field, value[name], f"{path}.{name}")
        elif "default" in field.body:
            made[name] = field.body["default"]
    return made


def _map(place: Node, value: Any, path: str) -> dict[str, Any]:
    _expect(isinstance(value, dict), path, "an object")
    return {name: _read(place.items(), item, f"{path}.*") for name, item in value.items()}


def _array(place: Node, value: Any, path: str) -> list[Any]:
    _expect(isinstance(value, list), path, "a list")
    _expect(place.body.get("minItems", 0) <= len(value) <= place.body.get("maxItems", len(value)), path, "as long")
    fixed, words = place.places(), place.body.get(X_WORDS)
    kinds = fixed if len(fixed) == len(value) else [place.items()] * len(value)
    made = [_read(kind, item, f"{path}[]") for kind, item in zip(kinds, value, strict=True)]
    return [_word(words, item) for item in made]


def _union(place: Node, value: Any, path: str) -> dict[str, Any]:
    _expect(isinstance(value, dict) and isinstance(value.get(place.tag), str), path, f"an object with {place.tag}")
    member = place.members().get(value[place.tag])
    return {place.tag: UNKNOWN} if member is None else _object(member, value, f"{path}<{value[place.tag]}>")


def _string(place: Node, value: Any, path: str) -> str:
    _expect(isinstance(value, str), path, "a string")
    if place.body.get("format") == "date-time":
        _expect(_is_time(value), path, "a time with offset")
    if place.body.get("contentEncoding") == "base64":
        _expect(_is_base64(value), path, "base64")
    word: str = _word(place.body.get(X_WORDS), value)
    return word


def _word(words: list[str] | None, value: Any) -> Any:
    """Return the word, `unknown` when it is none that this version knows."""
    return value if not words or value in words else UNKNOWN


def _scalar(kinds: tuple[type, ...], name: str) -> Callable[[Node, Any, str], Any]:
    def read_scalar(place: Node, value: Any, path: str) -> Any:
        _expect(type(value) in kinds, path, name)  # a boolean is an int to isinstance
        return value

    return read_scalar


def _anything(place: Node, value: Any, path: str) -> Any:
    return value


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _expect(is_so: bool, path: str, what: str) -> None:
    if not is_so:
        raise SchemaError(f"{path} is not {what}")


_READERS: Mapping[str, Callable[[Node, Any, str], Any]] = MappingProxyType(
    {
        OBJECT: _object,
        MAP: _map,
        ARRAY: _array,
        UNION: _union,
        ANY: _anything,
        "string": _string,
        "integer": _scalar((int,), "a whole number"),
        "number": _scalar((int, float), "a number"),
        "boolean": _scalar((bool,), "true or false"),
    }
)
