"""A call whose text is compared again, or whose id comes again: nobody's tickets are brought together by it."""

from datetime import timedelta

import pytest

from schemas.records import Command
from schemas.records.decision import Event
from tests.rows import each_row
from tests.tickets.commands.orders import refusal
from tests.tickets.records_of_calls import CITY, LAMP, START, Calls
from tickets.policy import TicketPolicy
from tickets.reducers import fold

NOISE = "海棠公寓楼下的烧烤店半夜还在排油烟，全楼都不敢开窗"
STUB = "市民来电反映问题"
ONE, OTHER, THIRD, FOURTH = "13800138000", "13900139000", "13700137000", "13600136000"


def order(calls: Calls, kind: str, number: int, **args: str) -> None:
    """Order something about the ticket that was opened as this one, counted from 0."""
    ticket_id = calls.tickets[number].ticket_id
    given = {"command_id": f"{kind}-{len(calls.input)}", "jurisdiction": CITY, "ticket_id": ticket_id, "kind": kind}
    assert refusal(calls.order(Command(**given, author="clerk/7", at=START, args=args))) is None


def joined(calls: Calls) -> list[set[int]]:
    """Return which tickets hang together, by the order of their opening."""
    clusters: dict[str, set[int]] = {}
    for number, ticket in enumerate(calls.tickets):
        clusters.setdefault(ticket.cluster_id, set()).add(number)
    return list(clusters.values())


def test_a_corrected_call_brings_no_two_clusters_together() -> None:
    calls = Calls()
    for number, (note, caller) in enumerate([(LAMP, ONE), (NOISE, OTHER), (LAMP, THIRD)]):
        calls.tell(call_id=f"c{number}", revision=1, note=note, caller=caller)
    assert joined(calls) == [{0, 2}, {1}]
    calls.tell(call_id="c2", revision=2, note=NOISE)
    assert joined(calls) == [{0, 2}, {1}]
    assert calls.tickets[1].ticket_id in [one.target for one in calls.tickets[2].proposals]


def test_what_a_clerk_parted_stays_parted_whoever_else_is_in_the_cluster_by_now() -> None:
    """The parted one, found as the likest, is no longer the oldest; or the person's own ticket hangs at it."""
    calls = Calls()
    for number, (note, caller) in enumerate([(NOISE, ONE), (LAMP, OTHER), (LAMP, THIRD)]):
        calls.tell(call_id=f"c{number}", revision=1, note=note, caller=caller)
    older, lamp = calls.tickets[0].ticket_id, calls.tickets[1].ticket_id
    order(calls, "merge", 1, into=older)
    order(calls, "unmerge", 2, ticket_id=lamp)
    assert joined(calls) == [{0, 1}, {2}]
    calls.tell(call_id="c2", revision=2, transcript="市民：还是那盏路灯")
    assert joined(calls) == [{0, 1}, {2}]


def test_nor_does_the_persons_own_ticket_lead_back_to_what_was_parted() -> None:
    calls = Calls()
    calls.tell(call_id="c0", revision=1, note=LAMP, caller=ONE)
    calls.tell(call_id="c1", revision=1, note=STUB, caller=OTHER)
    order(calls, "merge", 1, into=calls.tickets[0].ticket_id)
    order(calls, "unmerge", 1, ticket_id=calls.tickets[0].ticket_id)
    calls.tell(call_id="c2", revision=1, note=LAMP, caller=OTHER)
    assert joined(calls) == [{0, 2}, {1}]
    calls.tell(call_id="c1", revision=2, note=LAMP)
    assert joined(calls) == [{0, 2}, {1}]


@pytest.mark.parametrize("caller", [FOURTH, THIRD])
def test_nor_does_a_further_ticket_of_the_cluster_lead_back_to_what_was_parted(caller: str) -> None:
    """A copy of the parted one, or the person's own ticket, where neither it nor the oldest is the parted one."""
    calls = Calls()
    for number, (note, who) in enumerate([(NOISE, ONE), (LAMP, OTHER), (LAMP, THIRD), (f"{LAMP}了", FOURTH)]):
        calls.tell(call_id=f"c{number}", revision=1, note=note, caller=who)
    older, lamp = calls.tickets[0].ticket_id, calls.tickets[1].ticket_id
    assert joined(calls) == [{0}, {1, 2, 3}]
    order(calls, "unmerge", 2, ticket_id=lamp)
    order(calls, "merge", 1, into=older)
    assert joined(calls) == [{0, 1, 3}, {2}]
    calls.tell(call_id="c2", revision=2, note=f"{LAMP}了", caller=caller)
    assert joined(calls) == [{0, 1, 3}, {2}]


