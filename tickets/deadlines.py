"""Time limits (办理时限): which clocks a ticket has, and when each runs out, by the rules of its place."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Literal

import msgspec
from msgspec import Struct

from schemas.errors import MisconfiguredError
from schemas.ids import SHANGHAI
from schemas.records import Features
from schemas.records.ticket import Deadline
from tickets.calendars import Calendar
from tickets.codes import by_kind

_DAY = timedelta(days=1)
_LAST_SECOND = time(23, 59, 59)
_REMEMBERED = 4_096
"""Answers: the rules of a matter on a day, the end of a limit that starts on a day. Most messages ask them again."""

_EXACT = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1)}


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One limit. Empty selectors select everything; of a profile's rules for one clock the first that fits is it.

    `unit` days end with the day (23:59:59 in Asia/Shanghai), hours and minutes to the second. `starts` says whether the
    day of receipt is day 1 (`at_receipt`) or the day after it (`next_day`). `categories` are beginnings of category
    codes; `emergency` selects tickets that tell of a danger that goes on. `by_clerk` rules are chosen by command alone.
    `extension_max` is in `unit`; in a status of `pauses` the clock stands.
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
    """The limits of a place (B4). Of all `adcodes` the longest that begins a city's wins; none is the state's."""

    id: str
    name: str
    version: str
    adcodes: tuple[str, ...] = ()
    calendar: str = "cn"
    rules: tuple[Rule, ...]


class Matter(Struct, frozen=True, kw_only=True):
    """What the choice of a limit looks at."""

    channel: str | None = None
    kind: str | None = None
    category: str | None = None
    emergency: bool = False


_NO_DANGER = "mentioned"


def matter_of(features: Features, channel: str | None = None) -> Matter:
    """Return what the choice of a limit looks at, from a message's features."""
    return _matter(features.codes, channel)


@lru_cache(_REMEMBERED)
def _matter(codes: tuple[str, ...], channel: str | None) -> Matter:
    coded = by_kind(codes)
    kind, category = coded.get("request_kind"), coded.get("category")
    return Matter(channel=channel, kind=kind, category=category, emergency=endangers(codes))


def endangers(codes: tuple[str, ...]) -> bool:
    """Say whether the codes of one message tell of a danger that goes on."""
    coded = by_kind(codes)
    return "emergency" in coded and coded.get("emergency_level") != _NO_DANGER


class Limits:
    """Every profile with its calendar."""

    def __init__(self, profiles: Mapping[str, Profile], calendars: Mapping[str, Calendar]) -> None:
        self._calendars = calendars
        self._by_adcode = {adcode: profile for profile in profiles.values() for adcode in profile.adcodes or ("",)}
        self._by_rule = {rule.id: (rule, profile) for profile in profiles.values() for rule in profile.rules}
        self._rules_for = lru_cache(_REMEMBERED)(self._choose)
        self._end_of = lru_cache(_REMEMBERED)(self._last_day)

    def of(self, jurisdiction: str, matter: Matter, at: datetime) -> tuple[Deadline, ...]:
        """Return a deadline for each clock that the city's profile has for a matter received at `at`."""
        profile, rules = self._rules_for(jurisdiction, matter, _day(at))
        return tuple([self._due(rule, profile, at) for rule in rules])

    def by(self, policy_id: str, at: datetime, extension: int = 0) -> Deadline:
        """Return the deadline of one rule for a clock that starts at `at`. Raises KeyError without such a rule."""
        rule, profile = self._by_rule[policy_id]
        deadline = self._due(rule, profile, at)
        return self._longer(deadline, extension) if extension else deadline

    def knows(self, policy_id: str) -> bool:
        """Say whether there is a rule of this id."""
        return policy_id in self._by_rule

    def is_of_others(self, policy_id: str, matter: Matter) -> bool:
        """Say whether a limit is for other kinds or categories than a matter's."""
        known = self._by_rule.get(policy_id)
        return known is not None and not _is_about(known[0], matter)

    def pauses(self, deadline: Deadline, status: str) -> bool:
        """Say whether a deadline's clock stands in a status."""
        known = self._by_rule.get(deadline.policy_id)
        return known is not None and status in known[0].pauses

    def resumed(self, deadline: Deadline, paused_at: datetime, at: datetime) -> Deadline:
        """Return a deadline whose clock stood from `paused_at` to `at`: what was left then is left now."""
        rule, profile = self._by_rule[deadline.policy_id]
        calendar = self._calendars[profile.calendar]
        if rule.unit in _EXACT or deadline.due_at <= paused_at:
            return _moved(deadline, deadline.due_at + (at - paused_at if deadline.due_at > paused_at else timedelta()))
        left = _days_left(rule, calendar, _day(paused_at), _day(deadline.due_at))
        return _moved(deadline, _last_moment(_later(rule, calendar, _day(at), left)), calendar)

    def extended(self, deadline: Deadline, amount: int, start: datetime) -> Deadline:
        """Return a deadline with `amount` of its unit more; `start` is when the clock began.

        Raises ValueError when the rule does not allow so much, counted from the limit without any extension.
        """
        known = self._by_rule.get(deadline.policy_id)
        if known is None:
            raise ValueError(f"the limit {deadline.policy_id} is not one of the policies: set the time itself")
        rule = known[0]
        longer, longest = self._longer(deadline, amount), self.by(rule.id, start, rule.extension_max)
        if amount < 1 or longer.due_at > longest.due_at:
            raise ValueError(f"{rule.id} can be extended by {rule.extension_max} {rule.unit} at most")
        return longer

    def _longer(self, deadline: Deadline, amount: int) -> Deadline:
        rule, profile = self._by_rule[deadline.policy_id]
        calendar = self._calendars[profile.calendar]
        due_at = _further(rule, calendar, deadline.due_at, amount)
        return _moved(deadline, due_at, calendar, extended_from=deadline.due_at)

    def _choose(self, jurisdiction: str, matter: Matter, day: date) -> tuple[Profile, tuple[Rule, ...]]:
        profile = self._profile(jurisdiction)
        return profile, tuple(_chosen(profile, matter, day))

    def _profile(self, jurisdiction: str) -> Profile:
        beginnings = (jurisdiction[:length] for length in range(len(jurisdiction), -1, -1))
        return next(self._by_adcode[one] for one in beginnings if one in self._by_adcode)

    def _due(self, rule: Rule, profile: Profile, at: datetime) -> Deadline:
        if rule.unit in _EXACT:
            version = self._calendars[profile.calendar].version
            due_at = at + rule.amount * _EXACT[rule.unit]
            return Deadline(clock=rule.clock, due_at=due_at, policy_id=rule.id, calendar_version=version)
        return self._end_of(rule.id, _day(at))

    def _last_day(self, rule_id: str, day: date) -> Deadline:
        """Return the deadline of a limit in days for a clock that starts on a day."""
        rule, profile = self._by_rule[rule_id]
        calendar = self._calendars[profile.calendar]
        first = day if rule.starts == "next_day" else day - _DAY
        due_at = _last_moment(_later(rule, calendar, first, rule.amount))
        made = Deadline(clock=rule.clock, due_at=due_at, policy_id=rule.id, calendar_version=calendar.version)
        return _moved(made, due_at, calendar if rule.unit == "working_days" else None)


