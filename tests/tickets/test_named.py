"""Names that stay readable easily: nicknames, titles in one breath, 某, verbs without a cue, rows, names on line.

Both lists were written before the rules of names 2026.13 and before any word list was looked at. `named.tsv` was looked
at while they were made, `named_unseen.tsv` was only measured until names 2026.16; rows of it were read since.
"""

from pathlib import Path

import pytest

from hotline.quality.evaluate.labelled import rows
from normalizers.geo import divisions
from normalizers.pii import third_persons
from tests.rows import each_row
from tests.tickets.measured import GOES_ON, figures
from tests.tickets.test_written import beside
from tickets.masking.mask import mask_text

HERE = Path(__file__).parent
LISTS = pytest.mark.parametrize(("file", "least", "most"), [("named.tsv", 0.74, 2), ("named_unseen.tsv", 0.59, 2)])


@LISTS
def test_what_is_marked_is_hidden(tmp_path: Path, file: str, least: float, most: int) -> None:
    del most
    found = figures(HERE / file, tmp_path)
    assert found["rows"] == 90
    assert found["hidden"] >= least
    assert found["touched"] <= 0.05


@LISTS
def test_nothing_else_is_hidden(file: str, least: float, most: int) -> None:
    del least
    assert len([one for row in rows(HERE / file) for one in beside(f"{row['text']}{GOES_ON}")]) <= most


@each_row(
    ("text", "shown"),
    [
        ("去年和舒克明签了合同，找谌建波要钱", "去年和＊＊＊签了合同，找＊＊＊要钱"),
        ("局长举报了麻旭宗，直到今天，麻旭宗没有改", "局长举报了＊＊＊，直到今天，＊＊＊没有改"),
        ("李静、粟胜利、曹刚还拿了钱", "＊＊、＊＊＊、＊＊还拿了钱"),
        ("把身份证借给岑森了", "把身份证借给＊＊了"),
        ("童某签订协议，祖某某也签了，感谢某小学，某些人", "＊某签订协议，＊某某也签了，感谢某小学，某些人"),
        ("窗口的翟姓工作人员，老百姓", "窗口的＊姓工作人员，老百姓"),
        ("民警姬警官和班主任阮老师", "民警＊＊＊和班主任＊＊＊"),
        ("骨科桂主任给我做的手术，工地施工，社区党总支", "骨科＊＊＊给我做的手术，工地施工，社区党总支"),
        ("保安老刘头不开门，老师老捏她", "保安＊＊＊不开门，老师老捏她"),
        ("我们单元那个老谭天天砸门", "我们单元那个＊＊天天砸门"),
        ("二楼胖哥在楼道抽烟，拥军军嫂来了", "二楼＊＊在楼道抽烟，拥军军嫂来了"),
        ("我女儿盈盈不敢回家，他女儿天天哭", "我女儿＊＊不敢回家，他女儿天天哭"),
        ("代张三缴纳医保，夸张三次，周三来", "代＊＊缴纳医保，夸张三次，周三来"),
        ("知情人：甘露（同村），负责人：高新区", "知情人：＊＊（同村），负责人：高新区"),
        ("他的助理山口惠子收了钱，中山市民", "他的助理＊＊＊＊收了钱，中山市民"),
        ("群主“往事随风”把我踢出群，一家名叫“华东猪肉店”", "群主“＊＊＊＊”把我踢出群，一家名叫“华东猪肉店”"),
        ("邰誉、甄水清、祁远山，石材、金属、陶瓷", "＊＊、＊＊＊、＊＊＊，石材、金属、陶瓷"),
        ("杜七 8600，程新 7200，贾平 9100", "＊＊ 8600，＊＊ 7200，＊＊ 9100"),
        ("父亲岳山，母亲童心，长子岳阳，", "父亲＊＊，母亲＊＊，长子＊＊，"),
        ("收款人写的*志远，**区的", "收款人写的＊＊＊，**区的"),
        ("王阿姨水饺店倒油，王阿姨倒油", "王阿姨水饺店倒油，＊阿姨倒油"),
    ],
)
def test_what_the_list_taught(text: str, shown: str) -> None:
    assert mask_text(f"{text}{GOES_ON}") == f"{shown}{GOES_ON}"


@each_row(
    "text",
    [
        "尊敬的胡华衡书记：您好", "胡华衡市长：您好", "在温斯顿英语上课，温斯顿不退费", "强颜欢笑", "没有后顾之忧",
        "马拉松和马赛克", "购买金龙鱼和古驰", "梅溪湖和丁家岭", "晋升和晋级", "全家去沃尔玛", "李大钊纪念馆",
        "沈海高速", "曾祖父留下的",
    ],
)  # fmt: skip
def test_words_places_and_who_is_addressed_stay(text: str) -> None:
    assert mask_text(f"{text}{GOES_ON}") == f"{text}{GOES_ON}"


@pytest.mark.parametrize("frame", ["投诉{}的老板", "由{}负责", "找{}的司机", "和{}签了合同", "{}说没有"])
def test_no_division_is_a_likely_name(frame: str) -> None:
    likely = third_persons.rulebook().likely
    assert [one for one in divisions.names() if list(likely.spans(frame.format(one)))] == []


def test_of_two_likely_names_that_overlap_the_likelier_one_is_found() -> None:
    likely = third_persons.rulebook().likely
    text = "我和舒克明签了合同"
    assert [text[start:end] for start, end in likely.spans(text)] == ["舒克明"]


def test_spans_that_begin_together_are_hidden_as_one() -> None:
    assert mask_text("司机楚师傅很好，物业经理邢姐说") == "司机＊＊＊很好，物业经理＊＊说"