OPENING = "您好，这里是12345政务服务便民热线，工号1023为您服务，请问有什么可以帮您？"
CLOSING = "好的，您反映的问题我已经为您登记，会转给相关部门处理，请您保持电话畅通。感谢您的来电，祝您生活愉快，再见。"


@each_row("is_told_who", [True, False])
@each_row("caller", [ONE, OTHER])
def test_what_agents_say_in_every_call_makes_no_two_of_them_one_matter(caller: str, is_told_who: bool) -> None:
    calls = Calls()
    for number, (said, who) in enumerate([("我家停水了，都停一天了", ONE), ("我想咨询一下失业补助金怎么领", caller)]):
        turns = [("agent", OPENING), ("citizen", said), ("agent", CLOSING)]
        told = [{"speaker": speaker, "text": text} for speaker, text in turns]
        transcript = told if is_told_who else " ".join(text for _, text in turns)
        calls.tell(call_id=f"c{number}", transcript=transcript, caller=who)
    one, other = calls.tickets
    assert (one.edges, other.edges, other.proposals) == ((), (), ())


def second(calls: Calls, hours: float, caller: str = OTHER) -> Event:
    """Let the platform use the first call's id again."""
    return calls.tell(minutes=60 * hours, call_id="7", revision=1, note=NOISE, caller=caller)


@pytest.mark.parametrize("hours", [23, 24 * 30, 24 * 200])
def test_an_id_that_a_platform_uses_again_is_another_persons_call(hours: float) -> None:
    calls = Calls()
    calls.tell(call_id="7", revision=1, note=LAMP, caller=ONE)
    again = second(calls, hours)
    assert (again.relation, [one.relation for one in again.changes if hasattr(one, "relation")]) == ("new", [])
    calls.tell(minutes=60 * hours + 1, call_id="7", revision=2, transcript="市民：熏得睡不着")
    one, other = calls.tickets
    assert (one.text, one.message_count, one.requester.phone) == (LAMP, 1, ONE)
    assert (other.message_count, other.requester.phone) == (2, OTHER)
    assert NOISE in other.text
    assert "熏得睡不着" in other.text
    assert LAMP not in other.text
    rebuilt = fold(calls.events, TicketPolicy())
    assert (rebuilt.calls.dump(), rebuilt.threads.dump()) == (calls.state.calls.dump(), calls.state.threads.dump())


