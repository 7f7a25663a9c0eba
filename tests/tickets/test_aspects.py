"""Texts without a title: two matters of one thing, two shops, two power cuts that may be anywhere are only proposed.

`aspects.tsv` and `aspects_unseen.tsv` are pairs of our own; of the second no row is looked at. Kinds of `apart`: o and
l one place and one thing (l in long texts), s two shops, p no place at all, which one person may well say twice.
"""

from datetime import date
from pathlib import Path

import pytest

from normalizers.rules import DEFAULT_RULES
from normalizers.similarity.terms import matter_of
from tests.rows import each_row
from tests.tickets.said import decided, said, ticket_of

ONE, OTHER = SENDERS = ("13900000001", "13900000002")
ANYWHERE = "p"


def relation(first: str, second: str, *senders: str, titles: tuple[str, str] = ("", "")) -> str:
    """Return what an empty city makes of the second message."""
    messages = [
        said(n, title, text, sender=sender)
        for n, (title, text, sender) in enumerate(zip(titles, (first, second), senders, strict=True))
    ]
    return decided(messages)[1][1].relation


@each_row(
    ("first", "second"),
    [
        ("桂语江南的电梯广告太吵", "桂语江南电梯困人"),
        ("上河城供暖不热", "上河城供暖费不给退"),
        ("万达广场停车场收费不合理", "万达广场停车场太黑"),
        ("福润家园的暖气费多算了一个月", "福润家园的暖气管爆了，喷得到处是水"),
        ("丽水佳园监控坏了半年", "丽水佳园有人把监控对着我家门"),
        ("湖畔春天装修半夜电钻响", "湖畔春天精装修用的是假地板"),
        ("东方俪城地下车库积水", "东方俪城地下车库车位只卖不租"),
    ],
)
@each_row("titles", [("", ""), ("投诉", "投诉"), ("市民求助", "转发：请领导帮帮我们")])
def test_two_things_that_happened_to_one_thing_are_two_matters(
    first: str, second: str, titles: tuple[str, str]
) -> None:
    """A title that says next to nothing is none."""
    assert relation(first, second, *SENDERS, titles=titles) == "new"
    messages = [
        said(n, title, text, sender=ONE) for n, (title, text) in enumerate(zip(titles, (first, second), strict=True))
    ]
    desk, (one, two) = decided(messages)
    ours, theirs = ticket_of(desk, one), ticket_of(desk, two)
    assert ours.ticket_id != theirs.ticket_id
    assert [proposal.target for proposal in theirs.proposals] == [ours.ticket_id]


@each_row(
    ("first", "second"),
    [
        ("老刘家常菜馆的菜里有蟑螂，找老板不认账", "福满楼的菜里有蟑螂，找老板不认账"),
        ("我在佳美超市买的牛奶过期了，店员不给退", "我在万客隆买的牛奶过期了，店员不给退"),
    ],
)
@each_row("titles", [("", ""), ("投诉", "投诉"), ("市民求助", "转发：请领导帮帮我们")])
def test_two_shops_whose_names_are_not_equally_long_are_two_matters(
    first: str, second: str, titles: tuple[str, str]
) -> None:
    assert relation(first, second, *SENDERS, titles=titles) == "new"
    assert relation(first, second, ONE, ONE, titles=titles) == "new"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("隔壁装修太吵了", "隔壁在装修，吵死了"),
        ("外卖吃出虫子，商家不认", "点的外卖里有虫子，商家不承认"),
    ],
)
def test_what_may_be_anywhere_is_one_matter_of_one_person_and_only_proposed_for_two(first: str, second: str) -> None:
    assert relation(first, second, ONE, ONE) == "same_person_same_matter"
    desk, (one, two) = decided([said(n, "", text, sender=SENDERS[n]) for n, text in enumerate((first, second))])
    ours, theirs = ticket_of(desk, one), ticket_of(desk, two)
    assert ours.cluster_id != theirs.cluster_id
    assert [proposal.target for proposal in theirs.proposals] == [ours.ticket_id]


