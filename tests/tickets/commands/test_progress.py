"""A ticket goes its way stage by stage (`tickets/lifecycle.py`), its snapshot tells it, and a clerk's word stays."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import UNSET

from schemas import topics
from schemas.codec import decode, encode
from schemas.records import Event, Finding, Ticket, event
from schemas.records.dispatch import Dispatch, DispatchReturn
from schemas.records.ticket import Acceptance
from tests.rows import each_row
from tests.tickets.build import CITY, START, message
from tests.tickets.commands.orders import POLICY, Office, office, refusal, same
from tickets import lifecycle
from tickets.lifecycle import NEXT, STATUSES
from tickets.reducers import amend, fold
from tickets.reducers.base import Occasion

WAY = ["screened", "registered"]


def on_its_way(*stages: str) -> tuple[Office, str]:
    at_office, (ticket,) = office()
    for stage in stages:
        assert refusal(at_office.order("set_status", ticket, status=stage)) is None
    return at_office, ticket


def test_the_table_of_stages_is_whole() -> None:
    assert set(NEXT) == set(STATUSES)
    assert set().union(*NEXT.values()) == set(STATUSES) - {"received"}
    assert set(STATUSES) >= lifecycle.CLOSED | lifecycle.WITH_AN_ORGANIZER


@each_row("following", STATUSES)
def test_only_the_next_stages_follow(following: str) -> None:
    at_office, ticket = on_its_way("registered")
    refused = refusal(at_office.order("set_status", ticket, status=following, reason_code="military"))
    assert (refused is None) == (following in {"answered", "not_accepted"})
    assert refused in (None, "illegal_transition")
    assert at_office.ticket(ticket).status == ("registered" if refused else following)


def test_a_whole_life() -> None:
    at_office, ticket = on_its_way(*WAY)
    assert at_office.ticket(ticket).acceptance.decision == "accepted"
    dispatched = at_office.order(
        "dispatch", ticket, organizer="water-bureau", organizer_name="市水务局", co_organizers=["street-3"]
    )
    at_office.order("return_dispatch", ticket, reason_code="not_responsible")
    at_office.order("dispatch", ticket, organizer="city-management")
    for stage in ("signed", "in_progress"):
        at_office.order("set_status", ticket, status=stage)
    at_office.order("supervise", ticket, level="key_supervision", number="DB-7")
    at_office.order("set_status", ticket, status="resolved", result_kind="resolved", result_text="李师傅已修好")
    closed = at_office.ticket(ticket)
    assert closed.closed_at == closed.status_at == closed.updated_at
    at_office.order("revisit", ticket, contacted=True, resolved=True, satisfied=False)
    at_office.order("revisit", ticket, contacted=True, resolved=True, satisfied=True)
    done = at_office.ticket(ticket)
    assert not [one for one in at_office.decisions if refusal(one)]
    assert (done.status, done.version) == ("revisited", len(at_office.decisions))
    assert done.closed_at == closed.closed_at
    assert [step.status for step in done.history] == [
        "screened", "registered", "dispatched", "returned", "redispatched", "signed", "in_progress", "supervised",
        "resolved", "revisited",
    ]  # fmt: skip
    assert done.history[-1].at == done.status_at
    assert [(one.level, one.number) for one in done.supervision] == [("key_supervision", "DB-7")]
    assert [one.satisfied for one in done.revisits] == [False, True]
    assert done.dispatch is not UNSET
    assert done.dispatch.organizer_code == "city-management"
    assert [one.reason_code for one in done.dispatch.returns] == ["not_responsible"]
    assert done.result is not None
    assert done.result.text == "李师傅已修好"
    log = b"".join(map(encode, at_office.decisions)).decode()
    assert "李师傅" not in log
    assert "水务局" not in log
    assert [type(one).__name__ for one in dispatched.changes] == ["Dispatched", "StatusSet"]


def test_stages_that_are_decided_at_one_go_are_one_snapshot_which_tells_them_all() -> None:
    at_office, ticket = on_its_way("registered")
    at_office.desk.flush()
    stages = ("answered", "resolved", "revisited")
    for stage in stages:
        at_office.order("set_status", ticket, status=stage)
    written = [
        one for one in at_office.desk.flush() if one.topic in (topics.TICKET, topics.TICKET_MASKED, topics.EVENT)
    ]
    assert [one.topic for one in written] == [*[topics.EVENT] * 3, topics.TICKET, topics.TICKET_MASKED]
    for record in written[-2:]:
        told = decode(record.value, Ticket)
        assert (told.version, tuple(step.status for step in told.history)) == (5, ("registered", *stages))


def test_a_history_without_end_keeps_its_beginning_and_its_newest_stages() -> None:
    at_office, ticket = on_its_way("registered", "answered", "resolved")
    for _ in range(20):
        at_office.order("set_status", ticket, status="reopened")
        at_office.order("set_status", ticket, status="resolved")
    history = at_office.ticket(ticket).history
    assert len(history) == POLICY.max_history
    assert [step.status for step in history[:3]] == ["registered", "answered", "resolved"]
    assert (history[-1].status, history[-1].at) == ("resolved", at_office.ticket(ticket).status_at)


def test_a_citizen_s_reply_to_a_closed_ticket_is_a_stage_of_it() -> None:
    at_office, ticket = on_its_way("registered", "answered", "resolved")
    at_office.take(message(7, "还是没有修好", sender="13800138000", answers=(f"{CITY}-0",)))
    at_office.desk.flush()
    assert at_office.ticket(ticket).status == "reopened"
    assert [step.status for step in at_office.ticket(ticket).history][-2:] == ["resolved", "reopened"]


def test_a_ticket_that_came_back_is_redispatched() -> None:
    at_office, ticket = on_its_way("registered")
    at_office.order("dispatch", ticket, organizer="a")
    at_office.order("return_dispatch", ticket, reason_code="not_responsible")
    assert refusal(at_office.order("set_status", ticket, status="redispatched")) == "illegal_transition"
    at_office.order("dispatch", ticket, organizer="b")
    assert at_office.ticket(ticket).status == "redispatched"


def test_supervision_reaches_an_organizer_and_keeps_the_stage_where_b3_has_none() -> None:
    at_office, ticket = on_its_way("registered")
    assert refusal(at_office.order("supervise", ticket)) == "illegal_transition"
    at_office.order("dispatch", ticket, organizer="a")
    at_office.order("supervise", ticket, level="reminder")
    assert at_office.ticket(ticket).status == "dispatched"
    assert len(at_office.ticket(ticket).supervision) == 1


def why(decision: Event) -> str:
    (refused,) = decision.changes
    assert isinstance(refused, event.CommandRefused)
    return refused.reason


def test_who_has_a_ticket_is_named_by_dispatch() -> None:
    at_office, ticket = on_its_way("registered")
    assert "dispatch names one" in why(at_office.order("set_status", ticket, status="dispatched"))
    for stage in ("answered", "resolved", "reopened"):
        at_office.order("set_status", ticket, status=stage)
    assert "dispatch names one" in why(at_office.order("set_status", ticket, status="in_progress"))
    assert refusal(at_office.order("dispatch", ticket, organizer="a")) is None
    for stage in ("signed", "in_progress", "resolved", "reopened", "in_progress"):
        assert refusal(at_office.order("set_status", ticket, status=stage)) is None
    assert refusal(at_office.order("supervise", ticket)) is None


def test_a_ticket_of_an_older_log_that_nobody_is_known_to_have_goes_on_and_cannot_be_pressed() -> None:
    at_office, ticket = on_its_way("registered")
    at_office.desk.state.tickets[ticket].status = "dispatched"
    assert "dispatch it" in why(at_office.order("supervise", ticket))
    assert refusal(at_office.order("set_status", ticket, status="signed")) is None
    assert refusal(at_office.order("return_dispatch", ticket, reason_code="not_responsible")) is None
    assert refusal(at_office.order("dispatch", ticket, organizer="a")) is None


def test_more_time_is_granted_by_set_deadline_which_sets_the_stage() -> None:
    at_office, ticket = on_its_way("registered")
    at_office.order("dispatch", ticket, organizer="a")
    for stage in ("signed", "in_progress"):
        at_office.order("set_status", ticket, status=stage)
    assert "set_deadline" in why(at_office.order("set_status", ticket, status="extended"))
    first = datetime(2026, 12, 1, tzinfo=UTC)
    for due, stage in ((first, "in_progress"), (first + timedelta(days=7), "extended"), (first, "extended")):
        assert refusal(at_office.order("set_deadline", ticket, clock="resolve", due_at=due.isoformat())) is None
        assert at_office.ticket(ticket).status == stage


@pytest.mark.parametrize("clock", ["resolve", "sign", "accept"])
def test_no_deadline_lies_before_its_clock_began(clock: str) -> None:
    at_office, ticket = on_its_way()
    for days, code in ((-400, "too_early"), (0, None)):
        due = (START + timedelta(days=days)).isoformat()
        assert refusal(at_office.order("set_deadline", ticket, clock=clock, due_at=due)) == code


def test_not_accepted_carries_its_code_and_closes() -> None:
    at_office, ticket = on_its_way()
    at_office.order("set_status", ticket, status="not_accepted", reason_code="out_of_jurisdiction")
    found = at_office.ticket(ticket)
    assert (found.acceptance.decision, found.acceptance.reason) == ("not_accepted", "out_of_jurisdiction")
    assert found.closed_at is not None


def test_a_refusal_ends_with_the_reopening_of_its_ticket() -> None:
    at_office, ticket = on_its_way()
    at_office.order("set_status", ticket, status="not_accepted", reason_code="out_of_jurisdiction")
    at_office.order("set_status", ticket, status="reopened")
    assert at_office.ticket(ticket).acceptance is UNSET
    at_office.order("dispatch", ticket, organizer="a")
    assert at_office.ticket(ticket).acceptance == Acceptance(decision="accepted")


def test_a_refusal_ends_with_the_citizen_s_word_that_reopens_its_ticket() -> None:
    at_office, ticket = on_its_way()
    at_office.order("set_status", ticket, status="not_accepted", reason_code="out_of_jurisdiction")
    at_office.take(message(7, "就在本市中山路88号，路灯坏了", sender="13800138000", answers=(f"{CITY}-0",)))
    assert (at_office.ticket(ticket).status, at_office.ticket(ticket).acceptance) == ("reopened", UNSET)


@pytest.mark.parametrize("by", ["return_dispatch", "set_status"])
def test_who_gave_a_ticket_back_has_it_no_more(by: str) -> None:
    at_office, ticket = on_its_way("registered")
    at_office.order("dispatch", ticket, organizer="a", organizer_name="甲局", co_organizers=["b"])
    given = {"reason_code": "not_responsible"} if by == "return_dispatch" else {"status": "returned"}
    returned = at_office.order(by, ticket, **given)
    reason = given.get("reason_code", "not_given")
    nobody = Dispatch(returns=(DispatchReturn(reason_code=reason, at=returned.at, organizer_code="a"),))
    assert at_office.ticket(ticket).dispatch == nobody
    at_office.order("set_status", ticket, status="answered")
    assert at_office.ticket(ticket).dispatch == nobody


def test_what_was_ordered_before_a_reopening_does_not_close_the_ticket_again() -> None:
    """The clerk's order of yesterday comes after the citizen's word of today: nobody has read that yet."""
    at_office, ticket = on_its_way("registered", "answered", "resolved")
    today = START + timedelta(days=1)
    at_office.take(message(7, "还是没有修好", sender="13800138000", answers=(f"{CITY}-0",), minutes=24 * 60))
    late = at_office.order("set_status", ticket, status="resolved", at=today - timedelta(hours=9))
    assert refusal(late) == "stale"
    assert "reopened after this was ordered" in why(late)
    assert at_office.ticket(ticket).status == "reopened"
    again = at_office.order("set_status", ticket, status="resolved", at=today + timedelta(minutes=1))
    assert refusal(again) is None


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        ("set_status", {"status": "resolved"}),
        ("redact", {"fields": ["text"]}),
        ("forget", {}),
    ],
)
def test_what_was_ordered_before_a_further_message_does_not_bury_it(kind: str, args: dict[str, Any]) -> None:
    """Had the order come in time, the message would have opened the ticket again, or stood in one of its own."""
    at_office, ticket = on_its_way("registered", "answered")
    today = START + timedelta(days=1)
    at_office.take(message(7, "楼上也漏水了", sender="13800138000", answers=(f"{CITY}-0",), minutes=24 * 60))
    late = at_office.order(kind, ticket, at=today - timedelta(hours=9), **args)
    assert refusal(late) == "stale"
    assert "further message after this was ordered" in why(late)
    assert at_office.ticket(ticket).status == "answered"
    assert "楼上也漏水了" in at_office.ticket(ticket).text
    same(at_office)
    assert refusal(at_office.order(kind, ticket, at=today, **args)) is None


@pytest.mark.parametrize(
    ("kind", "args"), [("set_status", {"status": "resolved"}), ("redact", {"fields": ["text"]}), ("forget", {})]
)
def test_what_its_sender_may_not_have_read_is_not_buried(kind: str, args: dict[str, Any]) -> None:
    """Ordered after the citizen's word, by somebody who looked before it came."""
    at_office, ticket = on_its_way("registered", "answered")
    today = START + timedelta(days=1)
    at_office.take(message(7, "楼上也漏水了", sender="13800138000", answers=(f"{CITY}-0",), minutes=24 * 60))
    ordered = today + timedelta(minutes=10)
    blind = at_office.order(kind, ticket, at=ordered, seen_at=today - timedelta(minutes=1), **args)
    assert refusal(blind) == "stale"
    assert "may be unread" in why(blind)
    assert at_office.ticket(ticket).status == "answered"
    same(at_office)
    assert refusal(at_office.order(kind, ticket, at=ordered, seen_at=today, **args)) is None