def limits(profiles: Mapping[str, Any], calendars: Mapping[str, Calendar]) -> Limits:
    """Return the limits of these files (`policies.read("deadlines")`).

    Raises MisconfiguredError for a file that is no profile, a calendar that is not there, an id that is used twice or
    a place that two profiles claim.
    """
    read = {name: _profile(name, table, calendars) for name, table in profiles.items()}
    _once("rule", [rule.id for profile in read.values() for rule in profile.rules])
    places = [adcode for profile in read.values() for adcode in profile.adcodes or ("",)]
    _once("place", places)
    if "" not in places:
        raise MisconfiguredError("No profile of deadlines is for the whole state: keep one without `adcodes`.")
    return Limits(read, calendars)


def _profile(name: str, table: Any, calendars: Mapping[str, Calendar]) -> Profile:
    try:
        profile = msgspec.convert(table, Profile)
    except msgspec.ValidationError as error:
        raise MisconfiguredError(f"The deadlines in {name}.toml cannot be used: {error}.") from error
    if profile.calendar not in calendars:
        raise MisconfiguredError(f"The deadlines in {name}.toml count by a calendar {profile.calendar}: there is none.")
    for rule in profile.rules:
        if rule.amount < 1 or rule.extension_max < 0:
            raise MisconfiguredError(f"The rule {rule.id} in {name}.toml needs an amount of 1 or more.")
    return profile


def _once(what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise MisconfiguredError(
                f"Two entries of the deadlines are for the {what} {value or '(the state)'}: keep one."
            )
        seen.add(value)


def _chosen(profile: Profile, matter: Matter, day: date) -> Iterator[Rule]:
    """Yield for each clock the first rule that fits."""
    clocks: set[str] = set()
    for rule in profile.rules:
        if rule.clock not in clocks and _fits(rule, matter, day):
            clocks.add(rule.clock)
            yield rule


def _fits(rule: Rule, matter: Matter, day: date) -> bool:
    return (
        not rule.by_clerk
        and (not rule.channels or matter.channel in rule.channels)
        and _is_about(rule, matter)
        and (not rule.emergency or matter.emergency)
        and (rule.valid_from is None or rule.valid_from <= day)
        and (rule.valid_to is None or day <= rule.valid_to)
    )


def _is_about(rule: Rule, matter: Matter) -> bool:
    return (not rule.kinds or matter.kind in rule.kinds) and (
        not rule.categories or (matter.category or "").startswith(rule.categories)
    )


def _later(rule: Rule, calendar: Calendar, day: date, amount: int) -> date:
    """Return the day `amount` days after `day`; 0 stays on it, or on the next working day."""
    if rule.unit == "natural_days":
        return day + amount * _DAY
    if amount == 0:
        return day if calendar.is_working(day) else calendar.working_day(day, 1)
    return calendar.working_day(day, amount)


def _days_left(rule: Rule, calendar: Calendar, day: date, due: date) -> int:
    return (due - day).days if rule.unit == "natural_days" else calendar.working_days(day, due)


def _further(rule: Rule, calendar: Calendar, due_at: datetime, amount: int) -> datetime:
    if rule.unit in _EXACT:
        return due_at + amount * _EXACT[rule.unit]
    return _last_moment(_later(rule, calendar, _day(due_at), amount))


def _moved(
    deadline: Deadline, due_at: datetime, calendar: Calendar | None = None, extended_from: datetime | None = None
) -> Deadline:
    """Return the deadline at another time; counted in working days it is provisional where the calendar ends."""
    return msgspec.structs.replace(
        deadline,
        due_at=due_at,
        calendar_version=calendar.version if calendar else deadline.calendar_version,
        provisional=not calendar.knows(_day(due_at).year) if calendar else deadline.provisional,
        extended_from=extended_from or deadline.extended_from,
    )


def _day(at: datetime) -> date:
    return at.astimezone(SHANGHAI).date()


def _last_moment(day: date) -> datetime:
    return datetime.combine(day, _LAST_SECOND, SHANGHAI)
