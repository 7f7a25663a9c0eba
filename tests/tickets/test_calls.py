"""Records of one call: the first with words opens the ticket, all others complete it, in whatever order they come."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from normalizers.phone.draft import TRANSCRIPT_HEAD
from schemas import topics
from schemas.codec import Position, decode
from schemas.records import Command, Link, TicketVersion, event
from schemas.records.decision import Event
from tests.rows import each_row
from tests.tickets.build import message
from tests.tickets.records_of_calls import CITY, LAMP, START, Calls, record
from tickets.policy import TicketPolicy
from tickets.reducers import fold
from tickets.state.state import Snapshot, State

HEARD = "市民：中山路12号的路灯坏了\n坐席：好的"
BOTH = f"{LAMP}\n\n{TRANSCRIPT_HEAD}\n{HEARD}"

RECORDS: list[dict[str, Any]] = [
    {"revision": 1, "caller": "13800138000", "started_at": "2026-11-25T09:00:00+08:00", "disposition": "answered"},
    {"revision": 2, "note": LAMP, "agent": "8001"},
    {"revision": 3, "transcript": HEARD, "recording": "2026/11/c1.wav"},
]


@each_row("order", list(permutations(range(3))), ids=str)
def test_records_in_any_order_become_one_ticket_with_all_they_tell(order: tuple[int, ...]) -> None:
    calls = Calls()
    for number in order:
        calls.tell(**RECORDS[number])
    ticket = calls.ticket
    assert ticket.text == BOTH
    assert ticket.title == LAMP
    assert ticket.requester.phone == "13800138000"
    assert ticket.message_count == 3
    assert set(ticket.lineage.message_ids) == {one.message_id for one in calls.messages}
    assert [file.name for file in ticket.attachments] == ["c1.wav"]
    assert set(calls.state.tickets[ticket.ticket_id].messages) == {one.message_id for one in calls.messages}


def test_a_call_without_words_opens_no_ticket_and_is_kept() -> None:
    calls = Calls()
    for told in (RECORDS[0], {"revision": 4, "disposition": "no_answer"}, {"revision": 5, "recording": "x.wav"}):
        decision = calls.tell(**told)
        assert (decision.relation, decision.tickets, decision.changes) == ("no_ticket", (), ())
    assert calls.tickets == []


def test_what_waited_is_linked_to_the_ticket_when_there_is_one() -> None:
    calls = Calls()
    first = calls.tell(**RECORDS[0]).input.message_id
    second = calls.tell(**RECORDS[1]).input.message_id
    links = [decode(out.value, Link) for out in calls.desk.flush() if out.topic == topics.LINK]
    told = [(link.message_id, link.version, link.ticket_id, link.relation) for link in links]
    ticket_id = calls.ticket.ticket_id
    assert told == [(first, 1, None, "no_ticket"), (second, 1, ticket_id, "new"), (first, 2, ticket_id, "part_of")]


def test_a_later_record_is_part_of_the_first_with_its_reason() -> None:
    calls = Calls()
    calls.tell(**RECORDS[1])
    decision = calls.tell(**RECORDS[2])
    assert (decision.relation, decision.method, decision.score) == ("part_of", "record_of_call", 1.0)
    assert decision.evidence == (calls.messages[1].features.message_key,)
    assert decision.tickets == (TicketVersion(ticket_id=calls.ticket.ticket_id, version=2),)


def test_a_corrected_note_stands_behind_those_before_it_whenever_they_come() -> None:
    calls = Calls()
    calls.tell(revision=1, note="中山路21号门口的路灯坏了")
    calls.tell(revision=3, note=LAMP)
    calls.tell(revision=2, note="中山路22号门口的路灯坏了")
    assert calls.ticket.text == f"中山路21号门口的路灯坏了\n\n中山路22号门口的路灯坏了\n\n{LAMP}"
    assert all(door in calls.ticket.search_text for door in ("中山路12号", "21号", "22号"))


def test_a_note_that_is_shortened_stands_once_with_all_its_words() -> None:
    calls = Calls()
    calls.tell(revision=1, note=f"{LAMP}，来电人情绪激动")
    calls.tell(revision=2, note=LAMP)
    assert calls.ticket.text == f"{LAMP}，来电人情绪激动"
    calls.tell(revision=3, note=f"来电人称{LAMP}，来电人情绪激动")
    assert calls.ticket.text == f"来电人称{LAMP}，来电人情绪激动"


def test_a_repeat_of_the_whole_record_under_another_name_changes_no_text() -> None:
    calls = Calls()
    calls.tell(revision=1, note=LAMP)
    calls.tell(revision=1, note=LAMP)
    assert calls.ticket.text == LAMP


def test_the_same_id_on_another_platform_or_in_another_city_is_another_call() -> None:
    calls = Calls()
    calls.tell(revision=1, note=LAMP, caller="13800138000")
    told = {"revision": 2, "transcript": "公交站台的座椅坏了", "caller": "13900139000"}
    calls.take(record(2, told, 2, platform="other"))
    calls.take(record(3, told, 3, jurisdiction="110000"))
    assert len(calls.tickets) == 3


def test_words_of_other_messages_in_the_ticket_stay() -> None:
    calls = Calls()
    calls.tell(revision=1, note=LAMP, caller="13800138000")
    calls.take(replace(_again(calls), message_id="follow" + "a" * 20))
    assert "还没有人来修" in calls.ticket.text
    calls.tell(revision=2, transcript=HEARD)
    assert BOTH in calls.ticket.text
    assert "还没有人来修" in calls.ticket.text


def test_words_that_another_message_goes_on_from_are_not_torn() -> None:
    calls = Calls()
    calls.tell(revision=1, note=f"{LAMP}，请尽快处理", caller="13800138000")
    calls.tell(call_id="c2", revision=1, note=LAMP, caller="13800138000")
    calls.tell(call_id="c2", revision=2, transcript=HEARD)
    assert calls.ticket.text.split("\n\n") == [f"{LAMP}，请尽快处理", *BOTH.split("\n\n")]


def test_many_calls_whose_transcripts_come_last_are_no_more_than_a_ticket_shows() -> None:
    calls, most = Calls(), TicketPolicy().max_text_characters
    for number in range(4):
        calls.tell(call_id=f"c{number}", revision=1, note=LAMP, caller="13800138000")
    for number in range(4):
        heard = f"市民：第{number}次来电，" + "还没有人来修，" * 1_500
        calls.tell(call_id=f"c{number}", revision=2, transcript=heard)
        assert heard in calls.ticket.text
    assert len(calls.ticket.text) < most + 100


def _again(calls: Calls) -> Any:
    """Return a message of another kind that answers the ticket by our token."""
    one = message(50, "还没有人来修", minutes=len(calls.input))
    return replace(one, features=replace(one.features, token=calls.ticket.ticket_id, requesters=_people(calls)))


def _people(calls: Calls) -> tuple[str, ...]:
    return calls.state.tickets[calls.ticket.ticket_id].requesters


def test_a_call_of_the_same_person_about_the_same_matter_joins_and_its_transcript_follows() -> None:
    calls = Calls()
    calls.tell(revision=1, note=LAMP, caller="13800138000")
    again = calls.tell(call_id="c2", revision=1, note=LAMP, caller="13800138000")
    assert again.relation == "same_person_same_matter"
    calls.tell(call_id="c2", revision=2, transcript="市民：还是那盏灯")
    assert "还是那盏灯" in calls.ticket.text
    assert calls.ticket.message_count == 3


def test_the_text_is_compared_again_when_it_says_more() -> None:
    calls = Calls()
    calls.tell(call_id="c1", revision=1, note=LAMP, caller="13800138000")
    calls.tell(call_id="c2", revision=1, note="市民来电反映问题", caller="13900139000")
    second = calls.tickets[1]
    assert second.edges == ()
    calls.tell(call_id="c2", revision=2, note=LAMP)
    first, second = calls.tickets
    assert [edge.ticket_id for edge in second.edges] == [first.ticket_id]
    assert second.cluster_id == first.ticket_id


def test_who_comes_later_is_compared_with_what_the_call_says_now() -> None:
    calls = Calls()
    calls.tell(call_id="c1", revision=1, note="市民来电反映问题", caller="13800138000")
    calls.tell(call_id="c1", revision=2, note=LAMP)
    calls.tell(call_id="c2", revision=1, note=LAMP, caller="13900139000")
    first, second = calls.tickets
    assert [edge.ticket_id for edge in second.edges] == [first.ticket_id]


def test_what_a_clerk_parted_is_not_joined_again() -> None:
    calls = Calls()
    calls.tell(call_id="c1", revision=1, note=LAMP, caller="13800138000")
    calls.tell(call_id="c2", revision=1, note=LAMP, caller="13900139000")
    first, second = calls.tickets
    assert second.edges
    _order(calls, "unmerge", second.ticket_id, {"ticket_id": first.ticket_id})
    assert calls.tickets[1].edges == ()
    calls.tell(call_id="c2", revision=2, transcript=HEARD)
    assert calls.tickets[1].edges == ()


def test_a_clerks_kind_and_category_stay() -> None:
    calls = Calls()
    calls.tell(revision=1, note=LAMP)
    ticket_id = calls.ticket.ticket_id
    args = {"kind": "praise", "category": "x"}
    _order(calls, "reclassify", ticket_id, args)
    calls.tell(revision=2, note="我要投诉，" + LAMP)
    assert calls.ticket.request_kind == "praise"
    assert calls.ticket.category is not None
    assert calls.ticket.category.code == "x"


def test_the_kind_follows_the_words() -> None:
    calls = Calls()
    calls.tell(revision=1, note="市民来电")
    assert calls.ticket.request_kind in (None, "unknown")
    calls.tell(revision=2, note="我要投诉物业乱收费", request_kind="投诉")
    assert (calls.ticket.request_kind, calls.ticket.request_kind_source) == ("complaint", "requester")


def test_a_later_record_reopens_no_closed_ticket_and_its_words_are_there() -> None:
    calls = Calls()
    calls.tell(revision=1, note=LAMP)
    _close(calls)
    calls.tell(revision=2, transcript=HEARD)
    assert calls.ticket.status == "archived"
    assert HEARD in calls.ticket.text


def test_a_redacted_ticket_counts_a_later_record_and_shows_none_of_it() -> None:
    calls = Calls()
    calls.tell(revision=1, note=LAMP)
    _order(calls, "redact", calls.ticket.ticket_id, {"fields": ["text"]})
    decision = calls.tell(revision=2, transcript=HEARD, caller="13800138000")
    assert decision.method == "record_after_redaction"
    assert "路灯" not in calls.ticket.text + calls.ticket.search_text
    assert calls.ticket.requester.phone is None
    assert calls.ticket.message_count == 2


def test_a_danger_that_a_later_record_tells_opens_a_redacted_ticket_and_is_seen_in_it() -> None:
    calls = Calls()
    calls.tell(revision=1, note=LAMP)
    _order(calls, "redact", calls.ticket.ticket_id, {"fields": ["text"]})
    _order(calls, "set_status", calls.ticket.ticket_id, {"status": "not_accepted", "reason_code": "malicious"})
    calls.tell(revision=2, transcript="市民：三楼着火了，有人被困")
    ticket = calls.ticket
    assert (ticket.text, ticket.status, ticket.closed_at, ticket.urgency) == ("", "reopened", None, "critical")
    assert ticket.emergency is not None
    assert "fire" in ticket.emergency.classes


def test_a_forgotten_call_is_not_told_again_by_its_later_records() -> None:
    calls = Calls()
    calls.tell(**RECORDS[0])
    calls.tell(revision=2, note=LAMP)
    forgotten = _order(calls, "forget", calls.ticket.ticket_id, {})
    erased = next(one for one in forgotten.changes if isinstance(one, event.Erased))
    assert {one.message_id for one in erased.messages} == {one.message_id for one in calls.messages}
    decision = calls.tell(revision=3, transcript=HEARD)
    assert calls.ticket.erased
    (gone,) = decision.changes
    assert isinstance(gone, event.MessagesErased)
    assert [one.message_id for one in gone.messages] == [calls.messages[-1].message_id]


def test_an_emergency_of_one_record_alarms_once() -> None:
    calls = Calls()
    calls.tell(revision=1, note="中山路12号三楼着火了，快来")
    calls.tell(revision=2, transcript="坐席：请您离开现场")
    handed = [one for told in calls.events for one in told.changes if isinstance(one, event.HandedOver)]
    assert [one.handover_id for one in handed] == [calls.messages[0].message_id]
    assert calls.ticket.emergency is not None
    assert [out for out in calls.desk.flush() if out.topic == topics.HANDOVER] == []


def test_an_emergency_that_only_the_transcript_tells_is_handed_over() -> None:
    calls = Calls()
    calls.tell(revision=1, note=LAMP)
    decision = calls.tell(revision=2, transcript="市民：我家厨房着火了，快来人")
    assert [one.classes for one in decision.changes if isinstance(one, event.HandedOver)] == [("fire",)]
    assert calls.ticket.urgency == "critical"


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("市民：我家厨房着火了，快来人", "reopened"),
        ("市民：路灯修好了吗，还是不亮", "resolved"),
        ("市民：昨天着火的事已经处理好了", "resolved"),
    ],
)
def test_a_danger_that_only_the_transcript_tells_opens_a_ticket_that_was_answered_at_once(
    words: str, status: str
) -> None:
    calls = Calls()
    calls.tell(revision=1, note=LAMP)
    for stage in ("registered", "answered", "resolved"):
        _order(calls, "set_status", calls.ticket.ticket_id, {"status": stage})
    calls.tell(revision=2, transcript=words)
    assert calls.ticket.status == status


def test_the_log_alone_and_a_checkpoint_know_the_calls() -> None:
    calls = Calls()
    for told in RECORDS[:2]:
        calls.tell(**told)
    folded = fold(calls.events, TicketPolicy())
    calls.desk.flush()
    snapshot = msgspec.msgpack.decode(msgspec.msgpack.encode(calls.state.dump()), type=Snapshot)
    restored = State(TicketPolicy(), snapshot)
    assert folded.calls.dump() == restored.calls.dump() == calls.state.calls.dump()
    successor = Calls(restored)
    successor.input = list(calls.input)
    successor.tell(**RECORDS[2])
    assert successor.ticket.text == BOTH


def test_records_that_left_the_input_or_the_memory_still_go_to_the_ticket() -> None:
    calls = Calls()
    calls.tell(revision=1, note=LAMP)
    late = record(2, {"revision": 2, "transcript": HEARD}, 1)
    assert calls.desk.take(late, Position(topics.MESSAGE, 0, 1), ()) is not None
    assert LAMP in calls.ticket.text
    assert HEARD in calls.ticket.text
    calls = Calls()
    calls.tell(revision=1, note=LAMP)
    calls.tell(call_id="other", revision=1, note="公交站台的座椅坏了", minutes=60 * 49)
    assert len(calls.state.calls) == 1  # the first left
    began = "2026-11-25T09:00:00+08:00"
    decision = calls.tell(revision=2, transcript=HEARD, minutes=60 * 50, started_at=began)
    assert decision.tickets[0].ticket_id == calls.tickets[0].ticket_id
    assert LAMP in calls.tickets[0].text
    assert HEARD in calls.tickets[0].text


def test_what_stands_at_a_records_place_in_an_input_that_was_made_anew_is_not_told() -> None:
    calls = Calls()
    calls.tell(0, note=LAMP, caller="13800138000")
    calls.input[0] = record(77, {"call_id": "c2", "note": "别人的话", "caller": "13900139000"}, 0)
    calls.tell(5, transcript="市民说路灯一直不亮")
    (ticket,) = calls.tickets
    assert "别人" not in ticket.text
    assert LAMP in ticket.text
    assert "13900139000" not in str(ticket.requester)


def test_a_moved_call_takes_its_later_records_along() -> None:
    calls = Calls()
    calls.tell(revision=1, note=LAMP, caller="13800138000")
    calls.tell(call_id="c2", revision=1, note=LAMP, caller="13800138000")
    wrong = calls.ticket
    moved = _order(calls, "move", wrong.ticket_id, {"message_id": calls.messages[1].message_id})
    assert any(isinstance(one, event.Moved) for one in moved.changes)
    calls.tell(call_id="c2", revision=2, transcript="市民：是另一盏灯")
    first, second = calls.tickets
    assert "另一盏灯" not in first.text
    assert second.text == f"{LAMP}\n\n{TRANSCRIPT_HEAD}\n市民：是另一盏灯"


def test_a_record_stays_where_it_is_filed_when_another_of_its_call_moves() -> None:
    calls = Calls()
    calls.tell(revision=1, note=LAMP, caller="13800138000")
    calls.tell(call_id="c2", revision=1, note=LAMP, caller="13800138000")
    calls.tell(call_id="c2", revision=2, transcript=HEARD)
    moved, stays = calls.messages[1].message_id, calls.messages[2].message_id
    _order(calls, "move", calls.ticket.ticket_id, {"message_id": moved})
    last = calls.tell(call_id="c2", revision=3, disposition="answered").input.message_id
    first, second = calls.state.tickets.values()
    assert stays in first.messages
    assert list(second.messages) == [moved, last]


def test_a_ticket_written_anew_without_a_message_tells_each_call_once() -> None:
    calls = Calls()
    calls.tell(revision=1, note=LAMP, caller="13800138000")
    calls.tell(revision=2, note=LAMP, transcript=HEARD)
    calls.tell(call_id="c2", revision=1, note=LAMP, caller="13800138000")
    _order(calls, "move", calls.ticket.ticket_id, {"message_id": calls.messages[2].message_id})
    assert calls.tickets[0].text == BOTH


def _order(calls: Calls, kind: str, ticket_id: str, args: dict[str, Any], minutes: float = 0) -> Event:
    """Let a clerk order something that is not refused."""
    decision = calls.order(
        Command(
            command_id=f"{kind}-{len(calls.input)}",
            jurisdiction=CITY,
            ticket_id=ticket_id,
            kind=kind,
            author="clerk/7",
            at=START + timedelta(minutes=minutes),
            reason="test",
            args=args,
        )
    )
    assert [one for one in decision.changes if isinstance(one, event.CommandRefused)] == []
    return decision


def _close(calls: Calls, minutes: float = 0) -> None:
    for status in ("registered", "answered", "resolved", "archived"):
        _order(calls, "set_status", calls.ticket.ticket_id, {"status": status}, minutes)


def test_masks_links_and_the_event_log_hold_nothing_of_caller_agent_or_recording() -> None:
    calls = Calls()
    calls.tell(
        revision=1, caller="13764520918", caller_name="霁霄溪", recording="q/13764520918-12345.wav", agent="a8001"
    )
    calls.tell(revision=2, note="霁霄溪来电，电话13764520918，反映路灯坏了", category="13764520918", queue="霁霄溪")
    calls.tell(revision=3, transcript="市民：我叫霁霄溪", recording="q/13764520918-12345.wav")
    planted = ("13764520918", "霁霄溪", "a8001")
    outbounds = calls.desk.flush()
    clear = b"".join(out.value for out in outbounds if out.topic == topics.TICKET).decode()
    assert all(word in clear for word in planted[:2])
    hidden = [out for out in outbounds if out.topic in (topics.EVENT, topics.LINK, topics.TICKET_MASKED)]
    told = b"".join(
        out.value + (out.key or b"") + b"".join(value for _, value in out.headers) for out in hidden
    ).decode()
    assert [word for word in planted if word in told] == []
    assert {out.topic for out in hidden} == {topics.EVENT, topics.LINK, topics.TICKET_MASKED}


def test_a_record_without_words_looks_back_at_none_unless_it_first_tells_who_called() -> None:
    calls = Calls()
    calls.tell(revision=1, caller="13800138000")
    assert calls.desk.looks_back(record(9, {"revision": 2, "recording": "x.wav"}, 9)) == []
    assert calls.desk.looks_back(record(9, {"revision": 2, "note": LAMP}, 9)) == [0]
    calls = Calls()
    calls.tell(revision=2, note=LAMP)
    assert calls.desk.looks_back(record(9, {"revision": 1, "caller": "13800138000"}, 9)) == [0]


def test_a_recording_alone_leaves_the_ticket_findable_by_its_words() -> None:
    calls = Calls()
    calls.tell(revision=1, note=LAMP, caller="13800138000")
    calls.tell(revision=2, recording="x.wav")
    calls.tell(call_id="c2", revision=1, note=LAMP, caller="13900139000")
    first, second = calls.tickets
    assert [edge.ticket_id for edge in second.edges] == [first.ticket_id]


def test_who_called_counts_for_later_messages_when_it_is_told_last() -> None:
    calls = Calls()
    calls.tell(call_id="c1", revision=2, transcript=LAMP)
    calls.tell(call_id="c1", revision=1, caller="13800138000")
    again = calls.tell(call_id="c2", revision=1, note=LAMP, caller="13800138000")
    assert again.relation == "same_person_same_matter"
    assert calls.ticket.requester.phone == "13800138000"


@each_row("order", list(permutations(range(3))), ids=str)
def test_an_official_whom_agents_call_is_not_who_asks_and_makes_no_two_citizens_one(order: tuple[int, ...]) -> None:
    calls = Calls()
    citizens = ["13811111111", "13822222222"]
    for call_id, citizen in enumerate(citizens):
        records: list[dict[str, Any]] = [
            {"revision": 1, "caller": citizen, "callee": "12345", "started_at": "2026-11-25T09:00:00+08:00"},
            {"revision": 2, "caller": "8001", "callee": "13900000000", "started_at": "2026-11-25T09:01:00+08:00"},
            {"revision": 3, "note": LAMP, "agent": "8001"},
        ]
        for number in order:
            calls.tell(call_id=str(call_id), **records[number])
    assert [ticket.requester.phone for ticket in calls.tickets] == citizens
    assert [ticket.message_count for ticket in calls.tickets] == [3, 3]


@each_row("callee", ["13900000000", "8002"])
@each_row("said", [{}, {"direction": "outbound"}])
def test_who_waited_long_for_an_agent_is_still_who_asks(callee: str, said: dict[str, str]) -> None:
    calls = Calls()
    calls.tell(minutes=0, revision=1, caller="13811111111", started_at="2026-11-25T09:00:00+08:00")
    leg = {"caller": "8001", "callee": callee, "started_at": "2026-11-25T09:15:00+08:00"}
    calls.tell(minutes=15, revision=2, **leg, **said)
    calls.tell(minutes=20, revision=3, note=LAMP, agent="8001")
    assert (calls.ticket.requester.phone, calls.ticket.message_count) == ("13811111111", 3)


def test_an_official_who_is_called_after_the_note_parts_no_transcript_from_it() -> None:
    calls = Calls()
    calls.tell(minutes=0, revision=1, caller="13811111111", started_at="2026-11-25T09:00:00+08:00")
    calls.tell(minutes=2, revision=2, note=LAMP)
    calls.tell(minutes=15, caller="8001", callee="13900000000", started_at="2026-11-25T09:15:00+08:00")
    calls.tell(minutes=25, revision=3, transcript=HEARD)
    assert calls.ticket.text == BOTH


def test_two_matters_of_one_call_that_the_platform_numbers_apart_are_both_told() -> None:
    calls = Calls()
    calls.tell(revision=1, caller="13811111111", note="路灯坏了")
    calls.tell(revision=2, note=LAMP, subject="路灯不亮", ticket_no="CC2026112500001")
    calls.tell(revision=3, note="楼下烧烤摊油烟扰民", ticket_no="CC2026112500002")
    calls.tell(revision=4, note="阳光花园3号楼楼下烧烤摊油烟扰民，整夜不散", subject="油烟扰民")
    assert calls.ticket.title == "油烟扰民"
    assert calls.ticket.text == f"{LAMP}\n\n阳光花园3号楼楼下烧烤摊油烟扰民，整夜不散\n\n路灯不亮"
    assert "烧烤摊" in calls.ticket.search_text
    assert "中山路12号" in calls.ticket.search_text


def test_a_record_without_a_caller_is_of_the_one_call_under_its_id_and_another_caller_makes_another_call() -> None:
    calls = Calls()
    calls.tell(0, revision=1, transcript="市民：路口有人受伤流血，我叫吴国强")
    calls.tell(10, revision=2, caller="13764520913")
    calls.tell(20, revision=3, caller="13764520911", transcript="市民：小区里的路灯坏了三天")
    one, other = calls.tickets
    assert (one.requester.phone, other.requester.phone) == ("13764520913", "13764520911")
    assert "我叫吴国强" in one.text
    assert other.text == "市民：小区里的路灯坏了三天"
    alone = Calls()
    alone.tell(0, revision=1, transcript="市民：路口有人受伤流血")
    alone.tell(10, revision=2, caller="13764520913")
    alone.tell(20, revision=3, caller="13764520913", transcript="市民：路口有人受伤，流血了")
    assert alone.ticket.text == "市民：路口有人受伤流血\n\n市民：路口有人受伤，流血了"


def test_a_second_caller_under_an_id_has_a_ticket_of_their_own() -> None:
    calls = Calls()
    calls.tell(revision=1, caller="13811111111", note=LAMP, started_at="2026-11-25T09:00:00+08:00")
    calls.tell(revision=1, caller="13822222222", note="烧烤摊油烟扰民", started_at="2026-11-25T09:02:00+08:00")
    assert [one.text for one in calls.tickets] == [LAMP, "烧烤摊油烟扰民"]
    calls.tell(revision=2, caller="13822222222", note="楼下烧烤摊油烟扰民")
    calls.tell(revision=2, caller="13811111111", note=f"{LAMP}，请处理")
    assert [one.text for one in calls.tickets] == [f"{LAMP}，请处理", "楼下烧烤摊油烟扰民"]
    rebuilt = fold(calls.events, TicketPolicy())
    assert (rebuilt.calls.dump(), rebuilt.threads.dump()) == (calls.state.calls.dump(), calls.state.threads.dump())


def test_a_record_without_a_caller_under_an_id_of_two_callers_is_nobodys_and_a_clerk_is_asked() -> None:
    calls = Calls()
    calls.tell(revision=1, caller="13811111111", note=LAMP)
    calls.tell(revision=1, caller="13822222222", note="烧烤摊油烟扰民")
    calls.tell(revision=2, transcript="市民：什么时候能修好")
    calls.tell(revision=3, transcript="市民：还要等多久")
    *two, nobodys = calls.tickets
    assert [one.text for one in two] == [LAMP, "烧烤摊油烟扰民"]
    assert nobodys.text == "市民：什么时候能修好\n\n市民：还要等多久"
    assert [(one.relation, one.target) for one in nobodys.proposals] == [("part_of", two[0].ticket_id)]


def test_a_record_that_tells_no_day_is_of_the_day_it_came_and_proposed_to_the_call_of_the_day_before() -> None:
    calls = Calls()
    calls.tell(0, revision=1, caller="13811111111", note=LAMP)
    calls.tell(60 * 24, revision=2, transcript="市民：什么时候能修好")
    calls.tell(60 * 24 + 1, revision=3, transcript=HEARD, started_at="2026-11-25T09:00:00+08:00")
    first, second = calls.tickets
    assert first.text == f"{LAMP}\n\n{TRANSCRIPT_HEAD}\n{HEARD}"
    assert [one.target for one in second.proposals] == [first.ticket_id]
    assert second.text == "市民：什么时候能修好"


def test_many_records_of_a_call_are_all_told() -> None:
    """A note of the first record, told again by another caller's; before, it vanished from the ticket."""
    calls = Calls()
    calls.tell(call_id="a", revision=0, note="咨询敬老卡如何办理")
    calls.tell(call_id="a", revision=0, caller="13800138000", note=LAMP, transcript=HEARD)
    calls.tell(call_id="a", revision=0, caller="13900139000", note="咨询敬老卡如何办理")
    one, other = calls.tickets
    assert one.text == f"咨询敬老卡如何办理\n\n{BOTH}"
    assert other.text == "咨询敬老卡如何办理"


