"""Directories of dispatch (派单目录): who deals with what in a city, as data (`policies/dispatch/`)."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from schemas import enums
from schemas.errors import MisconfiguredError

_CITIES = 1_024
"""Adcodes whose directory is remembered."""


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who takes what; an empty selector fits everything. `categories` and `places` are beginnings of codes."""

    id: str
    organizers: tuple[str, ...]
    co_organizers: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()
    categories: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


class Directory(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, eq=False):
    """派单目录 of the cities whose adcode begins with one of `adcodes`; `dispatch/generic.toml` explains the fields.

    Each is equal to itself alone, so that answers about it can be remembered.
    """

    id: str
    name: str
    version: str
    adcodes: tuple[str, ...] = ()
    offices: Mapping[str, str]
    rules: tuple[Rule, ...]
    fallback: tuple[str, ...] = ()
    first_after_returns: int = 0
    inspection: str | None = None


class Directories:
    """Every directory, by the beginning of the adcodes that it is for."""

    def __init__(self, by_adcode: Mapping[str, Directory]) -> None:
        self._by_adcode = by_adcode
        self._of = lru_cache(_CITIES)(self._longest)

    def of(self, jurisdiction: str) -> Directory | None:
        """Return a city's directory, None without one."""
        return self._of(jurisdiction)

    def _longest(self, jurisdiction: str) -> Directory | None:
        beginnings = (jurisdiction[:length] for length in range(len(jurisdiction), -1, -1))
        return next((self._by_adcode[one] for one in beginnings if one in self._by_adcode), None)

    def name_of(self, jurisdiction: str, organizer: str | None) -> str | None:
        """Return an office's name by its code; None for one that the directory does not have."""
        directory = self.of(jurisdiction)
        return directory.offices.get(organizer or "") if directory else None


def directories(tables: Mapping[str, Any]) -> Directories:
    """Return the directories of these files (`policies.read("dispatch")`).

    Raises MisconfiguredError for a file that is none, an office without a name, and a place that two claim.
    """
    by_adcode: dict[str, Directory] = {}
    for name, table in tables.items():
        directory = _read(name, table)
        for adcode in directory.adcodes or ("",):
            if adcode in by_adcode:
                raise MisconfiguredError(
                    f"Two dispatch directories apply to {adcode or 'all cities without a directory'}: "
                    f"{by_adcode[adcode].id} and {directory.id}. Give one of them other `adcodes`."
                )
            by_adcode[adcode] = directory
    return Directories(by_adcode)


def _read(name: str, table: Any) -> Directory:
    try:
        directory = msgspec.convert(table, Directory)
    except msgspec.ValidationError as error:
        raise MisconfiguredError(f"The dispatch directory in {name}.toml cannot be used: {error}.") from error
    named = {one for rule in directory.rules for one in (*rule.organizers, *rule.co_organizers)}
    inspection = (directory.inspection,) if directory.inspection else ()
    unnamed = sorted({*named, *directory.fallback, *inspection} - {*directory.offices})
    if unnamed:
        raise MisconfiguredError(f"The directory in {name}.toml has no name in [offices] for {', '.join(unnamed)}.")
    strange = sorted({kind for rule in directory.rules for kind in rule.kinds} - {*enums.REQUEST_KINDS})
    if strange:
        raise MisconfiguredError(f"The directory in {name}.toml names unknown kinds: {', '.join(strange)}.")
    ids = [rule.id for rule in directory.rules]
    if twice := sorted({one for one in ids if ids.count(one) > 1}):
        raise MisconfiguredError(
            f"The directory in {name}.toml has several rules {', '.join(twice)}: keep one of each."
        )
    if idle := [rule.id for rule in directory.rules if not rule.organizers]:
        raise MisconfiguredError(f"The directory in {name}.toml has no responsible office in {', '.join(idle)}.")
    if directory.first_after_returns < 0:
        raise MisconfiguredError(f"`first_after_returns` in {name}.toml must be a number of returns, or 0 for never.")
    return directory
