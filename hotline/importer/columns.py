"""Columns of a table become fields of a neutral record: by what the operator says, else by known headers."""

import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

from msgspec import Struct

from hotline.importer import times
from hotline.importer.dated import DatedDay, DatedSpan
from normalizers.text.fold import nfkc
from schemas.errors import MalformedError, MisconfiguredError
from schemas.topics import CHANNELS

EXTRA = "extra"
"""The field of a column that shall stand under `extra`, although its header is known."""

_DATA = tomllib.loads(resources.files("hotline.importer").joinpath("columns.toml").read_text(encoding="utf-8"))


def folded(header: str) -> str:
    """Return a header without what exports decorate it with: width, case, blanks, stars and remarks in brackets."""
    text = nfkc(header).partition("(")[0]
    return "".join(text.split()).strip("*:_").lower()


SYNONYMS: Mapping[str, tuple[str, int]] = {
    folded(name): (field, rank) for field, names in _DATA["fields"].items() for rank, name in enumerate(names)
}
"""The field of a folded header, and how well it fits: 0 is best."""

FIELDS = (*_DATA["fields"], EXTRA)

_CHANNELS = {folded(word): channel for channel, words in _DATA["channels"].items() for word in words}


class Unread(Struct, frozen=True):
    """Stands for a cell whose value is not in it; `reason` goes on behind the name of its column."""

    reason: str

    def __str__(self) -> str:
        return ""


class Plan(Struct, frozen=True):
    """What becomes of the columns of one table: `fields` has one entry a column."""

    header: tuple[str, ...]
    fields: tuple[tuple[str, ...], ...]

    @property
    def has_words(self) -> bool:
        """Say whether a column holds what the citizen wrote."""
        return any("text" in fields for fields in self.fields)

    def record(self, cells: Sequence[Any], channel: str | None) -> dict[str, Any]:
        """Return the neutral record of one row; blank cells are absent, `channel` stands for a missing one.

        Raises MalformedError naming the column whose value the file does not hold.
        """
        record: dict[str, Any] = {}
        for name, fields, cell in zip(self.header, self.fields, cells, strict=False):
            if cell is None:
                continue
            if isinstance(cell, Unread):
                raise MalformedError(f"the column {name} {cell.reason}")
            for field in fields:
                _put(record, name, field, cell)
        if channel is not None:
            record.setdefault("channel", channel)
        if "text" not in record and "title" in record:
            record["text"] = ""  # a title alone is a message, too
        return record


class Columns(Struct, frozen=True):
    """The operator's own mapping, by folded header; each column may feed several fields."""

    chosen: Mapping[str, tuple[str, ...]] = {}

    def plan(self, header: Sequence[str]) -> Plan:
        """Return what becomes of the columns with these headers."""
        said = {index: fields for index, name in enumerate(header) if (fields := self.chosen.get(folded(name)))}
        taken = {field for fields in said.values() for field in fields}
        known = sorted(
            (rank, index, field)
            for index, name in enumerate(header)
            if index not in said
            for field, rank in [SYNONYMS.get(folded(name), (EXTRA, 0))]
        )
        for _, index, field in known:
            if field not in taken:
                said[index] = (field,)
                taken |= {field} - {EXTRA}
        return Plan(_unique(header), tuple(said.get(index, (EXTRA,)) for index in range(len(header))))

    def missing(self, header: Sequence[str]) -> list[str]:
        """Return the columns that the operator names and this header lacks."""
        there = {folded(name) for name in header}
        return [name for name in self.chosen if name not in there]