def test_a_place_that_one_tells_later_is_where_the_ticket_is() -> None:
    texts = ("外卖吃出虫子，商家不认", "点的外卖里有虫子，商家不承认，店在松涛苑门口")
    desk, _ = decided([said(n, "", text, sender=ONE) for n, text in enumerate(texts)])
    (ticket,) = desk.state.tickets.values()
    here, elsewhere = (said(9, "", text).features for text in (texts[1], texts[0]))
    assert not desk.state.dedupe.may_be_elsewhere(here, ticket.order)
    assert desk.state.dedupe.may_be_elsewhere(elsewhere, ticket.order)


def test_a_long_text_that_is_passed_around_is_one_matter_wherever_it_is() -> None:
    text = (
        "你好，我们这里从上个月开始电梯天天出毛病，一个月里困了五回人，昨天又把一个怀孕的女邻居关在里面四十多分钟。物业只会说配件没到，让我们再等等，"
        "可是谁家没有老人孩子，天天提心吊胆的，请你们派人来检查一下，给个说法"
    )
    assert relation(text, f"转发：{text.removeprefix('你好，')}", *SENDERS) == "same_matter_other_person"


def test_what_quotes_one_order_is_not_parted_by_what_happened() -> None:
    first, second = "车牌辽A3K58F的出租车太脏", "出租车辽A3K58F开得飞快"
    assert matter_of("", first.lower()).aspects.isdisjoint(matter_of("", second.lower()).aspects)
    assert relation(first, second, *SENDERS) == "same_matter_other_person"


@each_row(
    ("text", "is_told"),
    [
        ("家里停电了，请问什么时候来电", False),
        ("昨天停电停到现在，冰箱里的东西都化了", False),
        ("3号楼停电了", False),
        ("泰山街东头停电了", True),
        ("枫丹白露停电了", True),
        ("三合里停电了", True),
        ("火车站门口停电了", True),
        ("88路公交车半天不来", True),
        ("22路末班车提前走了", True),
    ],
)
def test_what_tells_where_it_is(text: str, is_told: bool) -> None:
    assert bool(matter_of("", text, DEFAULT_RULES, date(2026, 11, 28)).whereabouts) is is_told


def test_where_there_is_a_title_what_happened_is_not_asked_and_it_tells_where() -> None:
    matter = matter_of("枫丹白露电梯困人", "电梯困人了")
    assert not matter.aspects
    assert {"枫丹", "白露"} <= matter.whereabouts


@pytest.mark.parametrize(
    ("name", "apart", "anywhere", "same"),
    [("aspects.tsv", (0, 0), (0, 2), (14, 8)), ("aspects_unseen.tsv", (2, 0), (0, 0), (8, 4))],
)
def test_pairs_joined_and_filed(
    name: str, apart: tuple[int, int], anywhere: tuple[int, int], same: tuple[int, int]
) -> None:
    """The figures of docs/reference/quality.md: joined for two persons, filed in one ticket for one."""
    rows = [line.split("\t") for line in Path(__file__).with_name(name).read_text("utf-8").splitlines()]
    found = {"apart": [0, 0], ANYWHERE: [0, 0], "same": [0, 0]}
    for verdict, kind, first, second in rows:
        counts = found[ANYWHERE if (verdict, kind) == ("apart", ANYWHERE) else verdict]
        counts[0] += relation(first, second, *SENDERS) == "same_matter_other_person"
        counts[1] += relation(first, second, ONE, ONE) == "same_person_same_matter"
    assert tuple(found["apart"]) <= apart
    assert found["apart"][1] <= apart[1]
    assert found[ANYWHERE][0] <= anywhere[0]
    assert found["same"][0] >= same[0]
    assert found["same"][1] >= same[1]
