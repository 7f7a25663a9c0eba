"""Where a message names neither a place nor a thing, when, where and to whom it befell tell it from others."""

from datetime import date

import pytest

from normalizers.rules import DEFAULT_RULES
from normalizers.similarity.terms import matter_of
from normalizers.text.fold import fold
from tests.rows import each_row

TODAY = date(2026, 11, 25)


def marks(said: str, day: date | None = TODAY) -> set[tuple[str, str]]:
    return set(matter_of("", fold(said), DEFAULT_RULES, day).marks)


@each_row(
    ("said", "expected"),
    [
        ("今天上午突然停电", {("day", "11-25"), ("part of day", "morning")}),
        ("昨天下午突然停电", {("day", "11-24"), ("part of day", "afternoon")}),
        ("大前天买的活鸡死了", {("day", "11-22")}),
        ("昨晚停电到天亮", {("day", "11-24"), ("part of day", "night")}),
        ("20号晚上邻居打架没人来", {("day", "11-20"), ("part of day", "night")}),
        ("30号晚上邻居打架没人来", {("day", "10-30"), ("part of day", "night")}),
        ("早上8点坐车被多收钱", {("part of day", "morning")}),
        ("凌晨两点打车被多收钱", {("part of day", "night"), ("part of day", "morning")}),
        ("去年的取暖补贴没有给我", {("year", "2025")}),
        ("2025年的取暖补贴没有给我", {("year", "2025")}),
        ("在杭州看病花的钱不给报", {("city", "杭州")}),
        ("去云南的旅行团强制购物", {("city", "云南")}),
        ("我在宏发制衣上班，生育津贴不发", {("called by", "宏发")}),
        ("驾校不安排考试，驾校叫安达", {("called by", "安达")}),
        ("洗车把漆刮花了，店名：车洁士", {("called by", "车洁")}),
        ("丈母娘住院的押金不退", {("whose", "岳母")}),
        ("丈母娘在工地摔了", {("whose", "岳母")}),
        ("唱响时代KTV充的卡退不了", {("ktv called", "时代"), ("ktv of four", "唱响")}),
        ("投诉对面如意宾馆不退押金", {("宾馆 called", "如意")}),
    ],
)
def test_what_tells_one_matter_from_another(said: str, expected: set[tuple[str, str]]) -> None:
    assert {mark for mark in marks(said) if mark[0] != "trouble"} == expected


@each_row(
    "said",
    [
        "从昨天开始就没有热水",
        "昨天晚上起就没有热水",
        "今天上午到现在都没有热水",
        "以前天天有人打扫",
        "每天夜里施工没人管",
        "从早上8点排到晚上",
        "公司是骗子",
        "去上海路办事没人理",
        "我在公司上班没有社保",
        "邻居叫人来闹事",
        "去年起就不发补贴",
    ],
)
def test_since_when_habits_and_common_words_tell_nothing(said: str) -> None:
    assert {kind for kind, _ in marks(said)} <= {"trouble", "stance"}


def test_one_day_is_the_same_however_it_is_told() -> None:
    assert marks("今天突然停电") == marks("昨天突然停电", date(2026, 11, 26))
    assert ("day", "11-25") in marks("11月25日突然停电") & marks("今天突然停电")
    assert marks("昨天突然停电", date(2026, 1, 1)) == {("day", "12-31")}
    assert marks("20号晚上突然停电", date(2026, 1, 10)) >= {("day", "12-20")}
    assert not marks("昨天突然停电", None)


@pytest.mark.parametrize("said", ["幸福小区昨天下午停电", "柳荫公寓7号楼今天上午停电"])
def test_who_names_a_place_or_a_building_is_told_apart_by_that_alone(said: str) -> None:
    assert not {kind for kind, _ in marks(said)} & {"day", "part of day"}


def test_a_title_of_digits_alone_takes_no_time() -> None:
    assert not marks("1" * 60_000)
