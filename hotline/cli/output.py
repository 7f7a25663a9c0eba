"""How a verb prints records: as a table for a person, as JSON or as CSV. Every verb that lists anything uses it."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import wraps
from inspect import Parameter, Signature, signature
from itertools import chain
from typing import Annotated, Any, Literal, NamedTuple

import typer
from rich.cells import cell_len

from hotline.cli.common import AsJson, print_json, say, there, write
from hotline.output import json_line, readable
from hotline.translation import is_chinese
from schemas.spreadsheet import no_formula

Format = Literal["table", "json", "jsonl", "csv"]
Plain = Callable[[Sequence[Any]], None]
"""Prints all records for a person in another form than a table."""

_Output = Annotated[
    Format | None, typer.Option("-o", "--output", help="Format; `json` is one array, `jsonl` one object per line.")
]
_Columns = Annotated[
    str | None, typer.Option("--columns", metavar="NAME,...", help="Columns of the table or CSV, in this order.")
]
_OPTIONS = {"output": (_Output, None), "columns": (_Columns, None), "as_json": (AsJson, False)}


class Column(NamedTuple):
    """A column: the name of its field, the name in Chinese (中文), and how its value is taken from a record."""

    name: str
    chinese: str
    value: Callable[[Any], object] | None = None
    right: bool = False
    """Whether the table aligns it to the right, as numbers are."""
    shown: Callable[[Any], str] = str
    """How a table shows a value for which `str` is not good to read, such as bytes."""

    def of(self, record: Any) -> object:
        """Return the value of this column."""
        if self.value is not None:
            return self.value(record)
        return record[self.name] if isinstance(record, dict) else getattr(record, self.name)

    @property
    def title(self) -> str:
        """Return the heading in the language of the reader."""
        return self.chinese if is_chinese() else self.name.replace("_", " ")


class Listing(NamedTuple):
    """Records with columns and words of their own, if they depend on the options of the verb."""

    records: Iterable[Any]
    columns: Sequence[Column]
    nothing: str = ""


def lists(known: Sequence[Column], *, nothing: str = "", plain: Plain | None = None) -> Callable[[Any], Any]:
    """Make a verb of a function that returns records, and give it the options of their output.

    `nothing` is said on standard error if there is no record. `plain` prints the records for a person instead of a
    table, unless `-o table` asks for one. A generator may raise `typer.Exit` when it has yielded all of its records.
    """

    def made(verb: Callable[..., Iterable[Any] | Listing]) -> Callable[..., None]:
        @wraps(verb)
        def asked(
            *, output: Format | None = None, columns: str | None = None, as_json: bool = False, **given: Any
        ) -> None:
            form = "jsonl" if as_json else output
            if as_json and output not in (None, "jsonl"):
                raise typer.BadParameter("--json is the same as -o jsonl", param_hint="-o")
            if columns is not None and form in ("json", "jsonl"):
                raise typer.BadParameter("JSON always has every field", param_hint="--columns")

            found = verb(**given)
            one = found if isinstance(found, Listing) else Listing(found, known, nothing)
            chosen = _chosen(one.columns, columns)
            print_records(one.records, chosen, form, nothing=one.nothing, plain=None if columns else plain)

        own = [*signature(verb).parameters.values()]
        extra = [
            Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)
            for name, (kind, default) in _OPTIONS.items()
        ]
        asked.__signature__ = Signature([*own, *extra])  # type: ignore[attr-defined] # what typer reads
        asked.__annotations__ = {one.name: one.annotation for one in (*own, *extra)}
        return asked

    return made


def print_records(
    records: Iterable[Any],
    columns: Sequence[Column],
    form: Format | None,
    *,
    nothing: str = "",
    plain: Plain | None = None,
) -> None:
    """Print records in a format; without one as `plain` or a table prints them."""
    counted = _Counted(records)
    if form == "jsonl":
        for record in counted:
            print_json(record)
    elif form == "json":
        _write_array(counted)
    elif form == "csv":
        _write_csv(counted, columns)
    elif form is None and plain is not None:
        plain(list(counted))
    else:
        _write_table(counted, columns)
    if not counted.count and nothing:
        say(nothing, err=True)
    if counted.exit is not None:
        raise counted.exit


class _Counted:
    """Records and their number; a verb's exit code waits until they are printed."""

    def __init__(self, records: Iterable[Any]) -> None:
        self._records = records
        self.count = 0
        self.exit: typer.Exit | None = None

    def __iter__(self) -> Iterator[Any]:
        try:
            for record in self._records:
                self.count += 1
                yield record
        except typer.Exit as code:
            self.exit = code


def _chosen(known: Sequence[Column], names: str | None) -> Sequence[Column]:
    if names is None:
        return known
    by_name = {name: one for one in known for name in (one.name, one.chinese)}
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in by_name:
            every = ", ".join(f"{one.name} ({one.chinese})" for one in known)
            raise typer.BadParameter(f"choose from {every}", param_hint="--columns")
    return [by_name[name] for name in wanted]


def _write_array(records: Iterable[Any]) -> None:
    before = "["
    for record in records:
        write(before + json_line(record).decode(), nl=False)
        before = ",\n"
    write("]" if before != "[" else "[]")


def _write_csv(records: Iterable[Any], columns: Sequence[Column]) -> None:
    rows = ([_csv_cell(one.of(record)) for one in columns] for record in records)
    for row in chain([[one.name for one in columns]], rows):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(row)
        write(text.getvalue(), nl=False)


def _csv_cell(value: object) -> str:
    text = "" if value is None else readable(_text(value))
    return text if isinstance(value, int | float) else no_formula(text)


def _write_table(records: Iterable[Any], columns: Sequence[Column]) -> None:
    rows = [[_table_cell(one, one.of(record)) for one in columns] for record in records]
    if not rows:
        return
    rows.insert(0, [one.title for one in columns])
    widths = [max(map(cell_len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, columns, strict=True)
        line = "  ".join(_padded(text, width, right=one.right) for text, width, one in cells)
        write(line.rstrip())


def _padded(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if right else text + space


def _table_cell(column: Column, value: object) -> str:
    """Return one line: a second one would pass for another record."""
    if value in (None, "", ()):
        return "-"
    return readable(_text(value) if column.shown is str else column.shown(value)).replace("\n", " ")


def size(count: int) -> str:
    """Return a number of bytes as a person reads it, in units of 1,024."""
    number = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.4g} {unit}"
        number /= 1024
    return f"{number:,.1f} TiB"


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return there(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple | frozenset):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        return ", ".join(f"{name}={_text(each)}" for name, each in value.items())
    return str(value)
