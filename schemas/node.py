"""One place in a JSON Schema of ours, with its references and its `null` resolved."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

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
