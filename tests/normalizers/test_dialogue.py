"""What an agent says in every call makes no two of them alike, and is nobody's name."""

from importlib import resources
from pathlib import Path

import pytest

from normalizers.rules import Rules
from normalizers.similarity.boilerplate import own_words, without_phrases
from tests.rows import each_row
from tests.tickets.records_of_calls import record

TURNS = [
    ("agent", "您好，这里是12345政务服务便民热线，我姓李，工号1023，请问有什么可以帮您？"),
    ("citizen", "我家停水一天了"),
    ("agent", "好的，您反映的问题已经为您登记，感谢您的来电，再见"),
]


def told(*turns: tuple[str, str], **more: str) -> str:
    said = [{"speaker": speaker, "text": text} for speaker, text in turns]
    return record(1, {"transcript": said, "caller": "13800138000", **more}, 1).text


def test_of_a_transcript_the_citizens_turns_are_left() -> None:
    assert own_words(told(*TURNS)) == "我家停水一天了\n"
    assert own_words(told(*TURNS, note="停水")) == "停水\n\n【通话转写】\n我家停水一天了\n"


@pytest.mark.parametrize(
    "text",
    [
        "坐席：您好 市民：我家停水一天了，没人管 坐席：好的",
        "Agent: 您好\nCustomer: 我家停水一天了，没人管\nAgent: 好的",
        "客服：您好，请讲。客户：我家停水一天了，没人管",
    ],
)
def test_turns_are_told_by_who_speaks_however_they_are_written(text: str) -> None:
    assert own_words(text).strip() == "我家停水一天了，没人管"


@each_row("text", ["坐席态度不好", "坐席：您好\n客服：再见", "客服：给我转走了", "市民：路灯坏了", "服务员：不给开票"])
def test_what_is_no_talk_of_two_stays(text: str) -> None:
    assert own_words(text) == text


def test_the_features_are_those_of_what_the_citizen_says() -> None:
    whole = record(1, {"transcript": [{"speaker": a, "text": b} for a, b in TURNS], "caller": "13800138000"}, 1)
    alone = record(1, {"transcript": TURNS[1][1], "caller": "13800138000"}, 1)
    for name in ("grams", "names", "objects", "text_names", "stated", "whereabouts", "aspects"):
        assert getattr(whole.features, name) == getattr(alone.features, name)
    assert whole.features.text_key != alone.features.text_key
    assert "感谢您的来电" in whole.search_text


HEARD = (
    "您好12345市民热线很高兴为您服务请问有什么可以帮到您我家停电了地址在海棠公寓好的您反映的问题已经为您登记"
    "会转给相关部门核实处理请保持电话畅通感谢您的来电再见"
)


def test_of_a_call_that_names_no_speaker_what_agents_always_say_goes() -> None:
    assert without_phrases(HEARD) == "我家停电了地址在海棠公寓好的"


@pytest.mark.parametrize(
    "text", ["感谢政府,再见到路灯亮了", "免贵姓王,为您服务的店家欺客", "12345热线打不通,请保持电话畅通"]
)
def test_words_of_a_citizen_stay(text: str) -> None:
    assert "路灯" in without_phrases(text) or "姓王" in without_phrases(text) or without_phrases(text) == text


def test_what_the_agents_of_a_city_say_is_known(tmp_path: Path) -> None:
    ours = resources.files("normalizers.rules").joinpath("dialogue.toml").read_text("utf-8")
    own = ours.replace('  "再见",', '  "再见",\n  "您|你? 的? 来电 我们|我 会? 用心 倾听",').replace(
        "接线员 agent", "接线员 小热 agent"
    )
    (tmp_path / "dialogue.toml").write_text(own, "utf-8")
    said = "很高兴为您服务我家停水了您的来电我们会用心倾听"
    assert without_phrases(said) == "我家停水了您的来电我们会用心倾听"
    assert without_phrases(said, Rules.load(tmp_path)) == "我家停水了"
    turns = "小热：您好，请讲。市民：我家停水了"
    assert own_words(turns) == turns
    assert own_words(turns, Rules.load(tmp_path)) == "我家停水了"