BARBECUE = "阳光花园3号楼楼下烧烤摊油烟扰民"


@pytest.mark.parametrize("agents", [("8001", "8002"), ("8001", "8001"), ("", "")])
def test_of_two_agents_notes_without_numbers_neither_takes_the_place_of_the_other(agents: tuple[str, str]) -> None:
    calls = Calls()
    calls.tell(revision=1, caller="13811111111", note=LAMP, agent=agents[0])
    calls.tell(revision=2, note=BARBECUE, agent=agents[1])
    assert calls.ticket.text == f"{LAMP}\n\n{BARBECUE}"
    calls.tell(revision=3, note=f"{BARBECUE}，整夜不散", agent=agents[1])
    calls.tell(revision=4, note=f"来电人称{LAMP}", agent=agents[0])
    assert calls.ticket.text == f"{BARBECUE}，整夜不散\n\n来电人称{LAMP}"


def test_a_phrase_that_agents_write_in_each_note_makes_no_two_matters_one() -> None:
    calls = Calls()
    calls.tell(revision=1, note="市民反映：中山路12号路灯坏了，请处理")
    calls.tell(revision=2, note="市民反映：楼下烧烤摊油烟扰民，请处理")
    assert "路灯" in calls.ticket.text
    assert "烧烤摊" in calls.ticket.text