@pytest.mark.parametrize("closed_first", [False, True])
def test_what_waited_before_it_came_is_unread_however_long_ago_it_was_taken(closed_first: bool) -> None:
    """A flood, a journal, an outage: taken at nine, in its ticket at noon, and an order at half past twelve."""
    at_office, ticket = on_its_way("registered", "answered", *(["resolved"] if closed_first else []))
    noon = START + timedelta(days=1, hours=3)
    late = message(7, "楼上也漏水了", sender="13800138000", answers=(f"{CITY}-0",), minutes=24 * 60)
    at_office.take(late, appended_at=noon)
    half_past = {"at": noon + timedelta(minutes=30), "seen_at": noon - timedelta(minutes=30)}
    assert refusal(at_office.order("set_status", ticket, status="resolved", **half_past)) == "stale"
    assert refusal(at_office.order("set_status", ticket, status="resolved", at=noon - timedelta(minutes=1))) == "stale"
    assert refusal(at_office.order("set_status", ticket, status="resolved", at=noon + timedelta(minutes=1))) is None
    same(at_office)


def test_when_a_ticket_was_read_counts_for_orders_that_bury_words_alone() -> None:
    at_office, ticket = on_its_way("registered")
    at_office.take(message(7, "楼上也漏水了", sender="13800138000", answers=(f"{CITY}-0",), minutes=24 * 60))
    later = START + timedelta(days=2)
    assert refusal(at_office.order("dispatch", ticket, organizer="a", at=later, seen_at=START)) is None


