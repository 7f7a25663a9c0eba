"""Minors, what is not accepted, confidentiality, merged lines: what a message obliges to, with its evidence."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from normalizers import rulebooks
from normalizers.base import Policy
from normalizers.enrich import acceptance, confidentiality, merged_hotlines, minors
from normalizers.pipeline import normalize
from normalizers.rules import DEFAULT_RULES, Rules
from schemas import enums
from schemas.errors import MisconfiguredError
from schemas.records import Message, raw_message
from tests.normalizers.conftest import TAKEN
from tests.rows import each_row


def message(text: str, title: str | None = None, policy: Policy | None = None, **more: Any) -> Message:
    record = {"id": "1", "text": text, "title": title, "sender": "13800138000", **more}
    raw = raw_message(
        channel="record", channel_kind="record", account="a", jurisdiction="210100", identifier="1",
        value=json.dumps(record, ensure_ascii=False).encode(), content_type="application/json",
        time=TAKEN, recorded=TAKEN, sender="a",
    )  # fmt: skip
    return normalize(raw, policy or Policy()).message


def told(made: Message, kind: str) -> list[str]:
    return [one.value for one in made.findings if one.kind == kind]


def evidence(made: Message, kind: str) -> str | None:
    (found,) = (one for one in made.findings if one.kind == kind)
    return made.text[slice(*found.span)] if found.span else None


@each_row(
    ("text", "role", "topic", "harm"),
    [
        ("实验小学五年级班主任经常体罚学生，罚站一上午", "subject", "school", True),
        ("我家孩子在学校被同学打，老师不管", "subject", "school", True),
        ("邻居家的男人天天毒打孩子", "subject", "family", True),
        ("校门口的烟酒店卖烟给学生", "subject", "society", False),
        ("孩子沉迷游戏，偷偷充值游戏八千元，请协助退款", "subject", "network", False),
        ("村里有两个事实无人抚养的孩子没有领到补助", "subject", "government", False),
        ("离婚后孩子的抚养权怎么变更", "subject", "judicial", False),
        ("我是一名初中生，学校周六还要补课", "requester", None, False),
    ],
)
def test_minors_are_told_with_the_protection(text: str, role: str, topic: str | None, harm: bool) -> None:
    made = message(text)
    assert told(made, "minor") == [role]
    assert told(made, "minor_topic") == ([topic] if topic else [])
    assert bool(told(made, "minor_harm")) is harm
    assert {f"minor.{role}"} <= set(made.features.codes)


@each_row(
    "text",
    [
        "孩子上小学要什么材料？学区怎么划分",
        "我是小学生家长，校门口交通太乱",
        "幼儿园收费太高，希望降低",
        "儿子虐待老人，社区应该管管",
        "小区里的儿童滑梯坏了，请维修",
    ],
)
def test_having_children_is_an_ordinary_matter(text: str) -> None:
    assert not [code for code in message(text).features.codes if code.startswith("minor")]


@each_row(
    ("text", "reason", "words_of_it"),
    [
        ("开发商拖欠工程款，法院已经立案，请政府协调", "litigation_or_arbitration", "法院已经立案"),
        ("我要举报镇长受贿，收了开发商的钱", "discipline_inspection", "举报镇长受贿"),
        ("反映社区书记长期贪污低保金", "discipline_inspection", "反映社区书记长期贪污"),
        ("举报中心小学校长吃拿卡要", "discipline_inspection", "举报中心小学校长吃拿卡要"),
        ("对罚款不服，已申请行政复议决定书也下来了", "administrative_reconsideration", "申请行政复议"),
        ("我向贵局提交政府信息公开申请", "government_information_disclosure", "政府信息公开申请"),
        ("对信访答复不满意", "petition_channel", "信访答复"),
        ("帮我查一下车主电话，他挡了我的车", "personal_privacy", "帮我查一下车主电话"),
        ("部队营区外的围墙倒了", "military", "部队营区"),
    ],
)
def test_what_belongs_elsewhere_is_told_with_its_words(text: str, reason: str, words_of_it: str) -> None:
    made = message(text)
    assert told(made, "not_accepted") == [reason]
    assert evidence(made, "not_accepted") == words_of_it
    assert f"not_accepted.{reason}" in made.features.codes


@each_row(
    "text",
    [
        "我要匿名举报物业经理受贿",
        "举报物业公司领导收受装修公司回扣，索贿受贿",
        "业委会主任贪污维修基金，举报多次",
        "我要举报公司老板行贿受贿",
        "举报中介经理以权谋私",
    ],
)
def test_who_holds_no_public_office_is_no_matter_of_discipline_inspection(text: str) -> None:
    assert told(message(text), "not_accepted") == []


@each_row("text", ["信访局电话是多少", "请问如何起诉物业公司", "违章停车没人管", "路灯坏了"])
def test_who_asks_for_the_way_or_tells_of_a_street_is_taken(text: str) -> None:
    assert told(message(text), "not_accepted") == []


@each_row("text", ["测试", "?", "。。。", "您好!"])
def test_who_says_nothing_is_asked_to_say_more(text: str) -> None:
    assert told(message(text), "not_accepted") == ["no_request_content"]


def test_a_picture_alone_says_something() -> None:
    made = message("看", attachments=[{"name": "a.txt", "data": "YQ=="}])
    assert told(made, "not_accepted") == []


def test_a_city_may_ask_for_a_way_to_answer(tmp_path: Path) -> None:
    ours = resources.files("normalizers.rules").joinpath("acceptance.toml").read_text("utf-8")
    own = ours.replace("without_contact = false", "without_contact = true")
    (tmp_path / "acceptance.toml").write_text(own, encoding="utf-8")
    policy = Policy(rules=Rules.load(tmp_path))
    assert told(message("路灯坏了", sender="张三", policy=policy), "not_accepted") == ["no_valid_contact"]
    assert told(message("路灯坏了", sender="张三"), "not_accepted") == []
    assert told(message("路灯坏了，电话13800138000", sender="张三", policy=policy), "not_accepted") == []


def test_every_reason_has_words_for_the_citizen_and_the_channel_of_most_is_named() -> None:
    for reason in enums.NOT_ACCEPTED:
        text = acceptance.text_for(reason)
        assert (text or "").endswith("。"), reason
    assert "12388" in (acceptance.text_for("discipline_inspection") or "")
    assert "12368" in (acceptance.text_for("litigation_or_arbitration") or "")
    assert acceptance.text_for("of_a_later_version") is None


@each_row(
    ("text", "codes"),
    [
        ("楼下饭店深夜扰民，请保密", {"confidentiality.confidential"}),
        ("请勿透露我的电话", {"confidentiality.confidential", "anonymous.withheld_on_request"}),
        ("匿名反映:工地夜间施工", {"confidentiality.confidential", "anonymous.withheld_on_request"}),
        ("我是该厂员工，厂里夜里偷排废水", {"confidentiality.restricted"}),
        ("举报我们公司拖欠社保", {"confidentiality.restricted"}),
        ("物业账目不公开，业委会不管", set()),
        ("签了保密协议，公司不给竞业补偿", set()),
    ],
)
def test_what_the_requester_asks_for_is_heard(text: str, codes: set[str]) -> None:
    found = {code for code in message(text).features.codes if code.startswith(("confidentiality.", "anonymous."))}
    assert found - {"confidentiality.report"} == codes


@each_row(
    ("codes", "level", "reasons"),
    [
        ((), "internal", ()),
        (("request_kind.complaint",), "confidential", ("complaint",)),
        (("confidentiality.confidential", "request_kind.complaint"), "confidential", ("requested", "complaint")),
        (("confidentiality.report", "request_kind.report"), "restricted", ("report",)),
        (("minor.subject", "emergency.self_harm"), "restricted", ("minor", "self_harm")),
        (("minor_topic.school",), "internal", ()),
    ],
)
def test_the_highest_level_counts(codes: tuple[str, ...], level: str, reasons: tuple[str, ...]) -> None:
    assert confidentiality.level_of(codes, DEFAULT_RULES) == (level, reasons)


def test_evidence_stands_in_the_text_as_written() -> None:
    assert evidence(message("　　老師經常體\u200b罰學生"), "minor_topic") == "老師經常體\u200b罰"
    assert evidence(message("很多天了", title="老师体罚学生"), "minor_topic") is None


def test_merged_lines_by_province() -> None:
    assert merged_hotlines.merge_mode("12301", "450100") == "merged"
    assert merged_hotlines.merge_mode("12333", "450100") == "parallel"
    assert merged_hotlines.merge_mode("12301", "210100") is None


def test_the_law_of_each_protection_is_named() -> None:
    for topic in enums.MINOR_TOPICS:
        known = minors.protection(topic)
        assert known is not None
        assert enums.MINOR_TOPICS[topic] in known.basis
        assert known.referral
    assert minors.protection("of_a_later_version") is None


@pytest.mark.parametrize(
    ("name", "was", "now"),
    [
        ("minors", "[topics.family]", "[topics.families]"),
        ("minors", "@pupil…", "@nobody…"),
        ("acceptance", "[reasons.military]", "[reasons.navy]"),
        ("acceptance", 'text = "您的来件没有', 'txt = "您的来件没有'),
        ("confidentiality", 'level = "restricted"', 'level = "secret"'),
        ("hotlines", 'parallel = ["12315"', 'parallel = ["12301"'),
    ],
)
def test_rules_that_do_not_fit_are_named_before_a_message_meets_them(
    tmp_path: Path, name: str, was: str, now: str
) -> None:
    ours = resources.files("normalizers.rules").joinpath(f"{name}.toml").read_text("utf-8")
    assert was in ours
    (tmp_path / f"{name}.toml").write_text(ours.replace(was, now), encoding="utf-8")
    with pytest.raises(MisconfiguredError, match=rf"{name}\.toml"):
        rulebooks.verify(Rules.load(tmp_path))


def test_a_book_takes_no_longer_than_its_length() -> None:
    assert told(message("学生" * 15_000), "minor") == []
