"""JSON Schemas of the records: one document a record, or all of them as the components of another document."""

from typing import Any

import msgspec

from schemas.envelope import schema_of
from schemas.records import RECORDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def document(record: str) -> dict[str, Any]:
    """Return the JSON Schema of one record, with everything it refers to."""
    return {"$schema": DIALECT, "$id": schema_of(record), **msgspec.json.schema(RECORDS[record])}


def components(place: str) -> dict[str, dict[str, Any]]:
    """Return the schemas of all records by the name of their structs; they refer to each other below `place`."""
    _, found = msgspec.json.schema_components(RECORDS.values(), ref_template=f"{place}/{{name}}")
    return {name: _plain(schema) for name, schema in found.items()}


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
