"""Time limits (办理时限): which clocks a ticket has, and when each runs out, by the rules of its place."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from schemas.enums import UNKNOWN
from schemas.ids import SHANGHAI, date_of
from schemas.records import Features
from schemas.records.ticket import Deadline
from tickets.codes import by_kind, is_below
from tickets.sla.calendar import Calendar
from tickets.sla.profiles import Profile, Rule, profiles

_DAY = timedelta(days=1)
_LAST_SECOND = time(23, 59, 59)
_REMEMBERED = 4_096
"""Answers: the rules of a matter on a day, the end of a limit that starts on a day. Most messages ask them again."""

_EXACT = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1)}


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
    """Return True if the codes of one message tell of a danger that goes on."""
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
        profile, rules = self._rules_for(jurisdiction, matter, date_of(at))
        return tuple([self._due(rule, profile, at) for rule in rules])

    def by(self, policy_id: str, at: datetime, extension: int = 0) -> Deadline:
        """Return the deadline of one rule for a clock that starts at `at`. Raises KeyError without such a rule."""
        rule, profile = self._by_rule[policy_id]
        deadline = self._due(rule, profile, at)
        return self._longer(deadline, extension) if extension else deadline

    def knows(self, policy_id: str) -> bool:
        """Return True if there is a rule of this id."""
        return policy_id in self._by_rule

    def is_good_on(self, policy_id: str, at: datetime) -> bool:
        """Return True if there is a rule of this id that is in force then."""
        known = self._by_rule.get(policy_id)
        return known is not None and _is_in_force(known[0], date_of(at))

    def may_be_chosen(self, policy_id: str, jurisdiction: str, at: datetime) -> bool:
        """Return True if a person may choose a rule for a clock of a city: it is of its place, and in force then."""
        known = self._by_rule.get(policy_id)
        return known is not None and jurisdiction.startswith(known[1].adcodes or "") and self.is_good_on(policy_id, at)

    def is_of_others(self, policy_id: str, matter: Matter) -> bool:
        """Return True if a limit is for other kinds or categories than a matter's."""
        known = self._by_rule.get(policy_id)
        return known is not None and not _is_about(known[0], matter)

    def is_for_danger(self, policy_id: str) -> bool:
        """Return True if a limit is for tickets that tell of a danger that goes on."""
        known = self._by_rule.get(policy_id)
        return known is not None and known[0].emergency

    def goes_before(self, policy_id: str, other: str, matter: Matter) -> bool:
        """Return True if a rule for some channels still comes before another one, where no channel is known."""
        (rule, profile), (later, _) = self._by_rule.get(policy_id, self._by_rule[other]), self._by_rule[other]
        is_for_it = bool(rule.channels) and _is_about(rule, matter) and (not rule.emergency or matter.emergency)
        return is_for_it and later in profile.rules and profile.rules.index(rule) < profile.rules.index(later)

    def stamped(self, deadline: Deadline) -> Deadline:
        """Return a deadline with the version of the profile that has its rule; as it is without one."""
        known = self._by_rule.get(deadline.policy_id)
        return deadline if known is None else msgspec.structs.replace(deadline, profile_version=known[1].version)

    def knows_days_of(self, deadline: Deadline) -> bool:
        """Return True if the calendar of a deadline's rule has the year in which it runs out."""
        known = self._by_rule.get(deadline.policy_id)
        return known is not None and self._calendars[known[1].calendar].knows(date_of(deadline.due_at).year)

    def pauses(self, deadline: Deadline, status: str) -> bool:
        """Return True if a deadline's clock stands in a status."""
        known = self._by_rule.get(deadline.policy_id)
        return known is not None and status in known[0].pauses

    def resumed(self, deadline: Deadline, paused_at: datetime, at: datetime) -> Deadline:
        """Return a deadline whose clock stood from `paused_at` to `at`: what was left then is left now."""
        rule, profile = self._by_rule[deadline.policy_id]
        calendar = self._calendars[profile.calendar]
        deadline = self.stamped(deadline)
        if rule.unit in _EXACT or deadline.due_at <= paused_at:
            return _moved(deadline, deadline.due_at + (at - paused_at if deadline.due_at > paused_at else timedelta()))
        left = _days_left(rule, calendar, date_of(paused_at), date_of(deadline.due_at))
        return _moved(deadline, _last_moment(_later(rule, calendar, date_of(at), left)), _counting(rule, calendar))

    def start_of(self, deadline: Deadline, former: Deadline, start: datetime, extension: int = 0) -> datetime:
        """Return the start from which a clock that stood is counted now: it ran out at `former`, and now at `deadline`.

        Counted from there, the time in which it stood is none of its limit's; `start` was its own.
        """
        rule, profile = self._by_rule[deadline.policy_id]
        if rule.unit != "working_days":
            return start + (deadline.due_at - former.due_at)
        calendar = self._calendars[profile.calendar]
        before = calendar.days_before(date_of(deadline.due_at), rule.amount + extension)
        first = before if rule.starts == "next_day" else before + _DAY
        return start + (first - date_of(start))

    def extended(self, deadline: Deadline, amount: int, start: datetime) -> Deadline:
        """Return a deadline with `amount` of its unit more; `start` is when the clock began.

        Raises ValueError when the rule does not allow so much, counted from the limit without any extension.
        """
        known = self._by_rule.get(deadline.policy_id)
        if known is None:
            raise ValueError(f"the limit {deadline.policy_id} is not one of the policies: set the time itself")
        rule = known[0]
        longest = self.by(rule.id, start, rule.extension_max)
        is_fit = 1 <= amount <= rule.extension_max and deadline.due_at < longest.due_at
        longer = self._longer(deadline, amount) if is_fit else longest
        if not is_fit or longer.due_at > longest.due_at:
            raise ValueError(f"{rule.id} can be extended by {rule.extension_max} {rule.unit} at most")
        return longer

    def _longer(self, deadline: Deadline, amount: int) -> Deadline:
        rule, profile = self._by_rule[deadline.policy_id]
        calendar = self._calendars[profile.calendar]
        due_at = _further(rule, calendar, deadline.due_at, amount)
        return _moved(self.stamped(deadline), due_at, _counting(rule, calendar), extended_from=deadline.due_at)

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
            return Deadline(
                clock=rule.clock,
                due_at=due_at,
                policy_id=rule.id,
                calendar_version=version,
                profile_version=profile.version,
            )
        return self._end_of(rule.id, date_of(at))

    def _last_day(self, rule_id: str, day: date) -> Deadline:
        """Return the deadline of a limit in days for a clock that starts on a day."""
        rule, profile = self._by_rule[rule_id]
        calendar = self._calendars[profile.calendar]
        first = day if rule.starts == "next_day" else day - _DAY
        due_at = _last_moment(_later(rule, calendar, first, rule.amount))
        counting = _counting(rule, calendar)
        return Deadline(
            clock=rule.clock,
            due_at=due_at,
            policy_id=rule.id,
            calendar_version=calendar.version,
            profile_version=profile.version,
            provisional=counting is not None
            and not (counting.knows(day.year) and counting.knows(date_of(due_at).year)),
        )


