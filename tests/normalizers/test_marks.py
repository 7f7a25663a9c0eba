"""What tells one thing from another of its kind, and the ordinary words that only look like it."""

import pytest

from normalizers.matter import matter_of
from normalizers.text import fold


def marks(head: str, text: str = "") -> set[tuple[str, str]]:
    return set(matter_of(fold(head), fold(text)).marks)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("柳荫公寓7号楼3单元楼道没有灯", {("号楼", "7"), ("单元", "3")}),
        ("柳荫公寓十二号楼楼道没有灯", {("号楼", "12")}),
        ("柳荫公寓7栋楼道没有灯", {("号楼", "7")}),
        ("望江大厦B座大堂进水", {("号楼", "b")}),
        ("杨柳一小区停水两天了", {("区", "1")}),
        ("杨柳东区停水两天了", {("区", "东")}),
        ("学苑名居二期停水两天了", {("期", "2")}),
        ("坐109路公交等了一个小时", {("路", "109")}),
        ("地铁二号线的空调太冷", {("号线", "2")}),
        ("12月3日夜里打桩声音大", {("month", "12"), ("day", "12-3")}),
        ("12月份的高温补贴少了", {("month", "12")}),
        ("C公司不给我们办离职手续", {("公司", "c")}),
        ("第三中学的操场积水不退", {("中学", "3")}),
        ("三中门口的积水一直不退", {("中学", "3")}),
        ("货车站北站的货场太吵人", {("站", "北")}),
        ("我妹妹的户口迁不进来了", {("whose", "妹妹")}),
        ("柳荫公寓的地暖一点不热", {("trouble", "不热")}),
    ],
)
def test_what_is_one_of_a_kind(said: str, expected: set[tuple[str, str]]) -> None:
    assert marks(said) == expected


@pytest.mark.parametrize(
    "said",
    [
        "一栋居民楼下面开了歌厅",
        "我们一路走来都没有路灯",
        "从12月3日起就没有来过水",
        "12月3日以后就没有来过水",
        "交了3个月的物业费没发票",
        "第二期间没有人上门来修过",
        "一村民反映道路很难走",
        "工单号37010020261120有没有人管",
        "24小时店的音响太吵人了",
    ],
)
def test_what_only_looks_like_it(said: str) -> None:
    assert marks(said) == set()


def test_plates_orders_and_houses_count_wherever_they_stand() -> None:
    text = "车牌是苏A·3K581,订单号:20261104558,就在长江路28号。楼在5号楼。"
    assert marks("出租车司机中途甩客", text) == {("plate", "苏a3k581"), ("订单", "20261104558"), ("长江路", "28")}
