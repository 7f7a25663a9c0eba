"""Labelled files: one JSON object a line, or a table, as neutral records with labels beside, or as others name them."""

import csv
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from hotline.inputs import Input
from schemas.errors import MisconfiguredError

Row = dict[str, Any]

_OTHER_NAMES = {"subject": "title", "body": "text", "user": "sender", "time": "received_at"}
"""What public data sets call the fields of a neutral record."""

_TABLE = ".tsv"

_NEUTRAL = ("id", "text", "title", "sender", "received_at", "channel", "kind", "place")


def rows(path: Path) -> Iterator[Row]:
    """Yield the rows with the names of neutral records. Raises MisconfiguredError naming the line it cannot read."""
    if not path.is_file():
        raise MisconfiguredError(f"There is no file {path}: name a labelled file, one JSON object a line.")
    for number, found in _table(path) if path.suffix == _TABLE else _objects(path):
        row: Row = {str(_OTHER_NAMES.get(name, name)): value for name, value in found.items()}
        if "text" not in row:
            raise MisconfiguredError(f"Line {number} of {path.name} has no text: every row needs one.")
        yield {"id": str(number), **row}


def _objects(path: Path) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        found: Any = None
        with suppress(ValueError, RecursionError):
            found = json.loads(line)
        if not isinstance(found, dict):
            raise MisconfiguredError(f"Line {number} of {path.name} is no JSON object: correct it.")
        yield number, found


def _table(path: Path) -> Iterator[tuple[int, Row]]:
    r"""Read tab-separated values, one row a line (`\n` stands for its end), without quotation marks of their own."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise MisconfiguredError(f"{path.name} is no UTF-8: save it as such.") from error
    for number, row in enumerate(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), 2):
        yield number, {name: value.replace("\\n", "\n") for name, value in row.items() if name and value}


def as_input(row: Row, name: str) -> Input:
    """Return the row without its labels, as `hotline try` would read it."""
    record = {field: row[field] for field in _NEUTRAL if row.get(field) is not None}
    return Input(name=name, channel="record", data=json.dumps(record, ensure_ascii=False).encode())
