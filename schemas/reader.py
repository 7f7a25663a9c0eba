"""Reads a record by the JSON Schema of any version, as the contract asks of every reader: the released readers."""

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from schemas.errors import SchemaError
from schemas.fields import X_WORDS
from schemas.node import ANY, ARRAY, MAP, OBJECT, UNION, Node, Schema, node
from schemas.words import UNKNOWN


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
    return _word(place.body.get(X_WORDS), value)  # type: ignore[no-any-return]  # a string, as was just found


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