def test_a_note_that_only_says_that_it_is_done_leaves_the_citizens_words_there() -> None:
    calls = Calls()
    calls.tell(revision=1, note=LAMP)
    calls.tell(revision=2, note="已办结")
    assert calls.ticket.text == f"{LAMP}\n\n已办结"


@pytest.mark.parametrize("number", ["", "CC2026112500002"])
def test_another_matter_that_is_noted_after_the_ticket_was_closed_opens_it_again(number: str) -> None:
    calls = Calls()
    calls.tell(revision=1, note=LAMP, caller="13811111111", ticket_no=number and "CC2026112500001")
    _close(calls)
    noted = calls.tell(revision=2, note=BARBECUE, ticket_no=number)
    assert (calls.ticket.status, calls.ticket.text) == ("reopened", f"{LAMP}\n\n{BARBECUE}")
    assert "topic_changed" in noted.evidence
    _close(calls, 30)
    calls.tell(revision=3, note=f"{BARBECUE}，整夜不散", ticket_no=number)
    assert calls.ticket.status == "archived"


COMPLETES: list[dict[str, str]] = [
    {"note": f"{LAMP}，已派单"},
    {"note": LAMP, "transcript": HEARD},
    {"subject": "路灯不亮"},
    {"disposition": "answered"},
]


