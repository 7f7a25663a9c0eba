"""Pairs of our own: who tells of two incidents in the same words is never joined, and most who tell of one are."""

from pathlib import Path

import pytest

from tests.rows import each_row
from tests.tickets.said import decided, said, ticket_of

SENDERS = ("13900000001", "13900000002")
ROWS = [line.split("\t") for line in Path(__file__).with_name("incidents.tsv").read_text("utf-8").splitlines()]
APART = [(one, other) for verdict, one, other in ROWS if verdict == "apart"]
SAME = [(one, other) for verdict, one, other in ROWS if verdict == "same"]

STILL_JOINED, STILL_FILED = 35, 24
"""Of the pairs of one incident: the figures of docs/reference/quality.md."""


def relation(pair: tuple[str, str], senders: tuple[str, str]) -> str:
    """Return what an empty city makes of the second message."""
    messages = [said(n, "", text, sender=sender) for n, (text, sender) in enumerate(zip(pair, senders, strict=True))]
    return decided(messages)[1][1].relation


@each_row("pair", APART, ids=lambda pair: pair[1])
def test_two_incidents_are_neither_joined_nor_filed_together(pair: tuple[str, str]) -> None:
    assert relation(pair, SENDERS) == "new"
    assert relation(pair, (SENDERS[0], SENDERS[0])) == "new"


@each_row(
    ("first", "second", "found"),
    [
        ("户号30025518这个月电费异常", "电费突然涨了三倍，我家户号是30025518", "same_matter_other_person"),
        ("水表号0087123走得太快", "我家水表0087123有问题，人不在家也走字", "same_matter_other_person"),
        ("车牌辽A3K58F的出租车拒载", "出租车辽A3K58F，看我带行李就不拉", "same_matter_other_person"),
        ("车牌辽A3K58F的出租车拒载", "出租车辽A3K58F绕路多收钱", "new"),
        ("户号30025518这个月电费异常", "户号30025518申请公积金提取被拒", "new"),
        ("报修单8814520报了三次没人上门", "宽带断了一周，报修单8814520一直没师傅来", "same_matter_other_person"),
        ("工单8814520报了三次没人上门", "宽带断了一周，工单8814520一直没师傅来", "new"),
    ],
)
def test_one_number_of_an_object_joins_only_who_agrees_in_the_matter(first: str, second: str, found: str) -> None:
    assert relation((first, second), SENDERS) == found


def test_most_that_tell_of_one_incident_find_each_other() -> None:
    assert len(APART) + len(SAME) >= 60
    joined = [relation(pair, SENDERS) for pair in SAME].count("same_matter_other_person")
    filed = [relation(pair, (SENDERS[0], SENDERS[0])) for pair in SAME].count("same_person_same_matter")
    assert joined >= STILL_JOINED
    assert filed >= STILL_FILED


def test_pairs_from_life_joined_and_filed() -> None:
    """The figures of docs/reference/quality.md: joined for two persons, filed in one ticket for one."""
    rows = [line.split("\t") for line in Path(__file__).with_name("from_life.tsv").read_text("utf-8").splitlines()]
    found = {"apart": [0, 0], "same": [0, 0]}
    for verdict, one, other in rows:
        found[verdict][0] += relation((one, other), SENDERS) == "same_matter_other_person"
        found[verdict][1] += relation((one, other), (SENDERS[0], SENDERS[0])) == "same_person_same_matter"
    assert (found["apart"][0] <= 1, found["apart"][1] <= 1) == (True, True)
    assert (found["same"][0] >= 7, found["same"][1] >= 4) == (True, True)


@each_row(
    ("first", "second"),
    [
        ("老板拖欠我三个月工资一万二，请帮我要回来", "老板欠我三个月工资一万二，什么时候能要回来"),
        ("我的低保上个月突然停了，请问为什么", "我的低保上个月突然停发了，请问什么原因"),
        ("楼下商户油烟直排，熏得窗户都不敢开", "楼下商户还在直排油烟，熏得不敢开窗户"),
        ("网贷公司天天打骚扰电话给我家人", "网贷公司又打骚扰电话给我家人和同事"),
        ("退休手续办了半年没办下来，材料都交了", "退休手续半年了还没办下来，材料早就交齐了"),
    ],
)
def test_who_says_the_same_again_with_a_word_changed_here_and_there_is_heard_once(first: str, second: str) -> None:
    assert relation((first, second), (SENDERS[0], SENDERS[0])) == "same_person_same_matter"


@each_row(
    ("title", "first", "second"),
    [
        (
            "电梯故障无人维修",
            "幸福家园小区3号楼电梯坏了三天，老人下不了楼",
            "翡翠城小区5号楼电梯坏了三天，老人下不了楼",
        ),
        ("投诉物业公司不作为", "幸福家园小区垃圾成堆，物业公司不管", "翡翠城小区垃圾成堆，物业公司不管"),
        ("关于拖欠农民工工资的投诉", "我在沈阳干活，老板拖欠我工资12000元", "我在沈阳干活，老板拖欠我工资8600元"),
        ("路灯不亮影响出行", "人民路与建设街路口路灯不亮", "解放路与光明街路口路灯不亮"),
        ("健身房关门不退费", "威尔士健身房关门，我办了3000元年卡", "一兆韦德健身房关门，我办了3000元年卡"),
        ("供暖温度不达标", "幸福家园3号楼2单元室内只有15度", "翡翠城3号楼2单元室内只有15度"),
        ("噪音扰民问题反映", "楼下王记烧烤店每天营业到凌晨两点", "楼下李记烧烤店每天营业到凌晨两点"),
        ("公交车不按时到站", "115路公交车不按时到站，等了一个小时", "151路公交车不按时到站，等了一个小时"),
    ],
)
def test_where_a_title_names_no_place_the_first_sentence_tells_two_apart(title: str, first: str, second: str) -> None:
    for senders in (SENDERS, (SENDERS[0], SENDERS[0])):
        messages = [said(n, title, text, sender=senders[n]) for n, text in enumerate((first, second))]
        assert decided(messages)[1][1].relation == "new"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("柳荫公寓3号楼的电梯总是坏，物业不修", "柳荫公寓5号楼的电梯总是坏，物业不修"),
        ("柳荫公寓暖气一点不热，物业不管", "柳荫公寓暖气漏水了，物业不管"),
        ("网上买的电视机商家不退款，订单号20261104558", "网上买的电饭锅商家不退款，订单号20261090317"),
    ],
)
def test_a_person_s_other_building_trouble_or_order_gets_a_ticket_and_a_proposal(first: str, second: str) -> None:
    desk, (one, two) = decided([said(n, "", text, sender=SENDERS[0]) for n, text in enumerate((first, second))])
    ours, theirs = ticket_of(desk, one), ticket_of(desk, two)
    assert ours.ticket_id != theirs.ticket_id == theirs.cluster_id
    assert [proposal.target for proposal in theirs.proposals] == [ours.ticket_id]
