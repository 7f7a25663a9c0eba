"""Letters, SMS and chats as citizens write them: two incidents in the same words, and one told by two people.

`letters.tsv` and `letters_unseen.tsv` are our own pairs; of the second no row is looked at. A title ends with a bar.
Kinds: a two matters of one thing in a letter, b only one names a place (one person may well mean the same), c names
made of ordinary words, d one road or estate, two doors, e one form of letter, f two days.
"""

from pathlib import Path

import pytest

from tests.rows import each_row
from tests.tickets.said import decided, said, ticket_of

ONE, OTHER = "13900000001", "13900000002"
NO_PLACE = "b"


def relation(first: str, second: str, *senders: str) -> str:
    """Return what an empty city makes of the second message."""
    told = [text.rpartition("｜") for text in (first, second)]
    messages = [said(n, title, text, sender=senders[n]) for n, (title, _, text) in enumerate(told)]
    return decided(messages)[1][1].relation


WHO = "您好，我在永泰步行街租了一间门面开服装店，今年已经是第七个年头了。"
CARTS = "这两个月门前来了一批推车卖衣服的，用喇叭喊一整天，我们交租交税，他们一分不交，请城管的同志来管一管，给个说法。"
ROOF = "这两个月门前的顶棚一下雨就漏水，货都淋湿了两回，找到经营方他们说没有钱修，请主管的同志来管一管，给个说法。"


def test_two_letters_that_begin_with_the_same_writer_and_tell_of_two_matters_are_only_proposed() -> None:
    first, second = f"{WHO}{CARTS}", f"{WHO}{ROOF}"
    assert relation(first, second, ONE, OTHER) == "new"
    assert relation(first, second, ONE, ONE) == "new"
    desk, (one, two) = decided([said(n, "", text, sender=ONE) for n, text in enumerate((first, second))])
    assert [proposal.target for proposal in ticket_of(desk, two).proposals] == [ticket_of(desk, one).ticket_id]


def test_a_letter_that_begins_like_another_and_tells_of_the_same_is_one_matter() -> None:
    again = f"{WHO}上次写信说的顶棚漏水还是没有人修，昨天夜里又滴了一地，请主管的同志来管一管，给个说法，货淋湿了谁赔。"
    assert relation(f"{WHO}{ROOF}", again, ONE, ONE) == "same_person_same_matter"
    assert relation(f"{WHO}{ROOF}", f"转发：{WHO}{ROOF}", ONE, OTHER) == "same_matter_other_person"


@each_row(
    ("first", "second"),
    [
        ("南京街与北五马路交叉口的斑马线磨没了，过马路没车让", "南京街与南七马路交叉口的斑马线磨没了，过马路车都不让"),
        ("上周六晚上兴工街停电三个小时，没有任何通知", "今天中午兴工街又停电两个多小时，没有任何通知"),
        ("昨天早上8点兴工街停电，没有任何通知", "大前天晚上兴工街停电，没有任何通知"),
    ],
)
@each_row("is_titled", [True, False])
def test_another_crossing_of_one_road_or_another_moment_is_another_matter(
    first: str, second: str, is_titled: bool
) -> None:
    titled = [f"{text if is_titled else ''}｜{text}" for text in (first, second)]
    assert relation(*titled, ONE, OTHER) == "new"
    assert relation(*titled, ONE, ONE) == "new"


@each_row(
    ("first", "second"),
    [
        ("复兴街与长青路交叉口的红绿灯坏了，没人管", "复兴街长青路口的红绿灯坏了，没人管"),
        ("长青路和复兴街路口的红绿灯坏了，没人管", "复兴街与长青路交叉口的红绿灯坏了，没人管"),
        ("上周六晚上兴工街停电三个小时，没有任何通知", "周六晚上兴工街停电，也没有任何通知"),
        ("昨天晚上兴工街停电，没有任何通知", "今天早上兴工街停电，没有任何人通知"),
        ("昨天晚上兴工街停电，没有任何通知", "今天早上兴工街还是没电，停电到现在没有任何通知"),
    ],
)
def test_one_crossing_or_one_moment_in_other_words_is_one_matter(first: str, second: str) -> None:
    assert relation(first, second, ONE, OTHER) == "same_matter_other_person"


@pytest.mark.parametrize(
    ("name", "apart", "same"), [("letters.tsv", (2, 1), (3, 3)), ("letters_unseen.tsv", (2, 3), (4, 1))]
)
def test_letters_joined_and_filed(name: str, apart: tuple[int, int], same: tuple[int, int]) -> None:
    """The figures of docs/reference/quality.md: joined for two persons, filed in one ticket for one."""
    rows = [line.split("\t") for line in Path(__file__).with_name(name).read_text("utf-8").splitlines()]
    found = {"apart": [0, 0], "same": [0, 0]}
    for verdict, kind, first, second in rows:
        found[verdict][0] += relation(first, second, ONE, OTHER) == "same_matter_other_person"
        if (verdict, kind) != ("apart", NO_PLACE):
            found[verdict][1] += relation(first, second, ONE, ONE) == "same_person_same_matter"
    assert found["apart"][0] <= apart[0]
    assert found["apart"][1] <= apart[1]
    assert found["same"][0] >= same[0]
    assert found["same"][1] >= same[1]
