"""Short texts that tell of one thing at one place: the same happened to it, or each names a thing of its own.

`retold.tsv` and `retold_unseen.tsv` are our own pairs: one incident in other words, and two at one place that share a
word of trouble (吵, 收费太高). The second was written when the rules were done.
"""

from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.rows import each_row
from tests.tickets.said import ONE, OTHER, SENDERS, decided, relation, said
from tickets.policy import TicketPolicy, near_policy


@each_row(
    ("first", "second"),
    [
        ("锦绣家园门口的烧烤店半夜太吵睡不着", "锦绣家园旁边工地半夜太吵睡不着"),
        ("松涛苑里的幼儿园收费太高", "松涛苑楼下健身房收费太高了"),
        ("长青小区换热站噪音大睡不着", "长青小区变压器噪音大睡不着"),
        ("百合苑门禁坏了", "百合苑大门道闸坏了"),
        ("锦绣家园楼上天天吵架睡不着", "锦绣家园楼下天天放音乐吵得睡不着"),
        ("第五医院的护士扎针扎了六次", "第五医院的医生给我多开了药"),
    ],
)
def test_two_things_at_one_place_with_one_trouble_are_two_matters(first: str, second: str) -> None:
    assert relation(first, second, ONE, OTHER) == "new"
    assert relation(first, second, ONE, ONE) == "new"


@each_row(
    ("first", "second"),
    [
        ("松涛苑停水了一天一夜，也没通知", "松涛苑怎么回事啊，从昨天早上水龙头就一滴水没有，饭都做不了"),
        ("长安里燃气停了", "长安里煤气没气了，做不了饭"),
        ("玉泉大厦电梯又停了", "玉泉大厦电梯坏了好几天没人修"),
        ("金叶小区宽带断网两天", "金叶小区上不了网两天了，宽带掉线没人管"),
        ("阳光新居东门井盖坏了", "阳光新居东门那个窨井盖松了，坏了好久"),
    ],
)
def test_one_thing_at_one_place_to_which_the_same_happened_is_one_matter(first: str, second: str) -> None:
    assert relation(first, second, ONE, OTHER) == "same_matter_other_person"


def test_evidence_says_that_two_agree_in_what_happened() -> None:
    texts = ("玉泉大厦电梯又停了", "玉泉大厦电梯坏了好几天没人修")
    _, (_, two) = decided([said(n, "", text, sender=SENDERS[n]) for n, text in enumerate(texts)])
    assert "agreed:1.00" in two.evidence


def test_a_citys_own_weights_may_be_older() -> None:
    texts = ("松涛苑停水了一天一夜，也没通知", "松涛苑怎么回事啊，从昨天早上水龙头就一滴水没有，饭都做不了")
    weights = {name: weight for name, weight in near_policy().weights.items() if name != "agreed"}
    policy = TicketPolicy(near=replace(near_policy(), weights=weights))
    messages = [said(n, "", text, sender=SENDERS[n]) for n, text in enumerate(texts)]
    assert decided(messages, policy)[1][1].relation == "new"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("晚上中山路有人飙车，就在文化宫那一段", "中山路晚上飙车吵人，火车站到邮电大楼那段"),
        ("前天早上8点，202路公交车司机急刹车把我摔了", "本月2号下午，202路公交车司机急刹，我岳母摔了"),
    ],
)
def test_who_names_another_stretch_or_day_agrees_in_nothing(first: str, second: str) -> None:
    assert relation(first, second, ONE, OTHER) == "new"


@pytest.mark.parametrize(
    ("name", "apart", "same"), [("retold.tsv", (7, 7), (7, 6)), ("retold_unseen.tsv", (1, 0), (12, 6))]
)
def test_retold_joined_and_filed(name: str, apart: tuple[int, int], same: tuple[int, int]) -> None:
    """The figures of docs/reference/quality.md: joined for two persons, filed in one ticket for one."""
    rows = [line.split("\t") for line in Path(__file__).with_name(name).read_text("utf-8").splitlines()]
    found = {"apart": [0, 0], "same": [0, 0]}
    for verdict, first, second in rows:
        found[verdict][0] += relation(first, second, ONE, OTHER) == "same_matter_other_person"
        found[verdict][1] += relation(first, second, ONE, ONE) == "same_person_same_matter"
    assert (found["apart"][0] <= apart[0], found["apart"][1] <= apart[1]) == (True, True)
    assert (found["same"][0] >= same[0], found["same"][1] >= same[1]) == (True, True)
