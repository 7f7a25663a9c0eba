"""Time limits of the places: which clocks, until when, and what pauses, extensions and new calendars do."""

from datetime import datetime, timedelta
from pathlib import Path

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalizers.rules import Rules
from schemas.enums import REQUEST_KINDS
from schemas.errors import MisconfiguredError
from schemas.ids import SHANGHAI
from tickets import policies
from tickets.sla.calendar import calendars
from tickets.sla.deadlines import Limits, Matter, limits

AT = datetime(2026, 2, 11, 15, 30, tzinfo=SHANGHAI)  # the Wednesday before Spring Festival


def ours(folder: Path | None = None) -> Limits:
    return limits(
        policies.read("deadlines", Rules.load(folder)), calendars(policies.read("calendars", Rules.load(folder)))
    )


LIMITS = ours()


def due(city: str, clock: str, at: datetime = AT, **matter: object) -> str | None:
    found = [one for one in LIMITS.of(city, Matter(**matter), at) if one.clock == clock]  # type: ignore[arg-type] # whatever a case names
    assert len(found) <= 1
    return found[0].due_at.astimezone(SHANGHAI).strftime("%m-%d %H:%M:%S") if found else None


@pytest.mark.parametrize(
    ("city", "matter", "clock", "until"),
    [
        ("210100", {"channel": "mailbox"}, "accept", "02-12 15:30:00"),
        ("210100", {"channel": "wechat"}, "accept", "02-11 15:33:00"),
        ("210100", {"channel": "wechat", "kind": "complaint"}, "resolve", None),
        ("110000", {"channel": "mailbox"}, "accept", "02-11 17:30:00"),
        ("110105", {"channel": "mailbox", "emergency": True}, "resolve", "02-11 17:30:00"),
        ("110000", {"category": "construction.utilities"}, "resolve", "02-12 15:30:00"),
        ("110000", {"kind": "complaint"}, "resolve", "02-18 23:59:59"),
        ("440100", {"kind": "consultation"}, "resolve", "02-12 23:59:59"),
        ("440300", {"kind": "help_request"}, "resolve", "03-02 23:59:59"),
        ("440300", {"kind": "suggestion"}, "resolve", "03-02 23:59:59"),
        ("440300", {"kind": "report"}, "resolve", "03-09 23:59:59"),
        ("440300", {"kind": "praise"}, "resolve", None),
        ("440300", {"kind": "other"}, "resolve", "02-12 23:59:59"),
        ("440300", {}, "resolve", "02-12 23:59:59"),
        ("370100", {"kind": "complaint"}, "resolve", "02-25 23:59:59"),
    ],
)
def test_each_place_has_its_own_limits(city: str, matter: dict[str, object], clock: str, until: str | None) -> None:
    assert due(city, clock, **matter) == until


@pytest.mark.parametrize("city", ["110000", "370100", "440100"])
def test_where_matters_have_a_limit_each_has_one_and_none_is_longer_for_want_of_a_kind(city: str) -> None:
    """Nobody waits for ever because no rule heard what kind of request it is; thanks alone ask for nothing."""
    limits_of = {kind: due(city, "resolve", kind=kind) for kind in {*REQUEST_KINDS, None} - {"praise"}}
    assert None not in limits_of.values()
    assert limits_of[None] == min(filter(None, limits_of.values()))


def test_a_receipt_on_a_day_off_counts_from_the_next_working_day() -> None:
    sunday = datetime(2026, 11, 22, 10, tzinfo=SHANGHAI)
    assert due("440100", "resolve", sunday, kind="consultation") == "11-24 23:59:59"


def test_a_rule_is_good_for_its_time_alone() -> None:
    assert due("440100", "resolve", datetime(2022, 8, 31, tzinfo=SHANGHAI), kind="consultation") is None
    assert due("440100", "resolve", datetime(2022, 9, 1, tzinfo=SHANGHAI), kind="consultation") == "09-02 23:59:59"


def test_beijing_has_no_limits_from_before_its_standard() -> None:
    before, since = datetime(2022, 12, 31, 12, tzinfo=SHANGHAI), datetime(2023, 1, 1, 12, tzinfo=SHANGHAI)
    for clock, channel in (("accept", "mailbox"), ("resolve", None)):
        assert due("110000", clock, before, channel=channel) is None
        assert due("110000", clock, since, channel=channel) is not None


def test_the_night_of_utc_is_the_next_day_of_china() -> None:
    late = datetime.fromisoformat("2026-11-22T16:30:00+00:00")  # Monday half past midnight there
    assert due("370100", "resolve", late) == "11-30 23:59:59"


@given(st.datetimes(datetime(2019, 1, 1), datetime(2026, 10, 1)).map(lambda at: at.replace(tzinfo=SHANGHAI)))
def test_five_working_days_are_five_by_chinesecalendar(at: datetime) -> None:
    (deadline,) = LIMITS.of("370100", Matter(), at)
    last = deadline.due_at.astimezone(SHANGHAI).date()
    days = (at.date() + timedelta(days=ahead) for ahead in range(1, (last - at.date()).days + 1))
    assert sum(map(chinese_calendar.is_workday, days)) == 5
    assert not deadline.provisional