@each_row("told", [*COMPLETES, {"transcript": f"市民：{BARBECUE}"}])
def test_what_completes_a_closed_call_leaves_it_closed(told: dict[str, str]) -> None:
    calls = Calls()
    calls.tell(revision=1, note=LAMP, caller="13811111111")
    _close(calls)
    calls.tell(revision=2, **told)
    assert calls.ticket.status == "archived"


@each_row(("told", "status"), [*((told, "archived") for told in COMPLETES), ({"note": BARBECUE}, "reopened")])
def test_so_it_is_a_week_later_when_the_calls_records_are_forgotten(told: dict[str, str], status: str) -> None:
    calls, began = Calls(), "2026-11-25T09:00:00+08:00"
    calls.tell(revision=1, note=LAMP, caller="13811111111", started_at=began)
    _close(calls)
    calls.tell(minutes=60 * 24 * 7, call_id="c2", revision=1, note="咨询敬老卡如何办理")
    calls.tell(minutes=60 * 24 * 7 + 5, revision=2, started_at=began, **told)
    assert calls.tickets[0].status == status


def test_what_another_caller_says_under_a_closed_calls_id_opens_a_ticket() -> None:
    calls = Calls()
    calls.tell(revision=1, note=LAMP, caller="13811111111")
    _close(calls)
    calls.tell(revision=1, note="我家门口的路灯也坏了", caller="13822222222")
    assert [one.status for one in calls.tickets] == ["archived", "received"]


