"""Profiles of time limits (办理时限) as data: one a place, each rule with its legal basis (`policies/deadlines/`)."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Literal

import msgspec
from msgspec import Struct

from schemas.errors import MisconfiguredError
from tickets.sla.calendar import Calendar


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One limit. Empty selectors select everything; of a profile's rules for one clock the first that fits is it.

    `unit` days end with the day (23:59:59 in Asia/Shanghai), hours and minutes to the second. `starts` says whether the
    day of receipt is day 1 (`at_receipt`) or the day after it (`next_day`). Of `kinds`, `unknown` is what has none yet;
    `categories` are beginnings of category codes; `emergency` selects tickets that tell of a danger that goes on.
    `by_clerk` rules are chosen by command alone. `extension_max` is in `unit`; in a status of `pauses` the clock
    stands. `sign` and `return` start anew with each dispatch.
    """

    id: str
    clock: Literal["accept", "sign", "first_contact", "resolve", "return"]
    amount: int
    unit: Literal["minutes", "hours", "natural_days", "working_days"]
    starts: Literal["at_receipt", "next_day"] = "next_day"
    legal_basis: str
    channels: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    categories: tuple[str, ...] = ()
    emergency: bool = False
    by_clerk: bool = False
    extension_max: int = 0
    pauses: frozenset[str] = frozenset()
    valid_from: date | None = None
    valid_to: date | None = None


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of a place. Of all `adcodes` the longest that begins a city's wins; none is the state's."""

    id: str
    name: str
    version: str
    adcodes: tuple[str, ...] = ()
    calendar: str = "cn"
    rules: tuple[Rule, ...]


_MOST: Mapping[str, int] = {"minutes": 5_256_000, "hours": 87_600, "natural_days": 3_650, "working_days": 2_500}
"""Ten years in each unit: there are moments that no calendar has."""


def profiles(tables: Mapping[str, Any], calendars: Mapping[str, Calendar]) -> dict[str, Profile]:
    """Return the profiles of these files by name.

    Raises MisconfiguredError for a file that is no profile, a calendar that is not there, an id that is used twice or
    a place that two profiles claim.
    """
    read = {name: _profile(name, table, calendars) for name, table in tables.items()}
    _once("rule", [rule.id for profile in read.values() for rule in profile.rules])
    places = [adcode for profile in read.values() for adcode in profile.adcodes or ("",)]
    _once("place", places)
    if "" not in places:
        raise MisconfiguredError("No deadline profile applies to the whole country: keep one without `adcodes`.")
    return read


def _profile(name: str, table: Any, calendars: Mapping[str, Calendar]) -> Profile:
    try:
        profile = msgspec.convert(table, Profile)
    except msgspec.ValidationError as error:
        raise MisconfiguredError(f"The deadlines in {name}.toml cannot be used: {error}.") from error
    if profile.calendar not in calendars:
        raise MisconfiguredError(f"The deadlines in {name}.toml use the unknown calendar {profile.calendar}.")
    for rule in profile.rules:
        if rule.amount < 1 or rule.extension_max < 0:
            raise MisconfiguredError(f"The rule {rule.id} in {name}.toml needs an amount of 1 or more.")
        if rule.amount + rule.extension_max > _MOST[rule.unit]:
            raise MisconfiguredError(f"The rule {rule.id} in {name}.toml grants more than ten years.")
        if rule.valid_from and rule.valid_to and rule.valid_to < rule.valid_from:
            raise MisconfiguredError(
                f"The rule {rule.id} in {name}.toml is never in force: its end is before its beginning."
            )
    return profile


def _once(what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise MisconfiguredError(
                f"Two entries of the deadlines apply to the {what} {value or '(the country)'}: keep one."
            )
        seen.add(value)
