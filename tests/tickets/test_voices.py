"""One incident in other voices, and two incidents in near-equal words.

`voices.tsv` and `voices_unseen.tsv` are our own pairs, written together before either was measured and parted row by
row: of a letter and an SMS, a call, a later message, a caption of a picture, a neighbour; of another estate, building,
flat, road, line, school, time and matter, of templates, campaigns and petitions. Of the second no row is looked at. The
first column is the verdict (`each`: one matter of two who state their names), the second the kind.
"""

from itertools import permutations
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.rows import each_row
from tests.tickets.said import ONE, SENDERS, decided, relation, said, ticket_of
from tickets.policy import TicketPolicy, near_policy


@each_row(
    ("first", "second"),
    [
        ("三合里暖气不热，屋里才13度，老人都冻感冒了", "三合里小区供暖太差了，家里十三四度，交了钱跟没交一样"),
        ("长青小区没暖气，屋里冷得待不住", "长青小区暖气冰凉，家里才十四度"),
        ("上河城的燃气停了两天，连个通知都没有", "上河城怎么没气了，两天没法做饭，燃气公司电话打不通"),
        ("星河湾停车费从200涨到400，没跟业主商量", "星河湾物业停车费直接翻倍，一个月四百，抢钱啊"),
        ("柳林小区的凉亭塌了一角，没人管", "柳林小区那个凉亭快塌了，赶紧来修吧"),
    ],
)
def test_words_that_tell_no_place_are_not_held_against_who_tells_it_anew(first: str, second: str) -> None:
    assert relation(first, second, *SENDERS) == "same_matter_other_person"
    before = TicketPolicy(near=replace(near_policy(), anew_share=0.0))
    messages = [said(n, "", text, sender=SENDERS[n]) for n, text in enumerate((first, second))]
    assert decided(messages, before)[1][1].relation == "new"


@each_row(
    ("first", "second"),
    [
        ("妇幼保健院B超机坏了", "妇幼保健院的取号机坏了"),
        ("金桥里上周三断网半天", "金桥里今天又断网了，断了一个钟头"),
        ("锦江苑对门装修砸承重墙", "锦江苑楼上装修砸承重墙"),
        ("上次说的柳荫路井盖换好了，很满意", "柳荫路的井盖今天又被人偷了"),
    ],
)
def test_who_tells_another_thing_day_or_neighbour_is_still_only_proposed(first: str, second: str) -> None:
    assert relation(first, second, *SENDERS) == "new"
    assert relation(first, second, ONE, ONE) == "new"


@each_row(
    ("first", "second"),
    [
        ("翡翠城1-11-201卫生间漏水到楼下", "翡翠城11-1-201卫生间漏水到楼下"),
        ("柳荫公寓3-2-501卫生间漏水到楼下", "柳荫公寓三号楼二单元503室卫生间漏水到楼下"),
        ("订单20261104-1558商家不退款", "订单2026110-41558商家不退款"),
        ("翡翠城3#2单元停水", "翡翠城32单元停水"),
    ],
)
def test_who_only_parts_the_digits_otherwise_tells_of_another_door_or_order(first: str, second: str) -> None:
    """A property office reports for many flats from one telephone."""
    desk, (one, two) = decided([said(n, "", text, sender=ONE) for n, text in enumerate((first, second))])
    assert two.relation == "new"
    assert [found.target for found in ticket_of(desk, two).proposals] == [ticket_of(desk, one).ticket_id]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("我家住柳荫公寓3-2-501，卫生间漏水，天花板都湿了", "柳荫公寓三号楼二单元503室卫生间漏水，天花板都湿了"),
        ("我家住柳荫公寓3-2-501，卫生间漏水，天花板都湿了", "我家住柳荫公寓3号楼2单元503，卫生间漏水，天花板都湿了"),
    ],
)
def test_two_homes_of_one_sender_are_two_households(first: str, second: str) -> None:
    """Somebody writes for both, or mistook the number: a clerk sees the two side by side, and nobody is unheard."""
    for texts in ((first, second), (second, first)):
        desk, events = decided([said(n, "", text, sender=ONE) for n, text in enumerate(texts)])
        one, two = (ticket_of(desk, event) for event in events)
        assert one.ticket_id != two.ticket_id
        assert [found.target for found in two.proposals] == [one.ticket_id] or two.cluster_id == one.cluster_id


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("我家住柳荫公寓3-2-501，卫生间漏水，天花板都湿了", "我家住柳荫公寓3号楼2单元501，卫生间漏水，天花板都湿了"),
        ("我家住柳荫公寓3-2-501，卫生间漏水，天花板都湿了", "我家住柳荫公寓3-2-501，楼上601室卫生间漏水，天花板都湿了"),
        ("我家住柳荫公寓3-2-501，卫生间漏水，天花板都湿了", "柳荫公寓3号楼楼上601室卫生间漏水，我家天花板都湿了"),
    ],
)
def test_who_tells_of_the_home_again_or_of_the_neighbour_s_is_heard_once(first: str, second: str) -> None:
    assert relation(first, second, ONE, ONE) == "same_person_same_matter"


