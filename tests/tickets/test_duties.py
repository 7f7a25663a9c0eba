"""What the ticket shows of minors, acceptance, confidentiality and anonymity; a clerk's word stands."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec import UNSET

from schemas import topics
from schemas.codec import Position
from schemas.records import Command, Event, Ticket, event
from schemas.records.ticket import MinorProtection
from tests.rows import each_row
from tests.tickets.build import START
from tests.tickets.said import CITY, decided, said, take, ticket_of
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.reducers import fold
from tickets.state.state import State

LATER = START + timedelta(hours=5)


def ordered(desk: Desk, decision: Event, name: str, /, **args: Any) -> Event:
    """Let the desk take a clerk's command about the ticket of a decision."""
    offset = desk.state.inputs.last_offset(topics.MESSAGE, 0) + 1
    command = Command(
        command_id=f"c{offset}", jurisdiction=CITY, ticket_id=decision.tickets[0].ticket_id, kind=name,
        author="clerk-1", at=LATER, args=args,
    )  # fmt: skip
    made = desk.take(command, Position(topics.MESSAGE, 0, offset))
    assert made is not None
    return made


def one(title: str, text: str = "", **more: str) -> Ticket:
    desk, (decision,) = decided([said(1, title, text, **more)])
    return ticket_of(desk, decision)


def test_a_minor_in_need_is_flagged_with_whom_to_tell_and_restricted() -> None:
    ticket = one("班主任体罚学生", "实验小学五年级的班主任经常体罚学生")
    protection = ticket.minor_protection
    assert protection is not UNSET
    assert (protection.flag, protection.role, protection.topic, protection.mandatory_report) == (
        True, "subject", "school", True,
    )  # fmt: skip
    assert protection.referral_body == "教育行政部门"
    assert "学校保护" in (protection.basis or "")
    assert (ticket.confidentiality, ticket.confidentiality_reasons) == ("restricted", ("minor",))


def test_an_ordinary_ticket_is_internal_and_says_nothing_of_it() -> None:
    ticket = one("中山路的路灯不亮", "请问什么时候修")
    assert (ticket.confidentiality, ticket.minor_protection, ticket.acceptance) == ("internal", UNSET, UNSET)
    assert ticket.anonymous == "given"


def test_what_is_not_accepted_is_proposed_with_words_for_the_citizen_and_decided_by_a_clerk() -> None:
    desk, (decision,) = decided([said(1, "请协调", "开发商拖欠工程款，法院已经立案")])
    proposed = ticket_of(desk, decision).acceptance
    assert proposed is not UNSET
    assert (proposed.decision, proposed.reason) == ("proposed", "litigation_or_arbitration")
    assert "12368" in (proposed.text or "")
    assert ticket_of(desk, decision).status == "received"
    ordered(desk, decision, "set_status", status="registered")
    accepted = ticket_of(desk, decision).acceptance
    assert accepted is not UNSET
    assert (accepted.decision, accepted.text) == ("accepted", None)


def test_a_danger_that_goes_on_is_handed_over_and_never_proposed_to_be_refused() -> None:
    """It is the business of 110, 119 and 120 (`emergency_line`), and that is what the hand-over is for."""
    burning = said(1, "三楼着火了，快派消防车来")
    assert {"emergency.fire", "not_accepted.emergency_line"} <= set(burning.features.codes)
    desk, (decision,) = decided([burning])
    assert ticket_of(desk, decision).acceptance is UNSET
    assert ticket_of(desk, decision).emergency is not None


def test_of_a_danger_that_is_over_it_is_proposed() -> None:
    past = said(1, "昨天着火了，我想报案")
    assert {"emergency_level.mentioned", "not_accepted.emergency_line"} <= set(past.features.codes)
    desk, (decision,) = decided([past])
    proposed = ticket_of(desk, decision).acceptance
    assert proposed is not UNSET
    assert (proposed.decision, proposed.reason) == ("proposed", "emergency_line")