def test_a_stage_begins_after_the_one_before_it_whatever_date_an_order_bears() -> None:
    at_office, ticket = office()[0], office()[1][0]
    days = {"registered": -30, "answered": -20, "resolved": -25, "revisited": 1, "archived": -400, "reopened": -500}
    for stage, day in days.items():
        assert refusal(at_office.order("set_status", ticket, status=stage, at=START + timedelta(days=day))) is None
    found = at_office.ticket(ticket)
    assert [(step.at - START).days for step in found.history] == [-30, -20, -20, 1, 1, 1]
    assert at_office.decisions[-1].at == found.status_at
    same(at_office)


def test_the_last_answer_of_a_citizen_is_the_one_given_last_in_whatever_order_they_come() -> None:
    at_office, ticket = on_its_way("registered", "answered", "resolved")
    for day, satisfied in ((4, True), (3, False)):
        at = START + timedelta(days=day)
        assert refusal(at_office.order("revisit", ticket, contacted=True, satisfied=satisfied, at=at)) is None
    assert [one.satisfied for one in at_office.ticket(ticket).revisits] == [False, True]


def test_an_order_that_bears_an_old_date_lets_no_ticket_leave_the_memory_at_once() -> None:
    """It is closed now, and for ninety days its citizen's answers come to it."""
    at_office, ticket = on_its_way("registered", "answered")
    assert refusal(at_office.order("set_status", ticket, status="resolved", at=START - timedelta(days=400))) is None
    at_office.take(message(5, "另一件事", sender="13700137000", minutes=1440))
    again = at_office.take(message(7, "还是坏的", sender="13800138000", answers=(f"{CITY}-0",), minutes=1500))
    assert [one.ticket_id for one in again.tickets] == [ticket]
    assert at_office.ticket(ticket).status == "reopened"
    same(at_office)


