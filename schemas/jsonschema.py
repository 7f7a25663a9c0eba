"""JSON Schemas of the records: one document a record, or all of them as the components of another document."""

from inspect import cleandoc
from typing import Any

import msgspec

from schemas import headers
from schemas.envelope import schema_of
from schemas.records import RECORDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def documents() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of every record, and of the headers: `envelope` of all records, `dead` of dead letters."""
    told = {"envelope": headers.envelope(), "dead": headers.dead_letter()}
    return {name: document(name) for name in RECORDS} | {name: _headed(name, schema) for name, schema in told.items()}


def document(record: str) -> dict[str, Any]:
    """Return the JSON Schema of one record, with everything it refers to."""
    opened: dict[str, Any] = _opened(msgspec.json.schema(RECORDS[record]))
    return _headed(record, opened)


def components(place: str) -> dict[str, dict[str, Any]]:
    """Return the schemas of all records by the name of their structs; they refer to each other below `place`."""
    _, found = msgspec.json.schema_components(RECORDS.values(), ref_template=f"{place}/{{name}}")
    return {name: _plain(_opened(schema)) for name, schema in found.items()}


def pretty(content: Any) -> bytes:
    """Return JSON as it is checked in: indented, with its keys always in the same order."""
    return msgspec.json.format(msgspec.json.encode(content, order="deterministic"), indent=2) + b"\n"


def _headed(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"$schema": DIALECT, "$id": schema_of(name), **schema}


def _opened(schema: Any) -> Any:
    """Return a schema whose unions have room for members of later versions: a validator must not refuse them.

    Docstrings lose their indentation, as Python takes it off by itself from 3.13 on.
    """
    if isinstance(schema, (list, tuple)):
        return [_opened(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _opened(value) for key, value in schema.items()}
    if isinstance(told := made.get("description"), str):
        made["description"] = cleandoc(told)
    if isinstance(found := made.get("discriminator"), dict):
        made["anyOf"].append(_later(found["propertyName"], sorted(found["mapping"])))
    return made


def _later(tag: str, known: list[str]) -> dict[str, Any]:
    return {
        "description": "A kind of a later version: read it as unknown",
        "type": "object",
        "required": [tag],
        "properties": {tag: {"type": "string", "not": {"enum": known}}},
    }


def _plain(node: Any) -> Any:
    """Return a schema whose discriminators are names alone: AsyncAPI's form, JSON Schema itself has none."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: _plain(value) for key, value in node.items()}
    if isinstance(found := made.get("discriminator"), dict):
        made["discriminator"] = found["propertyName"]
    return made
