"""Rows of a CSV file, and what CSV and Excel sheets have in common: a header, and one record a row."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

import msgspec
from pydantic import SecretStr

from connectors.message_id import digest_of
from hotline.importer import lines
from hotline.importer.columns import Plan, Unread
from hotline.importer.item import Item, Options
from hotline.importer.ledger import Occurrences
from hotline.importer.lines import broken, encoding_of, sample
from hotline.importer.records import identifier_of
from hotline.importer.sources import Source
from schemas.errors import MalformedError, PipelineError, RecordError

FIELD_LIMIT = 1 << 20
"""Characters of one cell: a quotation mark that is never closed must not swallow the whole file."""

LINE_LIMIT = 16 << 20
"""Characters of one line: no table has such lines, a small packed file may have a single one without end."""

DELIMITERS = ",\t;|"

HEADER_ROWS = 20
"""Titles and remarks may stand above the header; it is looked for in so many rows."""

_TOO_LONG = "line too long"

Row = tuple[int, "Sequence[Any] | RecordError"]
"""The number of a row and its cells, None for blank ones; or why it cannot be read."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table from its header on."""

    plan: Plan
    rows: Iterator[Row]


def read(source: Source, options: Options) -> Iterator[Item]:
    """Yield one item a row."""
    with source.open() as file:
        encoding = options.encoding or encoding_of(sample(file))
    with io.TextIOWrapper(source.open(), encoding=encoding, errors="surrogateescape", newline="") as text:
        beginning = text.read(64 * 1024)
        delimiter = options.delimiter or delimiter_of(beginning)
        text.seek(0)
        yield from items(source, _rows(_Lines(text), delimiter, encoding), options, f"{encoding}, {delimiter!r}")


def delimiter_of(beginning: str) -> str:
    """Return the delimiter that the first lines have most of, quoted cells left out."""
    lines = "".join(beginning.split('"')[::2]).splitlines()[:HEADER_ROWS]
    return max(DELIMITERS, key=lambda mark: max((line.count(mark) for line in lines), default=0))


class _Lines(Iterator[str]):
    """The lines of a text; one that is too long is read past and raises csv.Error, and the next one goes on.

    One without end raises TooLargeError.
    """

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._number = 0

    def __next__(self) -> str:
        line = rest = self._text.readline(LINE_LIMIT)
        self._number += 1
        if not line:
            raise StopIteration
        if len(line) < LINE_LIMIT or line.endswith(("\n", "\r")):
            return line
        past = len(line)
        while rest and not rest.endswith(("\n", "\r")):
            rest = self._text.readline(LINE_LIMIT)
            past += len(rest)
            if past > lines.READ_PAST:
                raise lines.endless(self._number)
        raise csv.Error(_TOO_LONG)


def _rows(text: Iterable[str], delimiter: str, encoding: str) -> Iterator[Row]:
    csv.field_size_limit(FIELD_LIMIT)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, MalformedError(f"{_said(error)}, up to line {reader.line_num}: correct the quotation marks")
            continue
        if any(map(broken, cells)):
            yield (
                number,
                MalformedError(f"bytes that are not {encoding}: name the encoding of the file with --encoding"),
            )
        else:
            yield number, [_cell(cell) for cell in cells]


def _said(error: csv.Error) -> str:
    """Return what csv says without the characters that it may quote."""
    text = str(error)
    if text == _TOO_LONG:
        return f"a line of more than {LINE_LIMIT} characters"
    if "field larger" in text:
        return f"a cell of more than {FIELD_LIMIT} characters"
    return "a cell that continues after its closing quotation mark" if "expected after" in text else "an unreadable row"


def _cell(text: str) -> str | None:
    """Return a cell without blanks and without Excel's ways to keep a number as text."""
    text = text.strip()
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        text = text[2:-1].strip()
    return text or None


def items(source: Source, rows: Iterator[Row], options: Options, detail: str) -> Iterator[Item]:
    """Yield the items of a table's rows; blank rows are none. `detail` says how the file was taken, for people."""
    table = table_of(rows, options)
    if isinstance(table, PipelineError):
        yield Item(place=source.name, fault=table)
        return
    options.heard(source.name, table.plan, detail)
    with Occurrences() as occurrences:
        for number, cells in table.rows:
            if isinstance(cells, RecordError):
                yield Item(place=source.name, line=number, fault=cells)
            elif any(cell is not None for cell in cells):
                yield _item(source, number, cells, table.plan, options, occurrences)


def table_of(rows: Iterator[Row], options: Options) -> Table | RecordError:
    """Find the header: the first row that names the citizen's words, among titles and remarks."""
    first: list[Row] = []
    absent = set(options.columns.chosen)
    for number, cells in rows:
        first.append((number, cells))
        if isinstance(cells, RecordError):
            continue
        header = ["" if cell is None else str(cell) for cell in cells]
        absent &= {*options.columns.missing(header)}
        plan = options.columns.plan(header)
        if plan.has_words and not options.columns.missing(header):
            faulty = [row for row in first if isinstance(row[1], RecordError)]
            return Table(plan=plan, rows=_after(faulty, rows))
        if len(first) >= HEADER_ROWS:
            break
    fault = next((cells for _, cells in first if isinstance(cells, RecordError)), None)
    if fault is not None or not first:
        return fault or MalformedError("the table is empty")
    if absent:
        return MalformedError(
            f"it has no column {', '.join(sorted(absent))}, which --map or --mapping names: correct it"
        )
    return MalformedError(
        "no column contains the text of messages, or a column of --map is missing: use --map COLUMN=text"
    )


def _after(faulty: list[Row], rows: Iterator[Row]) -> Iterator[Row]:
    yield from faulty
    yield from rows


def _item(
    source: Source, number: int, cells: Sequence[Any], plan: Plan, options: Options, occurrences: Occurrences
) -> Item:
    width = len(plan.header)
    is_short = isinstance(cells, list) and len(cells) < width  # programs that write CSV leave no cell out
    if is_short or any(cell is not None and not isinstance(cell, Unread) for cell in cells[width:]):
        reason = f"{len(cells)} cells, but the header has {width}: correct the quotation marks or the delimiter"
        return Item(place=source.name, line=number, fault=MalformedError(reason))
    try:
        record = plan.record(cells, options.channel)
    except MalformedError as fault:
        return Item(place=source.name, line=number, fault=fault)
    if "text" not in record:
        return Item(place=source.name, line=number, fault=MalformedError("the row has neither text nor title"))
    data = msgspec.json.encode(record)
    return Item(
        place=source.name,
        line=number,
        data=data,
        identifier=identifier_of(record, options.naming_key)
        or _name(plan.header, cells, occurrences, options.naming_key),
        folder=source.path.parent,
    )


def _name(header: Sequence[str], cells: Sequence[Any], occurrences: Occurrences, key: SecretStr | None) -> str:
    """Return the digest of the row as it stands in the file: another mapping of it is the same message.

    A row that comes again in its file is another message: two citizens may have said the same in the same minute.
    """
    row = {name: str(cell) for name, cell in zip(header, cells, strict=False) if cell is not None}
    digest = digest_of(msgspec.json.encode(row, order="sorted"), key)
    times = occurrences.count(digest)
    return digest if times == 1 else f"{digest}-{times}"
