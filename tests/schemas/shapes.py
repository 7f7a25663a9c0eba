"""The shapes of today as a later version would have them, changed at one place."""

import copy
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from schemas.contract import releases
from schemas.contract.compatibility import Shape

Schemas = dict[str, Any]
Change = Callable[[Schemas], object]

TODAY = releases.current().shape
_MAJOR, _MINOR, _PATCH = map(int, TODAY.version.split("."))
PATCHED, NEXT, AFTER = (
    f"{_MAJOR}.{_MINOR}.{_PATCH + 1}",
    f"{_MAJOR}.{_MINOR + 1}.0",
    f"{_MAJOR}.{_MINOR + 2}.0",
)


def later(change: Change, version: str = NEXT) -> Shape:
    """Today's shapes after `change` was done to their schemas."""
    schemas = copy.deepcopy(dict(TODAY.schemas))
    change(schemas)
    return replace(TODAY, version=version, schemas=schemas)


def struct(schemas: Schemas, record: str, name: str) -> Any:
    """The schema of a struct inside a record's document."""
    return schemas[record]["$defs"][name]


def fields(schemas: Schemas, name: str = "Ticket", record: str = "ticket") -> Any:
    """The fields of a struct inside a record's document."""
    return struct(schemas, record, name)["properties"]


def text(**more: Any) -> dict[str, Any]:
    """A field of text as `about()` makes it."""
    return {"title": "新字段", "description": "A new field", "x-pii": 0, "x-index": "keyword", "type": "string"} | more


def add(name: str, schema: dict[str, Any], needed: bool = False) -> Change:
    """Add a field to the ticket."""

    def change(schemas: Schemas) -> None:
        fields(schemas)[name] = schema
        struct(schemas, "ticket", "Ticket")["required"] += [name] * needed

    return change


def put(name: str, *, of: str = "Ticket", record: str = "ticket", **more: Any) -> Change:
    """Change what the schema of a field says."""
    return lambda schemas: fields(schemas, of, record)[name].update(more)
