"""Two things at one place, told in the same words but for a stretch: two matters, whatever stands there.

The lists are our own pairs: `things.tsv` one place and one trouble, `tempting.tsv` another building, day, thing or flat
(of `tempting_unseen.tsv`, its other half, no row is looked at), `one_word.tsv` one incident with a word or two changed:
the worst case for what parts the others.
"""

from pathlib import Path

import pytest

from tests.tickets.said import ONE, SENDERS, decided, relation, said, ticket_of


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("兴隆村的路被大货车压坏了", "兴隆村的桥被大货车压坏了"),
        ("翡翠城物业的保洁态度差，说两句就骂人", "翡翠城物业的收费员态度差，说两句就骂人"),
        ("翡翠城楼上邻居的洗衣机漏水到我家", "翡翠城楼上邻居的鱼缸漏水到我家"),
        ("我住翡翠城，物业把我的电动车拖走了", "我住翡翠城，物业把我的三轮车拖走了"),
        ("翡翠城快递被驿站弄丢了，一分钱不赔", "翡翠城快递被驿站摔坏了，一分钱不赔"),
    ],
)
def test_one_stretch_that_is_other_at_one_place_is_only_proposed(first: str, second: str) -> None:
    assert relation(first, second, *SENDERS) == "new"
    assert relation(first, second, ONE, ONE) == "new"
    desk, (one, two) = decided([said(n, "", text, sender=SENDERS[n]) for n, text in enumerate((first, second))])
    assert [proposal.target for proposal in ticket_of(desk, two).proposals] == [ticket_of(desk, one).ticket_id]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("翡翠城小区停水两天了没人管", "翡翠城小区停水三天了没人管"),
        ("翡翠城小区昨天停水了没人管", "翡翠城小区今天停水了没人管"),
        ("翡翠城的路灯坏了一个月没人修", "翡翠城的路灯坏了两个月没人修"),
        ("红星小区面包房半夜机器响，吵得睡不着", "红星小区面包房凌晨机器响，吵得睡不着"),
        ("恒信建筑公司拖欠农民工工资八千元", "恒信建筑公司欠我们农民工工资不给"),
        (
            "星河小区和春晖街中间那片荒地，说好要修停车场，两年了一点动静没有，到底哪天开工",
            "星河小区和春晖街中间那片荒地，停车场还修不修，打算哪天动工？一直荒在那儿长草",
        ),
    ],
)
def test_who_says_that_it_goes_on_or_tells_it_anew_is_joined(first: str, second: str) -> None:
    assert relation(first, second, *SENDERS) == "same_matter_other_person"
    assert relation(first, second, ONE, ONE) == "same_person_same_matter"


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("钟楼巷昨天晚上停水，没通知", "钟楼巷10月3号停水，没通知", "new"),
        ("钟楼巷昨天晚上停电，没通知", "钟楼巷9月1日停电，没通知", "new"),
        ("钟楼巷昨天晚上停水，没通知", "钟楼巷11月24号停水，没通知", "same_matter_other_person"),
        ("钟楼巷今天早上停水，没通知", "钟楼巷11月24号夜里停水，没通知", "same_matter_other_person"),
        ("钟楼巷昨天晚上停水，没通知", "钟楼巷从10月3号起停水，没通知", "same_matter_other_person"),
        ("钟楼巷昨天晚上停水，没通知", "钟楼巷10月3号停水，到现在没来", "same_matter_other_person"),
    ],
)
def test_a_date_and_a_day_by_the_calendar_tell_what_is_sudden_apart(first: str, second: str, found: str) -> None:
    assert relation(first, second, *SENDERS) == found


def test_who_quotes_one_number_is_not_parted_by_a_stretch() -> None:
    first, second = "车牌辽A3K58F的出租车司机骂人", "车牌辽A3K58F的出租车乘务员骂人"
    assert relation(first, second, *SENDERS) == "same_matter_other_person"


def test_where_there_are_titles_a_stretch_of_the_text_parts_nobody_at_one_place() -> None:
    messages = [
        said(n, "翡翠城物业态度恶劣", f"翡翠城物业的{who}态度差，说两句就骂人", sender=SENDERS[n])
        for n, who in enumerate(("保洁", "收费员"))
    ]
    assert decided(messages)[1][1].relation == "same_matter_other_person"


@pytest.mark.parametrize(
    ("name", "apart", "same"),
    [
        ("things.tsv", (6, 4), (15, 13)),
        ("tempting.tsv", (2, 1), (8, 4)),
        ("tempting_unseen.tsv", (7, 4), (6, 5)),
        ("one_word.tsv", (0, 0), (12, 13)),
    ],
)
def test_tempting_pairs_joined_and_filed(name: str, apart: tuple[int, int], same: tuple[int, int]) -> None:
    """The figures of docs/reference/quality.md: joined for two persons, filed in one ticket for one."""
    rows = [line.split("\t") for line in Path(__file__).with_name(name).read_text("utf-8").splitlines()]
    found = {"apart": [0, 0], "same": [0, 0]}
    for verdict, first, second in rows:
        found[verdict][0] += relation(first, second, *SENDERS) == "same_matter_other_person"
        found[verdict][1] += relation(first, second, ONE, ONE) == "same_person_same_matter"
    assert (found["apart"][0] <= apart[0], found["apart"][1] <= apart[1]) == (True, True)
    assert (found["same"][0] >= same[0], found["same"][1] >= same[1]) == (True, True)