def test_a_clerk_s_refusal_has_the_words_too() -> None:
    desk, (decision,) = decided([said(1, "中山路的路灯不亮")])
    ordered(desk, decision, "set_status", status="not_accepted", reason_code="out_of_jurisdiction")
    refused = ticket_of(desk, decision).acceptance
    assert refused is not UNSET
    assert refused.decision == "not_accepted"
    assert "12345" in (refused.text or "")


def test_a_wish_to_be_withheld_outlasts_later_messages_and_needs_an_identity() -> None:
    desk, decisions = decided(
        [said(1, "楼下饭店深夜扰民", "请勿透露我的电话", sender="13800138000"),
         said(2, "楼下饭店深夜扰民", "请勿透露我的电话", sender="13800138000")]
    )  # fmt: skip
    assert ticket_of(desk, decisions[0]).message_count == 2
    assert ticket_of(desk, decisions[0]).anonymous == "withheld_on_request"
    assert ticket_of(desk, decisions[0]).confidentiality == "confidential"
    assert one("匿名反映工地夜间施工", sender="张三").anonymous == "not_given"


def test_a_later_message_raises_the_level_and_never_lowers_it() -> None:
    desk, (first,) = decided([said(1, "丽景新城门口的烟酒店", "天天营业到半夜，请问能管吗")])
    assert ticket_of(desk, first).confidentiality == "internal"
    number = ticket_of(desk, first).ticket_no
    take(desk, [said(2, f"补充 {number}", "烟酒店卖烟给学生", sender="13900000001")])
    assert ticket_of(desk, first).message_count == 2
    assert ticket_of(desk, first).confidentiality == "restricted"
    take(desk, [said(3, f"补充 {number}", "谢谢，请问有结果吗", sender="13900000001")])
    assert (ticket_of(desk, first).message_count, ticket_of(desk, first).confidentiality) == (3, "restricted")


def test_a_wish_in_a_later_message_is_told_where_the_level_is_as_high_already() -> None:
    desk, (first,) = decided([said(1, "", "柳荫公寓的电梯总是坏，物业推诿", sender="13900000001")])
    before = ticket_of(desk, first)
    assert (before.confidentiality, before.confidentiality_reasons) == ("confidential", ("complaint",))
    wish, thanks = (f"{words} {before.ticket_no}" for words in ("电梯的事请替我保密", "物业还是推诿"))
    take(desk, [said(2, "", wish, sender="13900000001")])
    assert set(ticket_of(desk, first).confidentiality_reasons) == {"complaint", "requested"}
    (more,) = take(desk, [said(3, "", thanks, sender="13900000001")])
    assert not [change for change in more.changes if isinstance(change, event.ConfidentialitySet)]


@pytest.mark.parametrize("flag", [True, False])
def test_a_clerk_s_word_stands(flag: bool) -> None:
    desk, (first,) = decided([said(1, "中山路的烟酒店", "卖烟给学生" if not flag else "请问几点关门")])
    ordered(desk, first, "reclassify", confidentiality="public" if not flag else "restricted", minor=flag)
    number = ticket_of(desk, first).ticket_no
    take(desk, [said(2, f"补充 {number}", "班主任体罚学生", sender="13900000001")])
    ticket = ticket_of(desk, first)
    assert ticket.message_count == 2
    assert ticket.minor_protection is not UNSET
    assert ticket.minor_protection.flag is flag
    assert ticket.confidentiality == ("restricted" if flag else "public")