def test_a_deadline_in_a_year_without_a_calendar_is_provisional_until_the_file_grows(tmp_path: Path) -> None:
    at = datetime(2026, 12, 28, tzinfo=SHANGHAI)
    before = LIMITS.by("shandong.resolve", at)
    assert before.provisional
    assert before.due_at.date().isoformat() == "2027-01-05"
    source = policies.OURS.joinpath("calendars", "cn.toml").read_text(encoding="utf-8")
    grown = source.replace('"2026.2"', '"2027.1"') + "\n[years.2027]\noff = [2027-01-01, 2027-01-04]\nworking = []\n"
    (tmp_path / "calendars").mkdir()
    (tmp_path / "calendars" / "cn.toml").write_text(grown, encoding="utf-8")
    after = ours(tmp_path).by(before.policy_id, at)
    assert (after.due_at.date().isoformat(), after.provisional, after.calendar_version) == (
        "2027-01-06", False, "2027.1",
    )  # fmt: skip


def test_hours_and_natural_days_are_never_provisional() -> None:
    at = datetime(2026, 12, 31, tzinfo=SHANGHAI)
    assert not any(one.provisional for one in LIMITS.of("110000", Matter(channel="mailbox"), at))


def test_an_extension_moves_the_deadline_and_keeps_the_former_one() -> None:
    deadline = LIMITS.by("shandong.resolve", AT)
    longer = LIMITS.extended(deadline, 10, AT)
    assert longer.extended_from == deadline.due_at
    assert longer.due_at.date().isoformat() == "2026-03-10"
    with pytest.raises(ValueError, match="10 working_days at most"):
        LIMITS.extended(longer, 1, AT)
    with pytest.raises(ValueError, match="0 natural_days at most"):
        LIMITS.extended(LIMITS.by("beijing.resolve", AT), 1, AT)


@pytest.fixture
def pausing(tmp_path: Path) -> Limits:
    (tmp_path / "deadlines").mkdir()
    (tmp_path / "deadlines" / "own.toml").write_text(
        """
id = "own"
name = "自定"
version = "1"
adcodes = ["5201"]

[[rules]]
id = "own.resolve"
clock = "resolve"
amount = 5
unit = "working_days"
pauses = ["supplement"]
legal_basis = "-"

[[rules]]
id = "own.sign"
clock = "sign"
amount = 8
unit = "hours"
pauses = ["supplement"]
legal_basis = "-"
""",
        encoding="utf-8",
    )
    return ours(tmp_path)


def test_what_was_left_when_a_clock_stopped_is_left_when_it_goes_on(pausing: Limits) -> None:
    resolve, sign = pausing.of("520100", Matter(), AT)
    assert pausing.pauses(resolve, "supplement")
    assert not pausing.pauses(resolve, "in_progress")
    stopped, goes_on = AT + timedelta(days=1), AT + timedelta(days=20)  # 02-12, one day used; 03-03
    again = pausing.resumed(resolve, stopped, goes_on)
    assert again.due_at.date().isoformat() == "2026-03-09"
    assert pausing.resumed(sign, AT + timedelta(hours=1), AT + timedelta(hours=3)).due_at == AT + timedelta(hours=10)


def test_a_clock_that_had_run_out_gets_no_time_from_a_pause(pausing: Limits) -> None:
    resolve, sign = pausing.of("520100", Matter(), AT)
    late = AT + timedelta(days=40)
    assert pausing.resumed(resolve, late, late + timedelta(days=9)).due_at == resolve.due_at
    assert pausing.resumed(sign, late, late + timedelta(days=9)).due_at == sign.due_at


def test_a_clock_stopped_on_its_last_day_ends_with_the_day_on_which_it_goes_on(pausing: Limits) -> None:
    resolve, _ = pausing.of("520100", Matter(), AT)
    saturday = datetime(2026, 3, 7, 9, tzinfo=SHANGHAI)
    again = pausing.resumed(resolve, resolve.due_at.replace(hour=9), saturday)
    assert again.due_at.date().isoformat() == "2026-03-09"


def test_the_longest_adcode_wins(pausing: Limits) -> None:
    assert [one.policy_id for one in pausing.of("520103", Matter(), AT)] == ["own.resolve", "own.sign"]
    assert pausing.of("520200", Matter(channel="mailbox"), AT)[0].policy_id == "national.accept.mailbox"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('unit = "working_days"', 'unit = "weeks"', "own.toml cannot be used"),
        ('adcodes = ["5201"]', 'adcodes = ["11"]', "the place 11"),
        ("own.resolve", "beijing.resolve", "the rule beijing.resolve"),
        ("amount = 5", "amount = 0", "amount of 1 or more"),
        ('version = "1"', 'version = "1"\ncalendar = "moon"', "the unknown calendar moon"),
        ("[[rules]]", "[[rules", "cannot be read"),
        pytest.param("amount = 5", f"amount = {'5' * 5_000}", "cannot be read", id="digits"),
    ],
)
def test_limits_that_cannot_be_used_are_named(pausing: Limits, tmp_path: Path, old: str, new: str, says: str) -> None:
    file = tmp_path / "deadlines" / "own.toml"
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(MisconfiguredError, match=says):
        ours(tmp_path)


def test_there_is_always_a_profile_of_the_state() -> None:
    with pytest.raises(MisconfiguredError, match="whole country"):
        limits({}, calendars(policies.read("calendars")))


def test_every_shipped_rule_says_where_it_comes_from() -> None:
    rules = [rule for table in policies.read("deadlines").values() for rule in table["rules"]]
    assert len(rules) >= 10
    assert all(len(rule["legal_basis"]) > 10 for rule in rules)
