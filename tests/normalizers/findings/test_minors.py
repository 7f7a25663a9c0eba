"""Which messages are about a minor, and which tell of harm: `minors_cases.tsv`, our own sentences.

It has six lists, each written before the rules that hear it: docs/reference/quality.md has the figures of both
moments.
"""

from pathlib import Path

import pytest

from normalizers.enrich.minors import HARMED, MINOR, minors
from normalizers.text.fold import fold
from tests.rows import each_row

ROWS = [line.split("\t") for line in (Path(__file__).parent / "minors_cases.tsv").read_text("utf-8").splitlines()[1:]]


def heard(text: str) -> str:
    kinds = {finding.kind for finding in minors(None, text, fold(text))}
    return "harm" if HARMED in kinds else "minor" if MINOR in kinds else "none"


@pytest.mark.parametrize("said", ["harm", "minor"])
def test_a_minor_and_what_happened_to_one_are_heard(said: str) -> None:
    told = [text for _, expected, text in ROWS if expected == said]
    assert len(told) >= 19
    assert sum(heard(text) == said for text in told) >= 0.95 * len(told)


@each_row("text", [text for _, expected, text in ROWS if expected == "none"])
def test_schools_parents_and_the_grown_up_are_an_ordinary_matter(text: str) -> None:
    assert heard(text) == "none"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("女孩十六岁，被邻居猥亵", "harm"), ("我女儿二十六岁，被前夫威胁", "none"), ("我女儿26岁，被前夫威胁", "none")],
)
def test_an_age_is_read_to_its_beginning(text: str, expected: str) -> None:
    assert heard(text) == expected


@each_row(
    ("text", "expected"),
    [
        ("我妈天天翻我书包看我日记，我该怎么办，我才上初二", "minor"),
        ("我家就我和弟弟，爸妈在广东打工，奶奶病了，我不知道该找谁", "minor"),
        ("学校门口那条路车很多，我每天走路上学都很怕，能不能加红绿灯", "minor"),
        ("我们初三晚自习上到十点，回家路上没有路灯，能不能装一个", "minor"),
        ("补习班把几个写不完作业的关在储物间里，灯都不给开", "harm"),
        ("我孩子初三，我每天送他走路上学，路上车多", "none"),
    ],
)
def test_a_child_tells_of_home_and_of_the_way_to_school(text: str, expected: str) -> None:
    assert heard(text) == expected


@each_row(
    ("text", "expected"),
    [
        ("台球厅一到周末全是没满十八的小年轻", "minor"),
        ("我念七年级,学校不让带水杯", "minor"),
        ("镇上的歌厅让不满十八岁的进去玩", "minor"),
        ("我没满十六,想自己去派出所办身份证行不行", "minor"),
        ("村东头两个孩子父母都坐牢,跟着奶奶过", "minor"),
        ("饭店后厨有两个没满十六的在上班", "harm"),
        ("我念初二,几个男生天天让我给钱", "harm"),
        ("我上五年级,后桌老用铅笔戳我", "harm"),
        ("我是初一的,他们在楼梯口堵我,扒我裤子", "harm"),
        ("会所里陪唱的好几个不满十八岁", "harm"),
        ("贷款没满十八个月提前还要收违约金吗", "none"),
        ("我念大二,想问四级补考", "none"),
        ("社保未满十六年怎么补缴", "none"),
        ("业主用圆规画的停车位不对", "none"),
    ],
)
def test_who_is_under_age_and_who_says_which_grade_is_a_minor(text: str, expected: str) -> None:
    assert heard(text) == expected


def test_a_long_run_of_cues_takes_no_longer_than_its_length() -> None:
    assert heard("初三学生被老师" * 10_000) == "harm"


@pytest.mark.parametrize(
    ("name", "harm", "minor", "none"), [("minors_told", 0.95, 0.7, 1.0), ("minors_unseen", 0.85, 0.6, 0.94)]
)
def test_harm_told_indirectly_and_minors_who_write_are_heard_as_well_as_was_measured(
    name: str, harm: float, minor: float, none: float
) -> None:
    """Both were written before the rules; `minors_unseen.tsv` is only measured: nobody reads its single rows."""
    lines = (Path(__file__).parent / f"{name}.tsv").read_text("utf-8").splitlines()[1:]
    for label, least in (("harm", harm), ("minor", minor), ("none", none)):
        right = [heard(text) == label for expected, text in (line.split("\t") for line in lines) if expected == label]
        assert sum(right) >= least * len(right), label


@each_row(
    ("text", "expected"),
    [
        ("我们学校让我们周末补课", "minor"),
        ("我们学校让我们周末补课，我是大学的辅导员", "none"),
        ("老师让我们打印作业，家长太累", "none"),
        ("妈妈知道成绩会骂我", "minor"),
        ("我今年上五年级，想去打篮球", "minor"),
        ("我是一名三年级的学生家长", "none"),
    ],
)
def test_who_writes_of_school_as_a_minor_is_one_unless_a_grown_up_speaks(text: str, expected: str) -> None:
    assert heard(text) == expected