@pytest.mark.parametrize(
    "texts",
    [
        (
            "来电人反映：汇金新苑7栋二次供水水压不足，早晚高峰六楼以上没有水，要求尽快处理。",
            "汇金新苑七栋的，我家在八楼，一到做饭的时候就没水，压力太小了",
            "汇金新苑7栋水压太低，洗澡水都上不来",
        ),
    ],
)
def test_three_who_tell_of_one_incident_are_one_cluster_in_every_order(texts: tuple[str, ...]) -> None:
    for order in permutations(texts):
        desk, events = decided([said(n, "", text) for n, text in enumerate(order)])
        assert len({ticket_of(desk, event).cluster_id for event in events}) == 1
        assert len({ticket_of(desk, event).ticket_id for event in events}) == len(texts)


@pytest.mark.parametrize(
    ("name", "apart", "same"), [("voices.tsv", (0, 0), (13, 12)), ("voices_unseen.tsv", (2, 2), (5, 7))]
)
def test_voices_joined_and_filed(name: str, apart: tuple[int, int], same: tuple[int, int]) -> None:
    """The figures of docs/reference/quality.md: joined for two persons, filed in one ticket for one."""
    rows = [line.split("\t") for line in Path(__file__).with_name(name).read_text("utf-8").splitlines()]
    found = {"apart": [0, 0], "same": [0, 0], "each": [0, 0]}
    for verdict, _, first, second in rows:
        found[verdict][0] += relation(first, second, *SENDERS) == "same_matter_other_person"
        found[verdict][1] += relation(first, second, ONE, ONE) == "same_person_same_matter"
    assert found["each"][1] == 0
    assert (found["apart"][0] <= apart[0], found["apart"][1] <= apart[1]) == (True, True)
    assert (found["same"][0] >= same[0], found["same"][1] >= same[1]) == (True, True)


def proposed(first: str, second: str, title: str = "", policy: TicketPolicy | None = None) -> bool:
    """Say whether the second of two persons' texts is a ticket that is proposed to the first's."""
    messages = [said(n, title, text, sender=SENDERS[n]) for n, text in enumerate((first, second))]
    desk, (one, two) = decided(messages, policy)
    return [found.target for found in ticket_of(desk, two).proposals] == [ticket_of(desk, one).ticket_id]


BEACH = ("金沙湾浴场沙滩上全是玻璃碴，把脚扎破了", "金沙湾浴场光脚走路被碎玻璃划伤，没人清扫沙子")


def test_a_short_text_in_wholly_other_words_is_proposed_by_what_tells_where_it_is() -> None:
    assert proposed(*BEACH)
    assert not proposed(*BEACH, policy=TicketPolicy(near=replace(near_policy(), propose_short=1.0)))


@pytest.mark.parametrize(("name", "same"), [("voices.tsv", 10), ("voices_unseen.tsv", 16)])
def test_voices_proposed(name: str, same: int) -> None:
    """Of the pairs of one incident that are not joined so many are put before a clerk."""
    rows = [line.split("\t") for line in Path(__file__).with_name(name).read_text("utf-8").splitlines()]
    assert sum(proposed(first, second) for verdict, _, first, second in rows if verdict == "same") >= same