def told_at(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()


@each_row("caller", ["", "anonymous"])
@each_row("first", [ONE, ""])
@each_row("hours", [23, 24 * 30])
def test_an_id_that_is_used_again_for_a_withheld_number_is_another_call_by_the_day_it_began(
    first: str, caller: str, hours: float
) -> None:
    calls = Calls()
    calls.tell(call_id="7", revision=1, note=LAMP, caller=first, started_at=told_at(0))
    again = {"call_id": "7", "caller": caller, "started_at": told_at(hours)}
    calls.tell(minutes=60 * hours + 2, disposition="answered", **again)
    calls.tell(minutes=60 * hours + 3, revision=1, note=NOISE, **again)
    calls.tell(minutes=60 * hours + 4, call_id="7", revision=2, transcript="市民：熏得睡不着")
    one, other = calls.tickets
    assert (one.text, one.message_count, other.message_count) == (LAMP, 1, 3)
    assert NOISE in other.text
    assert "熏得睡不着" in other.text
    rebuilt = fold(calls.events, TicketPolicy())
    assert (rebuilt.calls.dump(), rebuilt.threads.dump()) == (calls.state.calls.dump(), calls.state.threads.dump())


@each_row(
    ("first", "caller", "hours"),
    [("", "", 23), (ONE, "", 23), ("", OTHER, 23), (ONE, OTHER, 7), (ONE, ONE, 23)],
    ids=["withheld", "then withheld", "withheld before", "two callers", "one caller"],
)
@each_row("is_told_first", [True, False], ids=["answered first", "words first"])
def test_an_id_that_is_used_again_is_another_call_though_all_is_read_in_one_minute(
    first: str, caller: str, hours: float, is_told_first: bool
) -> None:
    calls = Calls()
    calls.tell(minutes=60 * 48, call_id="7", revision=1, note=LAMP, caller=first, started_at=told_at(0))
    again = {"call_id": "7", "caller": caller, "started_at": told_at(hours)}
    if is_told_first:
        calls.tell(minutes=60 * 48, disposition="answered", **again)
    calls.tell(minutes=60 * 48, revision=1, note=NOISE, **again)
    calls.tell(minutes=60 * 48, revision=2, transcript="市民：熏得睡不着", **again)
    one, other = calls.tickets
    assert (one.text, one.message_count, other.message_count) == (LAMP, 1, 3 if is_told_first else 2)
    assert LAMP not in other.text
    assert NOISE in other.text
    assert "熏得睡不着" in other.text
    rebuilt = fold(calls.events, TicketPolicy())
    assert (rebuilt.calls.dump(), rebuilt.threads.dump()) == (calls.state.calls.dump(), calls.state.threads.dump())


def test_a_file_of_the_day_before_tells_of_the_former_call_and_parts_nothing_of_the_newer() -> None:
    """A platform that counts anew each day, and a file of calls at night: its records have no words."""
    calls = Calls()
    calls.tell(minutes=2, call_id="7", revision=1, note=LAMP, caller=ONE, started_at=told_at(0))
    newer = {"call_id": "7", "caller": OTHER, "started_at": told_at(24)}
    calls.tell(minutes=60 * 24 + 2, revision=1, note=NOISE, **newer)
    calls.tell(minutes=60 * 25, call_id="7", disposition="answered", caller=ONE, started_at=told_at(0))
    assert calls.tell(minutes=60 * 25 + 1, revision=2, transcript="市民：熏得睡不着", **newer).relation == "part_of"
    one, other = calls.tickets
    assert (one.text, other.requester.phone, other.message_count) == (LAMP, OTHER, 2)
    assert len(calls.state.tickets[other.ticket_id].requesters) == 1, "who called the day before is no requester of it"
    assert "熏得睡不着" in other.text
    assert NOISE in other.text


@pytest.mark.parametrize(("caller", "hours"), [("", 2), (ONE, 8)], ids=["withheld", "another zone"])
def test_a_record_that_says_a_while_later_when_it_began_is_of_the_same_call(caller: str, hours: float) -> None:
    calls = Calls()
    calls.tell(minutes=60 * 48, call_id="7", revision=1, note=LAMP, caller=ONE, started_at=told_at(0))
    again = {"call_id": "7", "caller": caller, "started_at": told_at(hours)}
    assert calls.tell(minutes=60 * 48, revision=2, transcript="市民：灯坏了", **again).relation == "part_of"


def test_the_words_of_an_id_that_is_used_again_are_not_the_first_callers() -> None:
    """What tells that it is another call comes first, without a word; the words say neither who nor when."""
    calls = Calls()
    calls.tell(call_id="7", revision=1, note=LAMP, caller=ONE, started_at=told_at(0))
    calls.tell(minutes=60 * 23 + 1, call_id="7", disposition="answered", started_at=told_at(23))
    assert calls.tell(minutes=60 * 23 + 2, call_id="7", revision=1, note=NOISE).relation == "new"
    assert [one.text for one in calls.tickets] == [LAMP, NOISE]
    late = {"revision": 9, "transcript": "市民：灯坏了", "caller": ONE, "started_at": told_at(0)}
    assert calls.tell(minutes=60 * 23 + 3, call_id="7", **late).relation == "part_of"


def test_a_withheld_call_is_one_call_however_late_its_records_come() -> None:
    calls = Calls()
    for hours, told in enumerate(({"disposition": "answered"}, {"revision": 1, "note": LAMP}, {"revision": 2})):
        calls.tell(minutes=60 * hours * 12 + 5, call_id="7", started_at=told_at(0), **told)
    assert (calls.ticket.message_count, calls.ticket.text) == (3, LAMP)


@pytest.mark.parametrize("caller", [ONE, "", "8001"])
def test_a_late_record_and_a_leg_of_the_call_are_the_same_call(caller: str) -> None:
    calls = Calls()
    calls.tell(call_id="7", revision=1, note=LAMP, caller=ONE)
    assert second(calls, 12, caller).relation == "part_of"
    assert calls.ticket.requester.phone == ONE


@pytest.mark.parametrize("revision", [1, 2])
def test_another_caller_is_another_call_however_soon(revision: int) -> None:
    calls = Calls()
    calls.tell(call_id="7", revision=1, note=LAMP, caller=ONE)
    assert calls.tell(minutes=1, call_id="7", revision=revision, note=NOISE, caller=OTHER).relation == "new"
    calls.tell(minutes=61, call_id="7", revision=3, transcript="市民：熏得睡不着", caller=OTHER)
    assert [one.requester.phone for one in calls.tickets] == [ONE, OTHER]
    assert calls.tickets[0].text == LAMP
    assert all(words in calls.tickets[1].text for words in (NOISE, "熏得睡不着"))


@pytest.mark.parametrize("caller", [OTHER, THIRD], ids=["of another person", "of the same person"])
def test_a_ticket_that_another_message_restricts_is_not_joined_by_its_call(caller: str) -> None:
    calls = Calls()
    calls.tell(call_id="c0", revision=1, note=LAMP, caller=ONE)
    calls.tell(call_id="c1", revision=1, note=STUB, caller=THIRD)
    order(calls, "reclassify", 1, confidentiality="restricted")
    calls.tell(call_id="c2", revision=1, note=LAMP, caller=caller)
    assert joined(calls) == [{0, 2}, {1}]
    calls.tell(call_id="c1", revision=2, note=LAMP)
    assert joined(calls) == [{0, 2}, {1}]
    assert calls.tickets[1].proposals


WEB_CAFE = "举报和平路网吧接纳未成年人，老板是我表哥，请保密"


def called(at: str, until: str, caller: str, note: str) -> dict[str, str]:
    day = "2026-11-25T{}:00+08:00"
    return {"started_at": day.format(at), "ended_at": day.format(until), "caller": caller, "note": note}


@pytest.mark.parametrize("is_backlog", [True, False])
def test_who_calls_under_an_id_of_another_caller_called_anew(is_backlog: bool) -> None:
    """A platform that was started anew counts from 1: nobody's words go into another citizen's ticket."""
    calls = Calls()
    calls.tell(300 if is_backlog else 5, **called("09:00", "09:04", ONE, LAMP))
    calls.tell(301 if is_backlog else 65, **called("10:00", "10:04", OTHER, WEB_CAFE))
    assert [one.text for one in calls.tickets] == [LAMP, WEB_CAFE]


def test_two_calls_of_nobody_known_under_one_id_and_day_are_one_and_all_is_told() -> None:
    calls = Calls()
    calls.tell(300, **called("10:00", "10:04", "anonymous", WEB_CAFE))
    calls.tell(301, **called("09:00", "09:04", "anonymous", LAMP))
    assert calls.ticket.text == f"{WEB_CAFE}\n\n{LAMP}"


@pytest.mark.parametrize(("at", "caller"), [("10:00", ONE), ("09:12", "8001")])
def test_a_leg_of_an_extension_is_of_the_call_and_so_is_whatever_its_caller_tells(at: str, caller: str) -> None:
    calls = Calls()
    calls.tell(5, **called("09:00", "09:04", ONE, LAMP))
    calls.tell(65, revision=2, **called(at, "10:05", caller, f"{LAMP}，已转接"))
    assert calls.ticket.text == f"{LAMP}，已转接"


@pytest.mark.parametrize(("callers", "is_heard"), [((ONE, OTHER), True), (("anonymous", "anonymous"), False)])
def test_who_calls_under_the_id_of_an_erased_call_is_heard_as_another_caller(
    callers: tuple[str, str], is_heard: bool
) -> None:
    calls = Calls()
    calls.tell(300, **called("09:00", "09:04", callers[0], LAMP))
    order(calls, "forget", 0)
    calls.tell(301, **called("10:00", "10:04", callers[1], WEB_CAFE))
    assert [one.text for one in calls.tickets] == ["", *([WEB_CAFE] if is_heard else [])]