def test_mere_thanks_and_other_orders_do_not_wait() -> None:
    at_office, ticket = on_its_way("registered", "answered")
    today = START + timedelta(days=1)
    thanks = message(
        7, "谢谢", sender="13800138000", answers=(f"{CITY}-0",), codes=("request_kind.praise",), minutes=1440
    )
    at_office.take(thanks)
    assert at_office.ticket(ticket).message_count == 2
    assert refusal(at_office.order("set_status", ticket, status="resolved", at=today - timedelta(hours=9))) is None
    at_office, ticket = on_its_way("registered")
    at_office.take(message(7, "楼上也漏水了", sender="13800138000", answers=(f"{CITY}-0",), minutes=1440))
    assert refusal(at_office.order("dispatch", ticket, organizer="a", at=today - timedelta(hours=9))) is None


def test_not_accepted_of_yesterday_does_not_shut_out_the_emergency_of_today() -> None:
    at_office, ticket = on_its_way("registered")
    alarm = ("emergency.fire", "emergency_level.critical")
    at_office.take(message(7, "着火了", sender="13800138000", answers=(f"{CITY}-0",), codes=alarm, minutes=1440))
    late = at_office.order("set_status", ticket, status="not_accepted", reason_code="malicious", at=START)
    assert refusal(late) == "stale"