@pytest.mark.parametrize("flag", [True, False])
def test_harm_that_is_told_after_a_clerk_s_word_is_reported_beside_the_flag(flag: bool) -> None:
    desk, (first,) = decided([said(1, "丽景新城的补课班", "六年级的补课班，请问有没有许可")])
    decisions = [first, ordered(desk, first, "reclassify", minor=flag)]
    number = ticket_of(desk, first).ticket_no
    decisions += take(desk, [said(2, f"补充 {number}", "请问有结果吗", sender="13900000001")])
    assert isinstance(protection := ticket_of(desk, first).minor_protection, MinorProtection)
    assert (protection.flag, bool(protection.mandatory_report)) == (flag, False)
    for again in (3, 4):
        decisions += take(desk, [said(again, f"补充 {number}", f"班主任体罚学生{again}次", sender="13900000001")])
        assert isinstance(protection := ticket_of(desk, first).minor_protection, MinorProtection)
        assert (protection.flag, protection.mandatory_report, protection.topic) == (flag, True, "school")
        assert protection.referral_body == "教育行政部门"
        assert ticket_of(desk, first).confidentiality == "restricted"
        decisions.append(ordered(desk, first, "reclassify", minor=flag))
        assert isinstance(protection := ticket_of(desk, first).minor_protection, MinorProtection)
        assert (protection.flag, bool(protection.mandatory_report)) == (flag, flag)
    assert fold(decisions, TicketPolicy()).tickets == desk.state.tickets


def test_a_clerk_who_confirms_a_minor_takes_nothing_back_that_was_told() -> None:
    desk, (first,) = decided([said(1, "实验小学", "班主任体罚学生", sender="13900000001")])
    before = ticket_of(desk, first).minor_protection
    assert isinstance(before, MinorProtection)
    assert before.mandatory_report
    ordered(desk, first, "reclassify", minor=True)
    assert ticket_of(desk, first).minor_protection == before
    ordered(desk, first, "reclassify", minor=True, minor_topic="family")
    assert isinstance(moved := ticket_of(desk, first).minor_protection, MinorProtection)
    assert (moved.flag, moved.role, moved.topic, moved.mandatory_report) == (True, before.role, "family", True)
    ordered(desk, first, "reclassify", minor=True)
    assert ticket_of(desk, first).minor_protection == moved


def test_a_clerk_s_word_on_harm_stands_until_more_is_told() -> None:
    desk, (first,) = decided([said(1, "实验小学", "班主任体罚学生", sender="13900000001")])
    decisions = [first, ordered(desk, first, "reclassify", minor=True, minor_harm=False)]
    decisions.append(ordered(desk, first, "reclassify", minor=True))
    assert isinstance(protection := ticket_of(desk, first).minor_protection, MinorProtection)
    assert (protection.flag, bool(protection.mandatory_report)) == (True, False)
    decisions.append(ordered(desk, first, "reclassify", minor=True, minor_harm=True))
    assert isinstance(protection := ticket_of(desk, first).minor_protection, MinorProtection)
    assert protection.mandatory_report
    assert fold(decisions, TicketPolicy()).tickets == desk.state.tickets


def test_words_that_there_are_not_are_refused() -> None:
    desk, (first,) = decided([said(1, "中山路的路灯不亮")])
    for args in (
        {"confidentiality": "secret"},
        {"minor": True, "minor_topic": "sea"},
        {"minor": False, "minor_harm": True},
    ):
        assert ordered(desk, first, "reclassify", **args).method == "refused"


def test_tickets_about_minors_are_joined_to_no_other_by_themselves() -> None:
    title, text = "丽景新城小学班主任体罚学生", "丽景新城小学五年级班主任体罚学生，罚站一上午，还打手心"
    desk, decisions = decided([said(1, title, text), said(2, title, text)])
    assert [decision.relation for decision in decisions] == ["new", "new"]
    assert len(ticket_of(desk, decisions[1]).proposals) == 1


def test_what_a_clerk_calls_a_report_is_joined_to_no_other_by_itself() -> None:
    title, text = "丽景新城小区搅拌站噪音扰民", "丽景新城小区旁边的搅拌站整夜施工，噪音扰民，粉尘很大"
    desk, (first,) = decided([said(1, title, text)])
    (second,) = take(desk, [said(2, title, text)])
    assert second.relation == "same_matter_other_person"
    ordered(desk, first, "reclassify", kind="report")
    ordered(desk, second, "reclassify", kind="report")
    assert take(desk, [said(3, title, text)])[0].relation == "new"


