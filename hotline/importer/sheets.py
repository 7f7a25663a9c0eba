"""Rows of an Excel workbook (.xlsx), streamed; its table of strings lies on the disk, not in memory."""

import os
import re
import tempfile
import warnings
from array import array
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import IO, Any

from openpyxl.cell.text import Text
from openpyxl.reader.excel import SHARED_STRINGS, ExcelReader
from openpyxl.utils.cell import range_boundaries
from openpyxl.utils.escape import unescape
from openpyxl.worksheet._reader import FORMULA_TAG, VALUE_TAG, WorkSheetParser, _cast_number
from openpyxl.xml.constants import SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

from hotline.importer import tables
from hotline.importer.columns import Unread
from hotline.importer.dated import dated
from hotline.importer.item import Item, Options
from hotline.importer.sources import Source
from schemas.errors import MalformedError, RecordError, TooLargeError, UnsupportedError

BOMB_BYTES, BOMB_RATIO = 256 << 20, 200
"""A part of a workbook that unpacks to so much, and to so many times its size, is no table; Excel's come to 5 to 50."""

_LAST_DAY = 2_958_465
"""Excel's number of the end of 9999."""

MOST_COLUMNS = 512
"""Columns that are read: an export has dozens. One cell at the right end of a row makes a row of 16,384 cells."""

MOST_MERGED = 20_000
"""Ranges of merged cells over more than one row."""

_UNCALCULATED = Unread("contains a formula without its result: open the file in Excel or WPS and save it")
_MERGED = Unread("is merged with the row above: split such cells and fill each of them")

_MERGE = re.compile(rb'<(?:\w+:)?mergeCell [^>]*?ref="([A-Z]{1,3}[0-9]{1,7}:[A-Z]{1,3}[0-9]{1,7})"')
_MERGE_BYTES = 200
"""More than one of them has."""

_STRING = f"{{{SHEET_MAIN_NS}}}si"


def read(source: Source, options: Options) -> Iterator[Item]:
    """Yield one item a row of the chosen sheet, the first one by default."""
    with tempfile.TemporaryFile() as strings, source.open() as file:
        workbook = _workbook(file, strings)
        with closing(workbook):
            sheet = _sheet(workbook, options.sheet)
            if sheet is None:
                names = ", ".join(one.title for one in workbook.worksheets)
                fault = MalformedError(f"no such sheet: choose one of {names} with --sheet")
                yield Item(place=source.name, fault=fault)
            else:
                yield from tables.items(source, _marked(_rows(sheet), _merged(sheet)), options, f"sheet {sheet.title}")
                if options.sheet is None:
                    yield from _unread(source, [one for one in workbook.worksheets if one is not sheet], options)


def _unread(source: Source, sheets: Iterable[Any], options: Options) -> Iterator[Item]:
    """Yield a fault for each other visible sheet that holds messages: a month has a sheet of its own now and then."""
    for sheet in sheets:
        table = tables.table_of(_rows(sheet), options) if sheet.sheet_state == "visible" else None
        if isinstance(table, tables.Table) and next(table.rows, None) is not None:
            reason = f"the sheet {sheet.title} was not read: import it with --sheet, or hide it"
            yield Item(place=source.name, fault=UnsupportedError(reason))


