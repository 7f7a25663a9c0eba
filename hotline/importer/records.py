"""Neutral records, one JSON object a line; objects with other names for the fields are mapped as tables are."""

from collections.abc import Iterator
from typing import Any

import msgspec
from pydantic import SecretStr

from connectors.message_id import digest_of
from hotline.importer.columns import Plan
from hotline.importer.item import Item, Options
from hotline.importer.lines import numbered
from hotline.importer.sources import Source
from normalizers import record
from normalizers.parse.codes import names_a_person
from schemas.errors import MalformedError, RecordError, TooLargeError
from schemas.records.raw import SIZE_LIMIT


def read(source: Source, options: Options) -> Iterator[Item]:
    """Yield one item a line; blank lines are none."""
    mapped = _Mapped(source.name, options)
    with source.open() as file:
        for number, line in numbered(file):
            data = line.removeprefix(b"\xef\xbb\xbf").strip() if line is not None else b"-"
            if line is None:
                fault = TooLargeError(f"the line is larger than {SIZE_LIMIT >> 20} MiB")
                yield Item(place=source.name, line=number, fault=fault)
            elif data:
                yield item(source, number, data, mapped)


def item(source: Source, number: int, data: bytes, mapped: "_Mapped") -> Item:
    """Return the item of one line."""
    try:
        fields = record.parse(data)
        written = mapped.written(fields)
    except RecordError as error:
        return Item(place=source.name, line=number, fault=error)
    except (RecursionError, msgspec.EncodeError, UnicodeEncodeError):
        return Item(place=source.name, line=number, fault=MalformedError("the object cannot be written as JSON"))
    if not any(_says(written.get(name)) for name in ("text", "title", "attachments")):
        return Item(
            place=source.name, line=number, fault=MalformedError("the record has neither text, title nor files")
        )
    return Item(
        place=source.name,
        line=number,
        data=data if written is fields else msgspec.json.encode(written),
        identifier=identifier_of(written, mapped.naming_key) or digest_of(data, mapped.naming_key),
        folder=source.path.parent,
    )


def _says(value: object) -> bool:
    """Say whether there is anything in a field: blanks are nothing, as in a table."""
    return bool(value.strip() if isinstance(value, str) else value)


def identifier_of(fields: dict[str, Any], key: SecretStr | None) -> str | None:
    """Return the `id` of a record as text; None without one that names anything.

    One that is a citizen's number or address stands under the key: tickets' ids come of it, and all could be tried.
    """
    value = fields.get("id")
    told = str(value) if type(value) in (str, int, float) else ""
    if key is not None and names_a_person(told):
        return digest_of(told.encode(errors="surrogatepass"), key)
    return told or None


class _Mapped:
    """Maps objects by their names; those of one export have the same ones, so each set is looked up once."""

    def __init__(self, place: str, options: Options) -> None:
        self._place = place
        self.naming_key = options.naming_key
        self._options = options
        self._plans: dict[tuple[str, ...], Plan] = {}

    def written(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the record to publish: the object itself where it is a neutral record already."""
        if "text" in fields and not self._options.columns.chosen:
            channel = self._options.channel
            return fields if channel is None or fields.get("channel") else {**fields, "channel": channel}
        names = tuple(fields)
        if names not in self._plans:
            if len(self._plans) > 1000:
                self._plans.clear()  # names that are never the same twice must not fill the memory
            self._plans[names] = self._options.columns.plan(names)
            self._options.heard(self._place, self._plans[names], "objects that are not neutral records")
        nested = {name: value for name, value in fields.items() if isinstance(value, (dict, list))}
        plain = [None if name in nested or value == "" else value for name, value in fields.items()]
        return self._plans[names].record(plain, self._options.channel) | nested
