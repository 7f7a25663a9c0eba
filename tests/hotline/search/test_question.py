"""What a person types: words, phrases, OR and NOT; what is left out of a sentence."""

import pytest

from hotline.search.question import matters, parse
from tests.rows import each_row


@each_row(
    ("typed", "groups", "unwanted"),
    [
        ("路灯 中山路12号", [["路灯"], ["中山路12号"]], []),
        ("井盖 或 路灯", [["井盖", "路灯"]], []),
        ("停水|停电 阳光花园", [["停水", "停电"], ["阳光花园"]], []),
        ("| 路灯", [["路灯"]], []),
        ("或", [], []),
        ("或者 张或", [["或者"], ["张或"]], []),
        ("“路灯 不亮”", [["路灯 不亮"]], []),
        ('噪音 -"夜间施工" －广场', [["噪音"]], ["夜间施工", "广场"]),
        ("--路灯", [], ["路灯"]),
        ("ＷｉＦｉ 電梯", [["wifi"], ["电梯"]], []),
        ('张伟" OR "电梯', [["张伟"], ["or"], ["电梯"]], []),
    ],
)
def test_typed_words_are_groups_of_which_any_word_is_enough(
    typed: str, groups: list[list[str]], unwanted: list[str]
) -> None:
    asked = parse(typed)
    assert [[word.text for word in group] for group in asked.groups] == groups
    assert [word.text for word in asked.unwanted] == unwanted


@pytest.mark.parametrize(("typed", "empty"), [("", False), ("！？", True), ("*", True), ("或", True), ("-路灯", False)])
def test_punctuation_alone_finds_nothing_and_nothing_finds_all(typed: str, empty: bool) -> None:
    assert parse(typed).empty is empty


def test_a_phrase_in_quotation_marks_is_exact() -> None:
    assert [word.exact for (word,) in parse('"暖气" 暖气').groups] == [True, False]


@each_row(
    ("sentence", "named"),
    [
        ("公积金怎么提取", ["公积金", "提取"]),
        ("我想问一下住房公积金怎么取出来", ["住房公积金", "取出来"]),
        ("家里暖气一直不热怎么办", ["暖气"]),
        ("k12路的公交车多久来", ["k12", "公交车"]),
    ],
)
def test_a_sentence_is_asked_by_what_names_its_matter(sentence: str, named: list[str]) -> None:
    assert matters(sentence) == named