def test_who_is_asked_after_the_ticket_was_archived_is_heard_all_the_same() -> None:
    at_office, ticket = on_its_way("registered", "answered", "resolved", "archived")
    assert refusal(at_office.order("revisit", ticket, contacted=True, resolved=False)) is None
    found = at_office.ticket(ticket)
    assert (found.status, [one.resolved for one in found.revisits]) == ("archived", [False])


@pytest.mark.parametrize("way", [("not_accepted",), ("registered", "not_accepted"), ("handed_over",)])
def test_nobody_is_asked_how_a_matter_was_resolved_that_was_not(way: tuple[str, ...]) -> None:
    """What was not taken, or taken by the emergency desk alone, counts in no rate; also after an earlier resolution."""
    for before in ((), ("registered", "answered", "resolved", "archived", "reopened")):
        at_office, ticket = on_its_way(*before)
        for stage in (*(one for one in way if not before or one != "handed_over"), "archived"):
            at_office.order("set_status", ticket, status=stage, reason_code="military")
        refused = at_office.order("revisit", ticket, contacted=True, resolved=False)
        assert refusal(refused) == "illegal_transition"
        assert at_office.ticket(ticket).revisits == ()
        same(at_office)


def test_an_office_has_one_part_in_a_dispatch() -> None:
    at_office, ticket = on_its_way("registered")
    for twice in (["water", "street-3"], ["street-3", "street-3"]):
        assert refusal(at_office.order("dispatch", ticket, organizer="water", co_organizers=twice)) == "arguments"
    assert refusal(at_office.order("dispatch", ticket, organizer="water", co_organizers=["street-3", "fire"])) is None


