"""Third persons in what citizens write, and the ordinary words and places that only begin like a name.

`third_persons.tsv` and `nobody.txt` were written before the rules: docs/reference/quality.md has the figures.
"""

from pathlib import Path

import pytest

from normalizers.geo import divisions
from normalizers.pii.third_persons import rulebook
from tests.rows import each_row
from tickets.masking.mask import MASK, mask_text

HERE = Path(__file__).parent
LEAST = 0.9
"""Of the names in our own list, all of it together."""

PERSONS = [line.split("\t") for line in (HERE / "third_persons.tsv").read_text("utf-8").splitlines()[1:]]
NOBODY = (HERE / "nobody.txt").read_text("utf-8").splitlines()
AROUND = ("投诉{}的老板", "找{}的司机", "{}的妈妈来了", "被{}的人骗了", "由{}负责", "房东{}不退")


def test_most_of_those_who_are_named_beside_a_cue_are_blacked_out() -> None:
    hidden = [text for text, name in PERSONS if name not in mask_text(text)]
    assert len(PERSONS) > 90
    assert len(hidden) >= LEAST * len(PERSONS)


@pytest.mark.parametrize(("file", "names", "least"), [("relatives.tsv", 41, 40), ("relatives_unseen.tsv", 38, 29)])
def test_relatives_and_persons_in_a_row_are_blacked_out(file: str, names: int, least: int) -> None:
    """The figures of docs/reference/quality.md; no row of the second list is looked at."""
    rows = [line.split("\t") for line in (HERE / file).read_text("utf-8").splitlines()]
    masked = [(mask_text(text), name) for text, told in rows for name in told.split()]
    assert len(masked) == names
    assert sum(name not in text for text, name in masked) >= least


def test_words_and_places_that_begin_like_a_name_stay() -> None:
    assert len(NOBODY) > 90
    assert [text for text in NOBODY if MASK in mask_text(text)] == []


@pytest.mark.parametrize("around", AROUND)
def test_no_division_is_taken_for_a_person(around: str) -> None:
    texts = ((around.format(name), around.index("{"), len(name)) for name in divisions.names() if len(name) > 1)
    assert [text for text, at, length in texts if any(start < at + length for start, _ in rulebook().spans(text))] == []


@each_row(
    ("text", "masked"),
    [
        ("邻居王喆半夜装修", "邻居＊＊半夜装修"),
        ("李明的妈妈在楼道烧纸", "＊＊的妈妈在楼道烧纸"),
        ("被诸葛晓明骗了", "被＊＊＊＊骗了"),
        ("去问了刘村长,他不管", "去问了刘村长,他不管"),
        ("向刘村长反映,他不管", "向＊＊＊反映,他不管"),
        ("尊敬的刘市长：您好", "尊敬的刘市长：您好"),
        ("刘市长您好", "刘市长您好"),
        ("业主方多次反映", "业主方多次反映"),
        ("水电工程产生的噪音，土木工程专业", "水电工程产生的噪音，土木工程专业"),
        ("我儿子周小满，2019年出生", "我儿子＊＊＊，2019年出生"),
        ("刘市长，您好！", "刘市长，您好！"),
        ("班主任：周芸", "班主任：＊＊"),
        ("法人代表：周建业，电话不通", "法人代表：＊＊＊，电话不通"),
        ("法人代表为周建业", "法人代表为＊＊＊"),
        ("伤者周建业于上周住院", "伤者＊＊＊于上周住院"),
        ("我妈周玉兰在医院", "我妈＊＊＊在医院"),
        ("楼下603的周建业天天吵", "楼下＊＊＊的＊＊＊天天吵"),
        ("负责人：高度重视", "负责人：高度重视"),
        ("老板：周末都在，校长：您好", "老板：周末都在，校长：您好"),
        ("法人代表：万科物业公司", "法人代表：万科物业公司"),
        ("我妈高血压，我爸白天上班", "我妈高血压，我爸白天上班"),
        ("每月800的余额，2018年的周末", "每月800的余额，2018年的周末"),
        ("和我干活的还有老乡曹宝柱、田二喜，都没拿到钱", "和我干活的还有老乡＊＊＊、＊＊＊，都没拿到钱"),
        ("房东王喆和周芸都不退押金", "房东＊＊和＊＊都不退押金"),
        ("房东王喆、周末都不在", "房东＊＊、周末都不在"),
        ("村支书的小舅子马占山占了三亩地", "村支书的小舅子＊＊＊占了三亩地"),
        ("我爸爸叫高德明，今年八十", "我爸爸叫＊＊＊，今年八十"),
        ("妈妈叫大家，都来签字", "妈妈叫大家，都来签字"),
        ("房东 王喆 不退押金", "房东 ＊＊ 不退押金"),
        ("房东: 王喆 不退押金", "房东: ＊＊ 不退押金"),
        ("司机  周建业，电话不通", "司机  ＊＊＊，电话不通"),
        ("我爸爸叫 高德明 ，今年八十", "我爸爸叫 ＊＊＊ ，今年八十"),
        (" 周末 老板 周末 都在", " 周末 老板 周末 都在"),
        ("我儿子大名周小满，大名鼎鼎", "我儿子大名＊＊＊，大名鼎鼎"),
        ("收款方：周建业", "收款方：＊＊＊"),
        ("受害者：周建业，男", "受害者：＊＊＊，男"),
        ("中介小姑娘苏曼让我先交定金", "中介小姑娘＊＊让我先交定金"),
        ("业委会主任龚正私刻公章", "业委会主任＊＊私刻公章"),
    ],
)
def test_what_is_hidden_is_the_name(text: str, masked: str) -> None:
    assert mask_text(text) == masked


def test_a_long_run_of_surnames_names_nobody() -> None:
    text = "王李张" * 50_000
    assert list(rulebook().spans(text)) == []