@each_row(
    ("kind", "more", "words", "relation"),
    [
        ("举报", "", [{"confidentiality": "internal"}], "same_matter_other_person"),
        ("投诉", "我是该公司内部员工，举报我公司", [{"confidentiality": "internal"}], "same_matter_other_person"),
        ("投诉", "有未成年人进网吧", [{"minor": False}, {"confidentiality": "internal"}], "same_matter_other_person"),
        ("举报", "", [{"kind": "complaint"}], "new"),
        ("投诉", "有未成年人进网吧", [{"minor": False}], "new"),
    ],
)
def test_a_ticket_is_joined_again_once_a_clerk_lowered_its_level(
    kind: str, more: str, words: list[dict[str, Any]], relation: str
) -> None:
    """Another kind, or no minor, is not enough: the level stays, and its ticket is published as restricted."""
    title, text = "丽景新城小区搅拌站噪音扰民", "丽景新城小区旁边的搅拌站整夜施工，噪音扰民，粉尘很大"
    for orders, wanted in (([], "new"), (words, relation)):
        desk, (first,) = decided([said(1, title, f"{text}，{more}", kind=kind)])
        for word in orders:
            ordered(desk, first, "reclassify", **word)
        assert take(desk, [said(2, title, text)])[0].relation == wanted


def test_the_line_that_was_dialled_is_named_with_how_it_was_merged() -> None:
    for fields in ({"hotline_code": "12301"}, {"account": "12301"}):
        origin = one("导游强迫购物", jurisdiction="450100", **fields).origin
        assert origin is not None
        assert (origin.hotline_code, origin.merge_mode) == ("12301", "merged")
    assert one("路灯不亮", jurisdiction="450100", account="mayor").origin is None


def test_the_log_alone_gives_the_same_state() -> None:
    desk, decisions = decided([said(1, "中山路的烟酒店", "卖烟给学生")])
    decisions.append(ordered(desk, decisions[0], "reclassify", confidentiality="public", minor=False))
    folded = fold(decisions, TicketPolicy())
    (ticket,) = folded.tickets.values()
    assert (ticket.confidentiality, ticket.by_clerk) == ("public", ("confidentiality", "minor"))
    assert State(TicketPolicy(), folded.dump()).tickets == folded.tickets


@each_row(
    ("word", "level", "reasons"),
    [
        ({"minor": True}, "restricted", ("minor",)),
        ({"kind": "report"}, "restricted", ("report",)),
        ({"kind": "complaint"}, "confidential", ("complaint",)),
        ({"kind": "consultation"}, "internal", ()),
        ({"minor": False}, "internal", ()),
        ({"minor": True, "confidentiality": "internal"}, "internal", ("clerk",)),
    ],
)
def test_the_level_follows_a_clerk_s_word_at_once(word: dict[str, Any], level: str, reasons: tuple[str, ...]) -> None:
    desk, (first,) = decided([said(1, "中山路的路灯不亮", "请问什么时候修")])
    decisions = [first, ordered(desk, first, "reclassify", **word)]
    ticket = ticket_of(desk, first)
    assert (ticket.confidentiality, ticket.confidentiality_reasons) == (level, reasons)
    assert fold(decisions, TicketPolicy()).tickets == desk.state.tickets


def test_a_level_that_a_clerk_set_is_not_raised_by_a_later_word() -> None:
    desk, (first,) = decided([said(1, "中山路的路灯不亮", "请问什么时候修")])
    ordered(desk, first, "reclassify", confidentiality="internal")
    ordered(desk, first, "reclassify", kind="report", minor=True)
    assert ticket_of(desk, first).confidentiality == "internal"
