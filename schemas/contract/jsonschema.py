"""JSON Schemas of the records: one document a record, or all of them as the components of another document."""

from collections.abc import Mapping
from inspect import cleandoc
from typing import Any

import msgspec
from msgspec import Struct

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


# One node of a generated JSON Schema, with its references and its `null` resolved.

Schema = Mapping[str, Any]

OBJECT, MAP, ARRAY, UNION, ANY = "object", "map", "array", "union", "any"
"""Kinds of places beside JSON's own scalar types; a map is an object of any names, a union is told apart by a tag."""

_NULL = {"type": "null"}


class Node(Struct, frozen=True, kw_only=True):
    """What may stand at one place: `kind` is one of the constants above, or a scalar type of JSON."""

    kind: str
    nullable: bool
    body: Schema
    root: Schema

    @property
    def tag(self) -> str:
        """Return the property that tells the members of a union apart."""
        return str(self.body["discriminator"]["propertyName"])

    def fields(self) -> dict[str, "Node"]:
        """Return the fields of an object by name."""
        return {name: self._at(schema) for name, schema in self.body.get("properties", {}).items()}

    def members(self) -> dict[str, "Node"]:
        """Return the members of a union by their tags."""
        places = self.body["discriminator"]["mapping"]
        return {tag: self._at({"$ref": place}) for tag, place in places.items()}

    def items(self) -> "Node":
        """Return what every item of an array is, or every value of a map."""
        return self._at(self.body.get("additionalProperties" if self.kind == MAP else "items") or {})

    def places(self) -> list["Node"]:
        """Return the items of an array that has a fixed one at each place, such as a span."""
        return [self._at(schema) for schema in self.body.get("prefixItems", ())]

    def _at(self, schema: Schema) -> "Node":
        return node(schema, self.root)


def node(schema: Schema, root: Schema) -> Node:
    """Return the node of a schema that lies somewhere in `root`."""
    body = _resolved(schema, root)
    others = [part for part in body.get("anyOf", ()) if part != _NULL]
    nullable = len(others) < len(body.get("anyOf", ()))
    if nullable and len(others) == 1:
        told = {name: value for name, value in body.items() if name != "anyOf"}
        body = {**_resolved(others[0], root), **told}
    return Node(kind=_kind(body), nullable=nullable, body=body, root=root)


def _resolved(schema: Schema, root: Schema) -> Schema:
    """Follow references; what stands beside one is said of this place."""
    while "$ref" in schema:
        target: Schema = root
        for name in schema["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        schema = {**target, **{name: value for name, value in schema.items() if name != "$ref"}}
    return schema


def _kind(body: Schema) -> str:
    if "discriminator" in body:
        return UNION
    kind = body.get("type")
    if kind == OBJECT and "properties" not in body:
        return MAP
    return str(kind) if isinstance(kind, str) else ANY
