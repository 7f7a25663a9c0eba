"""Labelled files: one JSON object a line, or a table, as neutral records with labels beside, or as others name them."""

import csv
import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hotline.trial.inputs import Input
from schemas.errors import MisconfiguredError

Row = dict[str, Any]

_OTHER_NAMES = {"subject": "title", "body": "text", "user": "sender", "time": "received_at"}
"""Field names of public data sets, and those of a neutral record."""

_TABLE = ".tsv"

Paths = Path | Sequence[Path]
"""One labelled file, or several that are counted together."""

_OF_A_FILE = ("id", "cluster")
"""Fields that are unique within their own file only."""

_NEUTRAL = ("id", "text", "title", "sender", "received_at", "channel", "kind", "place")


def files(paths: Paths) -> tuple[Path, ...]:
    """Return the files. Raises MisconfiguredError for one that is named twice: its rows would count twice."""
    found = (paths,) if isinstance(paths, Path) else tuple(paths)
    if twice := next((path for path in found if found.count(path) > 1), None):
        raise MisconfiguredError(f"{twice} is named twice: its rows would be counted twice.")
    return found


def told(paths: Paths) -> str:
    """Return the names of the files, for a sentence."""
    return ", ".join(path.name for path in files(paths))


def scope(path: Path, paths: Paths) -> str:
    """Return the prefix for the ids of a file's rows: none for one file, its path for several."""
    return "" if len(files(paths)) == 1 else f"{path}:"


def rows(paths: Paths, needed: str = "text") -> Iterator[Row]:
    """Yield the rows of all files with the names of neutral records; ids and clusters are of one file alone.

    Raises MisconfiguredError naming the line it cannot read, or that lacks what is `needed`.
    """
    for path in files(paths):
        before = scope(path, paths)
        for row in _rows(path, needed):
            scoped = {name: f"{before}{row[name]}" for name in _OF_A_FILE if row.get(name) is not None}
            yield {**row, **scoped} if before else row


def _rows(path: Path, needed: str) -> Iterator[Row]:
    if not path.is_file():
        raise MisconfiguredError(f"There is no file {path}: name a labelled file with one JSON object per line.")
    for number, found in _table(path) if path.suffix == _TABLE else _objects(path):
        row: Row = {str(_OTHER_NAMES.get(name, name)): value for name, value in found.items()}
        if needed not in row:
            raise MisconfiguredError(f"Line {number} of {path.name} has no {needed}: every row needs one.")
        yield {"id": str(number), **row}


def _objects(path: Path) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        found: Any = None
        with suppress(ValueError, RecursionError):
            found = json.loads(line)
        if not isinstance(found, dict):
            raise MisconfiguredError(f"Line {number} of {path.name} is not a JSON object: correct it.")
        yield number, found


def _table(path: Path) -> Iterator[tuple[int, Row]]:
    r"""Read tab-separated values, one row a line (`\n` stands for its end), without quotation marks of their own."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise MisconfiguredError(f"{path.name} is not UTF-8: save it as UTF-8.") from error
    for number, row in enumerate(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), 2):
        yield number, {name: value.replace("\\n", "\n") for name, value in row.items() if name and value}


def as_input(row: Row, name: str, also: Collection[str] = ()) -> Input:
    """Return the row without its labels, as `hotline try` would read it; `also` are fields that are no labels here."""
    record = {field: row[field] for field in (*_NEUTRAL, *also) if row.get(field) is not None}
    return Input(name=name, channel="record", data=json.dumps(record).encode())  # half an emoji as its escape
