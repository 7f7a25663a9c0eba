"""`hotline deadlines`: what is overdue, and which provisional deadlines the calendar of today can settle."""

from pathlib import Path

from msgspec.structs import replace

from hotline.cli.deadlines import lines_of, provisional
from schemas.records.dispatch import Dispatch
from tests.tickets.build import START
from tests.tickets.test_deadlines import ours
from tests.tickets.test_overdue import LATER, LIMITS, a_ticket, due
from tickets import policies


def test_a_line_says_what_is_overdue_since_when_and_who_has_it() -> None:
    late = a_ticket(status="dispatched", deadlines=(due("sign"),), dispatch=Dispatch(organizer_code="water"))
    (line,) = lines_of(late, LIMITS, LATER)
    assert line == {
        "due_at": "2026-11-26T09:00:00+08:00",
        "clock": "sign",
        "status": "dispatched",
        "organizer": "water",
        "ticket_no": late.ticket_no,
        "ticket_id": late.ticket_id,
    }
    assert not list(lines_of(late, LIMITS, START))


def test_a_provisional_deadline_can_be_reckoned_anew_when_its_year_is_known(tmp_path: Path) -> None:
    next_year = replace(due("resolve", 40, "shandong.resolve"), provisional=True)
    waits = a_ticket(status="in_progress", deadlines=(due("accept"), next_year))
    assert list(provisional(waits, LIMITS)) == [(waits.ticket_id, "resolve", False)]
    source = policies.OURS.joinpath("calendars", "cn.toml").read_text(encoding="utf-8")
    (tmp_path / "calendars").mkdir()
    (tmp_path / "calendars" / "cn.toml").write_text(f"{source}\n[years.2027]\noff = []\n", encoding="utf-8")
    assert list(provisional(waits, ours(tmp_path))) == [(waits.ticket_id, "resolve", True)]
    assert not list(provisional(replace(waits, status="resolved"), ours(tmp_path)))
    gone = replace(waits, deadlines=(replace(next_year, policy_id="of.old"),))
    assert list(provisional(gone, ours(tmp_path))) == [(waits.ticket_id, "resolve", False)]
