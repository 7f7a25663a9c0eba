"""A text that is passed around and filled in with one's own estate, road or shop is another incident; a copy is not."""

from pathlib import Path

import pytest

from tests.rows import each_row
from tests.tickets.said import decided, said

SENDERS = ("13900000001", "13900000002")

LIFT = (
    "你好，我是{}的业主，我们小区的电梯从上个月开始天天出毛病，一个月里困了五回人，昨天又把一个怀孕的女邻居关在里面四十多分钟，"
    "物业只会说配件没到，让我们再等等，可是谁家没有老人孩子，天天提心吊胆的，请你们派人来检查一下，给个说法"
)
LIFT_TOLD_LATE = (
    "你好，我们这里从上个月开始电梯天天出毛病，一个月里困了五回人，昨天又把一个怀孕的女邻居关在里面四十多分钟。"
    "物业只会说配件没到，让我们再等等，可是谁家没有老人孩子，天天提心吊胆的，请你们派人来检查一下，给个说法。我们是{}的住户"
)
ROAD = (
    "尊敬的领导你们好，我是{}的村民，我们村通往镇上的那条路从前年开始就坏了，到处都是坑，下雨天全是泥水，孩子们上学放学都要绕很远，"
    "老人也摔倒过好几回，村里人找过镇上很多次，镇上说没有钱，让我们等，已经等了两年多，请领导派人来看看，帮我们把路修好"
)
LIGHTS = (
    "你好，{}的路灯从上个月开始就全部不亮了，一到晚上整条街黑漆漆的，上下班的人骑车都看不清，前天晚上有个老人被电动车撞倒在地上，"
    "到现在还躺在医院里，打了好几次电话都说派人来修，可是等到今天也没有见到一个人，请尽快派人过来"
)
CAKE = (
    "我在{}买的蛋糕吃出了头发，找店员店员说不是他们的，让我去找厂家，态度特别差，我要求赔偿，还有上次买的面包也是发霉的，"
    "当时没有计较，现在想起来真是气人，请你们市场监管部门好好查一查这家店"
)


def relation(first: str, second: str, senders: tuple[str, str]) -> str:
    """Return what an empty city makes of the second message, none of which has a title."""
    messages = [
        said(n, "", text, sender=sender) for n, (text, sender) in enumerate(zip((first, second), senders, strict=True))
    ]
    return decided(messages)[1][1].relation


@each_row(
    ("letter", "one", "other"),
    [
        (LIFT, "荷塘月色", "枫丹白露"),
        (LIFT, "天鹅堡", "狮子堡"),
        (LIFT_TOLD_LATE, "云栖花园", "松涛花园"),
        (ROAD, "双桥村", "石桥村"),
        (LIGHTS, "东湖路", "南湖路"),
        (LIGHTS, "永和街", "泰和街"),
        (CAKE, "好利来", "幸福西饼"),
        ("{}门口的消防栓漏水", "海宁路农行", "海宁路新华书店"),
        ("{}对面有个大坑，骑车摔了", "学院路农行", "学院路肯德基"),
    ],
)
def test_a_text_with_another_name_put_in_is_neither_joined_nor_filed_together(
    letter: str, one: str, other: str
) -> None:
    for senders in (SENDERS, (SENDERS[0], SENDERS[0])):
        assert relation(letter.format(one), letter.format(other), senders) == "new"


@each_row(
    ("before", "behind"),
    [
        ("【转发】大家帮忙转一下：", ""),
        ("邻居让我转给你们的：", ""),
        ("来电人反映：", "。要求尽快处理"),
        ("尊敬的市长，您好！", "谢谢！"),
        ("12345你好，", "，麻烦督促"),
    ],
)
@each_row("name", ["荷塘月色", "云栖花园"])
def test_a_copy_under_another_greeting_is_the_same_incident(before: str, behind: str, name: str) -> None:
    letter = LIFT.format(name)
    copy = f"{before}{letter.removeprefix('你好，')}{behind}"
    assert relation(letter, copy, SENDERS) == "same_matter_other_person"
    assert relation(letter, copy, (SENDERS[0], SENDERS[0])) == "same_person_same_matter"


@pytest.mark.parametrize(
    ("name", "joined_apart", "joined_same"),
    [("untitled.tsv", 0, 24), ("untitled_unseen.tsv", 1, 20), ("incidents_strangers.tsv", 2, 0)],
)
def test_what_people_write_by_sms_and_chat_is_joined_as_before(name: str, joined_apart: int, joined_same: int) -> None:
    """The figures of docs/reference/quality.md; of the lists but the first no row is looked at."""
    rows = [line.split("\t") for line in Path(__file__).with_name(name).read_text("utf-8").splitlines()]
    joined = [verdict for verdict, _, *pair in rows if relation(*pair, SENDERS) == "same_matter_other_person"]
    assert joined.count("apart") <= joined_apart
    assert joined.count("same") >= joined_same