def columns_of(pairs: Iterable[str], file: Path | None = None) -> Columns:
    """Return the mapping of `COLUMN=FIELD` pairs and of a TOML file of `COLUMN = "FIELD"`; the pairs win.

    Raises MisconfiguredError for what is no pair, an unknown field or a file that cannot be read.
    """
    chosen: dict[str, tuple[str, ...]] = {}
    for column, fields in _of_file(file).items():
        chosen[folded(column)] = tuple(map(_checked, fields if isinstance(fields, list) else [fields]))
    named: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        column, sign, field = pair.rpartition("=")
        if not sign or not column:
            raise MisconfiguredError(f"{pair} is not a mapping: write COLUMN=FIELD, such as 正文=text.")
        named[folded(column)] = (*named.get(folded(column), ()), _checked(field.strip()))
    return Columns({**chosen, **named})


def _of_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise MisconfiguredError(
            f'{file} is not TOML with lines such as "正文" = "text" ({error}): correct it.'
        ) from error
    return found


def _checked(field: Any) -> str:
    if field not in FIELDS:
        raise MisconfiguredError(f"There is no field {field}: choose from {', '.join(FIELDS)}.")
    return str(field)


def _unique(header: Sequence[str]) -> tuple[str, ...]:
    """Return names that differ: cells without a header and headers that come twice have their column's number."""
    names: list[str] = []
    for number, name in enumerate(header, 1):
        text = " ".join(name.split())
        names.append(text if text and text not in names else f"{text or '列'} {number}")
    return tuple(names)


NUMBERS = frozenset(
    {"id", "account", "jurisdiction", "sender.value", "thread_id", "external_ticket_no", "hotline_code"}
)
"""Fields that are no day, whatever form the cell has."""

_NO_IDS = NUMBERS - {"id", "thread_id"}
_TEXT_MARKS = "'`"
"""By which exports keep a number as text; what names a message stays as it stands, or it would have two names."""

_POWER = re.compile(r"[0-9](\.[0-9]+)?E\+[0-9]{2}")
_LONG = 1e15
"""Excel keeps fifteen digits of a number."""


def _put(record: dict[str, Any], name: str, field: str, cell: Any) -> None:
    if field in NUMBERS:
        cell = _whole(name, cell.number if isinstance(cell, (DatedDay, DatedSpan)) else cell)
    if field in _NO_IDS and isinstance(cell, str):
        cell = cell.lstrip(_TEXT_MARKS)
    if field == "channel":
        channel = _CHANNELS.get(folded(str(cell)), str(cell))
        if channel not in CHANNELS:
            field = EXTRA  # a source that we have no channel for is kept, and refuses nothing
        cell = channel if field != EXTRA else cell
    if field == EXTRA:
        record[_free(record, name)] = cell if isinstance(cell, (str, bool, int)) else text_of(cell)
    elif field == "received_at":
        record[field] = times.readable(cell)
    elif field == "sender.value" and isinstance(cell, float) and math.isfinite(cell):
        record.setdefault("sender", {})["value"] = str(round(cell))  # nobody's number has a fraction
    elif field.startswith("sender."):
        record.setdefault("sender", {})[field.removeprefix("sender.")] = text_of(cell)
    else:
        record[field] = text_of(cell)


def _whole(name: str, cell: Any) -> Any:
    """Return a number with all its digits: 1.38E+10 is the telephone of many. Raises MalformedError without them."""
    is_lost = isinstance(cell, float) and abs(cell) >= _LONG
    if isinstance(cell, str) and _POWER.fullmatch(cell):
        number = Decimal(cell)
        is_lost, cell = int(number.as_tuple().exponent) > 0, str(int(number))
    if is_lost:
        raise MalformedError(
            f"the column {name} has lost the last digits of a number: save it as text, or map it to extra"
        )
    return cell


def _free(record: dict[str, Any], name: str) -> str:
    """Return a name under which an unmapped column is no field by accident."""
    return f"{name} (column)" if name in _NAMES or name in record else name


_NAMES = {field.partition(".")[0] for field in FIELDS} | {"attachments", "sender", EXTRA}


def text_of(cell: Any) -> str:
    """Return a cell as a person reads it: 13800000000, not 13800000000.0."""
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