def _workbook(file: IO[bytes], strings: IO[bytes]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and extensions that we do not read
        reader = _Reader(file, strings)
        reader.read()
    return reader.wb


def _sheet(workbook: Any, name: str | None) -> Any:
    sheets = workbook.worksheets
    if name is None:
        return next((sheet for sheet in sheets if sheet.sheet_state == "visible"), None)
    return next((sheet for sheet in sheets if sheet.title == name), None)


def _rows(sheet: Any) -> Iterator[tables.Row]:
    sheet.reset_dimensions()  # some programs write wrong ones
    book, last = sheet.parent, 0
    with sheet._get_source() as part:
        rows = _Cells(
            part,
            sheet._shared_strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        ).parse()
        while (row := _next(rows)) is not None:
            number, cells = row
            if number > last:
                last = number
                yield number, _row(sheet, cells)


def _row(sheet: Any, cells: Any) -> "tuple[Any, ...] | RecordError":
    if any(cell["column"] > MOST_COLUMNS and _blank_is_none(cell["value"]) is not None for cell in cells):
        return TooLargeError(f"it has a cell beyond column {MOST_COLUMNS}: move or delete it")
    width = min(cells[-1]["column"], MOST_COLUMNS) if cells else None
    return tuple(map(_blank_is_none, sheet._get_row(cells, max_col=width, values_only=True)))


def _merged(sheet: Any) -> list[tuple[int, int, int, int]]:
    """Return first row, last row, first and last column of what has its value in a row above, the last rows first.

    Raises TooLargeError for more of them than any clerk merges.
    """
    found: set[tuple[int, int, int, int]] = set()
    rest = b""
    with sheet._get_source() as part:
        while block := part.read(1 << 20):  # it stands behind all cells
            for one in _MERGE.findall(rest + block):
                left, top, right, bottom = range_boundaries(one.decode())
                if bottom > top and left <= MOST_COLUMNS:
                    found.add((top + 1, bottom, left, min(right, MOST_COLUMNS)))
            if len(found) > MOST_MERGED:
                raise TooLargeError(f"the sheet has more than {MOST_MERGED} merged ranges: split them")
            rest = (rest + block)[-_MERGE_BYTES:]
    return sorted(found, reverse=True)


def _marked(rows: Iterator[tables.Row], merged: list[tuple[int, int, int, int]]) -> Iterator[tables.Row]:
    """Yield rows with a mark in each cell whose value stands in a row above; a blank row stays one."""
    until: dict[int, int] = {}  # the last row of what each column is merged in; ranges may lie over each other
    for number, row in rows:
        while merged and merged[-1][0] <= number:
            _, bottom, left, right = merged.pop()
            for column in range(left, right + 1):
                until[column] = max(bottom, until.get(column, 0))
        if until:
            until = {column: last for column, last in until.items() if last >= number}
        if until and not isinstance(row, RecordError) and any(cell is not None for cell in row):
            cells = [*row, *[None] * (max(until) - len(row))]
            for column in until:
                if cells[column - 1] is None:
                    cells[column - 1] = _MERGED
            row = tuple(cells)
        yield number, row


def _next(rows: Iterator[tuple[int, Any]]) -> tuple[int, Any] | None:
    """Return the next row. openpyxl warns of a number that is marked as a date, and quotes it: somebody's telephone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return next(rows, None)


def _blank_is_none(cell: Any) -> Any:
    """Return a cell without blanks around it; Excel writes a carriage return as _x000D_."""
    return (unescape(cell).strip() or None) if isinstance(cell, str) else cell


class _Cells(WorkSheetParser):  # type: ignore[misc] # openpyxl has no types
    """openpyxl's reader of a sheet. A telephone with the format of a date or of hours stays one: no day has it.

    A short one, such as 12345, is a day by its number; its column tells (`columns`).
    """

    def parse_cell(self, element: Any) -> Any:
        cell = super().parse_cell(element)
        value = cell["value"]
        if value is None and _is_uncalculated(element):
            cell["value"] = _UNCALCULATED
        if isinstance(value, (datetime, timedelta)) and element.get("t", "n") == "n":
            cell["value"] = value = dated(value, _cast_number(element.findtext(VALUE_TAG)))
        is_beyond = cell["data_type"] == "e" or (isinstance(value, timedelta) and value.days > _LAST_DAY)
        if is_beyond and element.get("t", "n") == "n":
            cell["value"] = _cast_number(element.findtext(VALUE_TAG))
        return cell


def _is_uncalculated(element: Any) -> bool:
    """Tell a formula that no program has worked out from one whose result is an empty text."""
    if element.find(FORMULA_TAG) is None:
        return False
    return element.find(VALUE_TAG) is None or element.get("t") != "str"


class _Reader(ExcelReader):  # type: ignore[misc] # openpyxl has no types
    """openpyxl's reader in its streaming mode, with the strings on the disk: a million texts fill no memory."""

    def __init__(self, file: IO[bytes], strings: IO[bytes]) -> None:
        super().__init__(file, read_only=True, data_only=True, keep_links=False)
        self._strings = strings

    def read_manifest(self) -> None:
        """Look at the sizes before anything is unpacked: zipfile gives no more of a part than its size there."""
        for part in self.archive.infolist():
            if part.file_size > BOMB_BYTES and part.file_size > BOMB_RATIO * max(1, part.compress_size):
                raise MalformedError("a part of the workbook unpacks to hundreds of times its size: it is not a table")
        super().read_manifest()

    def read_chartsheet(self, sheet: Any, rel: Any) -> None:
        """Pass over a sheet that is a chart: openpyxl stumbles over some, and none holds a message."""

    def read_strings(self) -> None:
        """Write the table of strings down."""
        part = self.package.find(SHARED_STRINGS)
        if part is not None:
            with self.archive.open(part.PartName[1:]) as table:
                self.shared_strings = _Strings(table, self._strings)


class _Strings:
    """The strings of a workbook by number: an offset of eight bytes each, and the text in a file."""

    def __init__(self, table: IO[bytes], file: IO[bytes]) -> None:
        self._file = file
        self._ends = array("Q", [0])
        root: Any = None
        for event, node in iterparse(table, ["start", "end"]):
            root = node if root is None else root
            if event == "end" and node.tag == _STRING:
                self._keep(Text.from_tree(node).content)
                root.clear()
        file.flush()

    def _keep(self, text: str) -> None:
        data = text.encode("utf-8", "surrogatepass")
        self._file.write(data)
        self._ends.append(self._ends[-1] + len(data))

    def __getitem__(self, number: int) -> str:
        start, end = self._ends[number], self._ends[number + 1]
        return os.pread(self._file.fileno(), end - start, start).decode("utf-8", "surrogatepass")
