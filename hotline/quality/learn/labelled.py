"""Labelled messages in files: JSON lines, CSV or TSV, also gzipped, with the names that others give the columns."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from schemas.errors import MisconfiguredError

NAMES: Mapping[str, tuple[str, ...]] = {
    "label": ("category", "label", "类别", "一级标签", "事项分类"),
    "title": ("title", "subject", "标题", "留言主题", "主题"),
    "text": ("text", "body", "content", "seg", "诉求内容", "留言详情", "内容"),
}
"""The columns that are read, by the names they go by; the first that is there counts."""

_DELIMITERS = {".csv": ",", ".tsv": "\t"}


class Labelled(NamedTuple):
    """One message and its label."""

    title: str
    text: str
    label: str


def read(paths: Iterable[Path]) -> Iterator[Labelled]:
    """Yield the labelled messages of all files; rows without a label or any words are passed over.

    Raises MisconfiguredError naming the file (and line) that cannot be read, or that has no such row at all.
    """
    for path in paths:
        found = 0
        for row in _rows(path):
            label, title, text = (_column(row, name) for name in ("label", "title", "text"))
            if label and (title or text):
                found += 1
                yield Labelled(title, text, label)
        if not found:
            label, text = (", ".join(NAMES[name]) for name in ("label", "text"))
            raise MisconfiguredError(
                f"No row of {path.name} has both a label and a text: use one of the column names {label} "
                f"for the label and {text} for the text."
            )


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    suffix = "".join(path.suffixes[-2:]).removesuffix(".gz").lower()
    suffix = suffix if suffix in _DELIMITERS else Path(suffix).suffix or suffix
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        text = data.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise MisconfiguredError(f"There is no file {path}: name one that exists.") from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise MisconfiguredError(f"{path} cannot be read ({type(error).__name__}): give a UTF-8 file.") from error
    if suffix in _DELIMITERS:
        yield from _checked(csv.DictReader(io.StringIO(text), delimiter=_DELIMITERS[suffix]), path)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _object(line, f"line {number} of {path.name}")


def _checked(reader: "csv.DictReader[str]", path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        for name in ("label", "text"):
            if not set(NAMES[name]) & set(reader.fieldnames or ()):
                raise MisconfiguredError(f"{path.name} has no column {' or '.join(NAMES[name])}: rename one.")
        yield from reader
    except csv.Error as error:
        raise MisconfiguredError(f"{path.name} is not a valid table after line {reader.line_num}: {error}.") from error


def _object(line: str, where: str) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise MisconfiguredError(f"The {where} is not a JSON object: correct it.")
    return row


def _column(row: Mapping[str, Any], name: str) -> str:
    value = next((row[one] for one in NAMES[name] if row.get(one)), "")
    return str(value).strip()
