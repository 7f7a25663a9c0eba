"""Generates what other systems read: index templates, JSON Schema, AsyncAPI, the data contract, personal data."""

from pathlib import Path

from schemas.contract import asyncapi, datacontract, jsonschema
from schemas.contract.index_templates import indices
from schemas.fields import walk
from schemas.records import RECORDS

FOLDER = Path(__file__).parents[1] / "generated"
"""Checked in, so that a change of a record shows what it changes for others."""


def files() -> dict[str, bytes]:
    """Return every generated file by its path below `FOLDER`."""
    made = {f"elasticsearch/{index.alias}.json": index.template() for index in indices().values()}
    made |= {f"jsonschema/{name}.json": document for name, document in jsonschema.documents().items()}
    made["asyncapi.json"] = asyncapi.document()
    made["datacontract.json"] = datacontract.document()
    made["redaction.json"] = redaction()
    return {path: jsonschema.pretty(content) for path, content in made.items()}


def redaction() -> dict[str, dict[str, int]]:
    """Return the PII class (1 personal, 2 sensitive) of every field that has one, by record and dotted path."""
    return {name: {field.path: field.pii for field in walk(RECORDS[name]) if field.pii} for name in RECORDS}


def check(folder: Path = FOLDER) -> list[str]:
    """Return the paths that differ from what the records say now: stale, missing or left over."""
    wanted = files()
    there = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.json")}
    return sorted(path for path in wanted.keys() | there.keys() if wanted.get(path) != there.get(path))


def export(folder: Path = FOLDER) -> list[str]:
    """Write what is stale, delete what is left over, and return the paths that changed."""
    wanted, stale = files(), check(folder)
    for path in stale:
        target = folder / path
        if path in wanted:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(wanted[path])
        else:
            target.unlink()
    return stale