def limits(tables: Mapping[str, Any], calendars: Mapping[str, Calendar]) -> Limits:
    """Return the limits of these files (`policies.read("deadlines")`). Raises MisconfiguredError as `profiles` does."""
    return Limits(profiles(tables, calendars), calendars)


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
        and _is_in_force(rule, day)
    )


def _is_in_force(rule: Rule, day: date) -> bool:
    return (rule.valid_from is None or rule.valid_from <= day) and (rule.valid_to is None or day <= rule.valid_to)


def _is_about(rule: Rule, matter: Matter) -> bool:
    return (not rule.kinds or (matter.kind or UNKNOWN) in rule.kinds) and (
        not rule.categories or any(is_below(matter.category, one) for one in rule.categories)
    )


def _later(rule: Rule, calendar: Calendar, day: date, amount: int) -> date:
    """Return the day `amount` days after `day`; 0 stays on it, or on the next working day."""
    if rule.unit == "natural_days":
        return day + amount * _DAY
    if amount == 0:
        return day if calendar.is_working(day) else calendar.working_day(day, 1)
    return calendar.working_day(day, amount)


def _counting(rule: Rule, calendar: Calendar) -> Calendar | None:
    """Return the calendar that a limit counts by; hours and natural days need none."""
    return calendar if rule.unit == "working_days" else None


def _days_left(rule: Rule, calendar: Calendar, day: date, due: date) -> int:
    return (due - day).days if rule.unit == "natural_days" else calendar.working_days(day, due)


def _further(rule: Rule, calendar: Calendar, due_at: datetime, amount: int) -> datetime:
    if rule.unit in _EXACT:
        return due_at + amount * _EXACT[rule.unit]
    return _last_moment(_later(rule, calendar, date_of(due_at), amount))


def _moved(
    deadline: Deadline, due_at: datetime, calendar: Calendar | None = None, extended_from: datetime | None = None
) -> Deadline:
    """Return the deadline at another time; counted in working days it is provisional where the calendar ends.

    What was provisional stays so until it is reckoned anew: it was counted by a calendar that had an end.
    """
    return msgspec.structs.replace(
        deadline,
        due_at=due_at,
        calendar_version=calendar.version if calendar else deadline.calendar_version,
        provisional=deadline.provisional or (calendar is not None and not calendar.knows(date_of(due_at).year)),
        extended_from=extended_from or deadline.extended_from,
    )


def _last_moment(day: date) -> datetime:
    return datetime.combine(day, _LAST_SECOND, SHANGHAI)
