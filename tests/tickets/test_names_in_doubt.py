"""Names that neither their characters nor a word beside them make sure: a tagger is asked for what stands around."""

import numpy as np
import pytest

from normalizers.pii import third_persons
from normalizers.pii.name_tagger import tagger
from tests.rows import each_row
from tests.tickets.measured import GOES_ON
from tickets.masking.mask import mask_text

TEXT = "热力站来人看过一眼就走,小区网格员小郗很热心,挂的是李秀珍医生的号,物业说不归他们管"


@each_row(
    ("text", "shown"),
    [
        ("挂的是闻人若兰医生的号", "挂的是＊＊＊＊医生的号"),
        ("是端木敬之签的字", "是＊＊＊＊签的字"),
        ("村里禹大勇占了机耕道", "村里＊＊＊占了机耕道"),
        ("我是代慎秋菊办的手续", "我是代＊＊＊办的手续"),
        ("请问贡布生的档案转走没有", "请问＊＊＊的档案转走没有"),
        ("找扶春妮要了两回", "找＊＊＊要了两回"),
        ("上报的是钭家旺", "上报的是＊＊＊"),
        ("我姑父经守诚在医院等钱", "我姑父＊＊＊在医院等钱"),
        ("小区网格员小郗很热心，修鞋的老酆收了钱", "小区网格员＊＊很热心，修鞋的＊＊收了钱"),
        ("菜场摆摊的秋霞姐多收钱，人家都喊他阿彪", "菜场摆摊的＊＊＊多收钱，人家都喊他＊＊"),
    ],
)
def test_a_name_in_doubt_is_hidden_where_it_stands_as_a_name(text: str, shown: str) -> None:
    assert mask_text(f"{text}{GOES_ON}") == f"{shown}{GOES_ON}"


@each_row(
    "text",
    [
        "国家能源局的公告", "沈政办发〔2021〕5号", "万里路小学门口", "有在建工地", "能不能快点", "那位大姐很热心",
        "小区老人多", "阿姨很热情", "相关部门推诿", "经济困难", "从来没人管", "年年如此", "乌云密布", "贺兰山景区关门",
        "小杨生煎的油", "老白干和杜康酒", "张小说封面", "都安县的路", "2019级李明班", "尊敬的禹大勇局长：您好",
    ],
)  # fmt: skip
def test_words_places_and_who_is_addressed_stay(text: str) -> None:
    assert mask_text(f"{text}{GOES_ON}") == f"{text}{GOES_ON}"


def test_a_window_tells_nearly_as_much_as_the_whole_text() -> None:
    start = TEXT.index("李秀珍")
    window = tagger().odds(TEXT, [start])
    whole = tagger().odds(TEXT, range(len(TEXT)))
    assert sorted(whole) == list(range(len(TEXT)))
    np.testing.assert_allclose(window[start], whole[start], atol=1.5)
    assert window[start].begins > 0 > window[start].goes_on


@pytest.mark.parametrize("size", [1, 5, 16, 17, 40, 500])
def test_of_any_text_every_character_that_is_asked_for_has_odds(size: int) -> None:
    text = (TEXT * 20)[:size]
    for starts in (range(size), range(0, size, 7), [size - 1]):
        odds = tagger().odds(text, starts)
        assert {at for start in starts for at in range(start, min(start + 5, size))} <= set(odds)


def test_what_is_hidden_anyway_is_not_asked_for() -> None:
    likely = third_persons.rulebook().likely
    plain = "上报的是钭家旺"
    assert list(likely.confirmed(plain, [])) == [(4, 7)]
    assert list(likely.confirmed(plain, [(4, 7)])) == []
