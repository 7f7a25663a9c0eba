"""Emergencies: no class is missed, ordinary complaints stay ordinary, and every rule's words can fire."""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalizers.enrich.emergency import LEVELS, findings, screen
from normalizers.rules import DEFAULT_RULES
from normalizers.text.fold import fold
from normalizers.text.matcher import Words
from schemas.records import Emergency
from tests.rows import each_row

_LINES = (Path(__file__).parent / "emergency_sentences.tsv").read_text("utf-8").splitlines()[1:]
SENTENCES = [tuple(row) for row in csv.reader(_LINES, delimiter="\t", quoting=csv.QUOTE_NONE)]
CLASSES = (
    "fire",
    "medical",
    "traffic",
    "police",
    "self_harm",
    "missing_person",
    "utility",
    "disaster",
    "minor_in_danger",
)
MAX_FALSE_ALARMS = 0.03


def screened(text: str) -> Emergency | None:
    return screen(text, fold(text))


def alarming(found: Emergency | None) -> bool:
    return found is not None and found.level != "mentioned"


@each_row(("name", "level", "sentence"), SENTENCES, ids=lambda value: value[:24])
def test_each_sentence_is_understood(name: str, level: str, sentence: str) -> None:
    found = screened(sentence)
    if level == "-":
        assert not alarming(found)
        return
    assert found is not None
    assert (found.level, name in found.classes) == (level, True)


@pytest.mark.parametrize(
    "text",
    [
        "关于红绿灯的事反映过两次都没人理，这不刚刚又撞了，一个骑电动车的躺在地上不动，头底下有血",
        "反映我们村修路质量差，昨晚下雨路基塌了，一辆面包车栽下去，车灯还亮着，喊也没人应",
    ],
)
def test_what_has_just_happened_or_goes_on_is_not_lowered_by_what_was_before(text: str) -> None:
    assert alarming(screened(text))


@each_row(
    "text",
    [
        "刚才听人说起，去年我们村路基塌了，一辆面包车栽下去",
        "隔壁两口子三天两头吵架摔东西，半夜鬼哭狼嚎，我们做邻居的觉都没法睡",
        "村里的变压器整天嗡嗡响，夏天一到就冒火花，申请增容两年没批",
        "老师让孩子罚站一上午，回来腿都软了，晚上做噩梦说胡话，我们要求学校给个说法",
        "公园的湖面结冰了，旁边只立了块牌子，没有人管，看得人直冒冷汗，建议派人值守",
        "桥头的老房子没有人住，下面就是学生上学的路，写了三封信没有回音，恳请尽快拆除",
    ],
)
def test_habits_and_fear_as_a_figure_are_no_emergency(text: str) -> None:
    assert not alarming(screened(text))


@pytest.mark.parametrize("text", ["怎么还没来啊火越烧越大了", "刚才报的火越来越大了，快点"])
def test_who_asks_once_more_tells_that_the_fire_grows(text: str) -> None:
    assert alarming(screened(text))


@pytest.mark.parametrize("text", ["我肝火越来越大，睡不着", "怒火越烧越大", "生意火越来越大家都知道"])
def test_a_fire_that_is_a_figure_is_none(text: str) -> None:
    assert screened(text) is None


def test_the_sentences_cover_every_class_and_enough_of_each_side() -> None:
    assert {name for name, _, _ in SENTENCES} == {*CLASSES, "-"}
    assert len(SENTENCES) >= 120
    assert sum(level == "-" for _, level, _ in SENTENCES) >= 50


def test_spans_are_the_words_that_say_so() -> None:
    text = "你好！！\u200b我家著\u200b火了，對面有人昏迷😀"
    found = screened(text)
    assert found is not None
    assert [text[start:end] for start, end in found.spans] == ["著\u200b火", "昏迷"]


def test_the_strongest_class_comes_first() -> None:
    found = screened("去年我们楼起火。刚才老人晕倒了，叫不醒")
    assert found is not None
    assert (found.level, found.classes) == ("critical", ("medical", "fire"))


def test_findings_name_classes_level_and_version() -> None:
    found = screened("我家着火了，有人昏迷")
    assert found is not None
    made = [(finding.kind, finding.value) for finding in findings(found)]
    assert made == [("emergency", "fire"), ("emergency", "medical"), ("emergency_level", "critical")]
    assert {finding.version for finding in findings(found)} == {DEFAULT_RULES.toml("emergency")["version"]}


def test_every_word_of_the_rules_is_written_as_fold_gives_it() -> None:
    data = DEFAULT_RULES.toml("emergency")
    words = [word for rule in data["rule"] for word in rule["words"]]
    assert [word for word in words if fold(word) != word] == []
    assert {rule["level"] for rule in data["rule"]} <= set(LEVELS)
    assert {name for rule in data["rule"] for name in rule["classes"]} == set(CLASSES)


@each_row("rule", DEFAULT_RULES.toml("emergency")["rule"], ids=lambda rule: rule["words"][0])
def test_every_word_of_every_rule_can_fire(rule: dict[str, list[str]]) -> None:
    lists = DEFAULT_RULES.toml("emergency")["lists"]
    near = [one for word in rule.get("near", ["。"]) for one in (lists[word[1:]] if word[0] == "@" else [word])]
    dead = [word for word in rule["words"] if not any(_fires(rule, f"{word}{one}") for one in near)]
    dead = [word for word in dead if not any(_fires(rule, f"{one}{word}") for one in near)]
    assert dead == []


def _fires(rule: dict[str, list[str]], text: str) -> bool:
    found = screened(text)
    return found is not None and set(rule["classes"]) <= set(found.classes)


@given(st.text(alphabet="着火起了人刀,。救命昏迷\n 去年没有", max_size=40))
def test_any_text_is_screened_and_its_spans_lie_within(text: str) -> None:
    found = screened(text)
    for start, end in found.spans if found else ():
        assert 0 <= start < end <= len(text)


@given(
    st.sets(st.text(alphabet="天地人火", min_size=1, max_size=4), min_size=1),
    st.text(alphabet="天地人火水", max_size=30),
)
def test_words_are_found_wherever_they_stand(words: set[str], text: str) -> None:
    known = Words(words)
    expected = {}
    for start in range(len(text)):
        ends = [start + len(word) for word in words if text.startswith(word, start)]
        if ends:
            expected[start] = max(ends)
    assert known.occur(text) is bool(expected)
    assert known.spans(text) == sorted(expected.items())


def test_ordinary_complaints_raise_few_alarms(data: Path) -> None:
    lines = [
        (data / "messages" / f"{name}.jsonl").read_text("utf-8").splitlines()
        for name in ("category_dev", "duplicates_dev")
    ]
    rows = [json.loads(line) for file in lines for line in file]
    texts = [f"{row['subject']}\n{row['body']}" for row in rows]
    alarms = sum(alarming(screened(text)) for text in texts)
    assert alarms / len(texts) <= MAX_FALSE_ALARMS