def test_a_deadline_that_moves_says_from_where() -> None:
    at_office, ticket = on_its_way()
    first = datetime(2026, 12, 1, tzinfo=UTC)
    for due in (first, first + timedelta(days=7)):
        at_office.order("set_deadline", ticket, clock="resolve", due_at=due.isoformat())
    at_office.order("set_deadline", ticket, clock="sign", due_at=first.isoformat())
    found = at_office.ticket(ticket).deadlines
    assert [(one.clock, one.due_at, one.extended_from) for one in found if one.policy_id == "clerk"] == [
        ("resolve", first + timedelta(days=7), first),
        ("sign", first, None),
    ]
    assert at_office.desk.state.tickets[ticket].by_clerk == ("deadline.resolve", "deadline.sign")


def test_a_clerk_s_class_outlasts_restart_and_whatever_rules_find_later() -> None:
    at_office, ticket = on_its_way()
    at_office.order("reclassify", ticket, kind="unknown", category="噪音扰民")
    rebuilt = fold(at_office.decisions, POLICY)
    assert rebuilt.tickets[ticket].by_clerk == ("kind", "category")
    later = message(5, "第0件事", sender="13800138000", answers=(f"{CITY}-0",))
    found = (Finding(kind="request_kind", value="complaint"), Finding(kind="category", value="other"))
    at_office.take(
        type(later)(**{name: getattr(later, name) for name in later.__struct_fields__} | {"findings": found})
    )
    now = at_office.ticket(ticket)
    assert now.message_count == 2
    assert (now.request_kind, now.request_kind_source) == ("unknown", "clerk")
    assert now.category is not None
    assert (now.category.code, now.category.source) == ("噪音扰民", "clerk")


@pytest.mark.parametrize("first", ["clerk", "rule"])
def test_a_rule_s_word_never_replaces_a_clerk_s(first: str) -> None:
    at_office, ticket = on_its_way()
    occasion = Occasion(at_office.decisions[0], None, POLICY, at_office.desk.ticket)
    told = at_office.ticket(ticket)
    for source, kind in ((first, "praise"), ("rule", "complaint")):
        told = amend(told, event.KindSet(ticket_id=ticket, kind=kind, source=source, confidence=0.9), occasion)
        category = event.CategorySet(
            ticket_id=ticket, code=kind, scheme="local", version="1", source=source, confidence=0.9
        )
        told = amend(told, category, occasion)
    assert told.category is not None
    assert {told.request_kind, told.category.code} == {"praise" if first == "clerk" else "complaint"}


def test_reading_in_clear_is_logged_and_changes_no_ticket() -> None:
    at_office, ticket = on_its_way()
    logged = at_office.order("read", ticket, fields=["text", "requester"], author="auditor")
    assert (logged.tickets, logged.author) == ((), "auditor")
    assert logged.changes == (event.Read(ticket_id=ticket, fields=("text", "requester")),)
    assert at_office.ticket(ticket).version == 1