def test_the_first_note_of_a_call_that_its_transcript_opened_is_no_other_matter() -> None:
    calls = Calls()
    calls.tell(revision=1, transcript=HEARD, caller="13811111111")
    _close(calls)
    calls.tell(revision=2, note=BARBECUE)
    assert calls.ticket.status == "archived"


@each_row("order", [(0, 1, 2), (1, 0, 2), (0, 2, 1), (2, 0, 1)], ids=str)
def test_an_official_on_an_outbound_leg_is_not_who_asks_whatever_number_the_platform_calls_from(
    order: tuple[int, ...],
) -> None:
    calls = Calls()
    citizens = ["13811111111", "13822222222"]
    for call_id, citizen in enumerate(citizens):
        records: list[dict[str, Any]] = [
            {"revision": 1, "caller": citizen, "callee": "12345"},
            {"revision": 2, "caller": "024-31234567", "callee": "13900000000", "direction": "outbound"},
            {"revision": 3, "note": LAMP, "agent": "8001"},
        ]
        for number in order:
            calls.tell(call_id=str(call_id), **records[number])
    assert [ticket.requester.phone for ticket in calls.tickets] == citizens
    assert [len(ticket.requesters) for ticket in calls.state.tickets.values()] == [1, 1]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=str)
def test_who_is_called_back_asks_though_the_note_comes_in_a_record_of_its_own(order: tuple[int, ...]) -> None:
    calls = Calls()
    records: list[dict[str, Any]] = [
        {"revision": 1, "caller": "12345", "callee": "13811111111", "direction": "outbound"},
        {"revision": 2, "note": LAMP, "agent": "8001"},
    ]
    for number in order:
        calls.tell(**records[number])
    assert calls.ticket.requester.phone == "13811111111"
    assert len(calls.state.tickets[calls.ticket.ticket_id].requesters) == 1
