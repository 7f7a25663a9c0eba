"""What is not accepted (不予受理), and what only sounds like it: `acceptance_cases.tsv`, our own sentences.

It has four lists, each written before the rules that hear it;
docs/reference/quality.md has the figures of both moments.
"""

from pathlib import Path

import pytest

from normalizers import rulebooks, rules
from normalizers.base import Draft
from normalizers.enrich.acceptance import not_accepted, rulebook
from normalizers.rules import DEFAULT_RULES, Rules
from normalizers.text.classifier import MOST_READ, TextClassifier
from normalizers.text.fold import fold
from normalizers.text.weights import Sentence, logistic_regression
from schemas.records import Finding
from tests.rows import each_row

CASES = Path(__file__).parent / "acceptance_cases.tsv"
ROWS = [line.split("\t") for line in CASES.read_text("utf-8").splitlines()[1:]]
BY_CUES = ("first", "second")
TOLD_IN_OTHER_WORDS = "老赖名下两套房，判了四年一分钱没给我"
LENGTHS = rulebook(DEFAULT_RULES).lengths
ORDINARY = "我们小区的电梯坏了三天，物业一直没有派人来修。"


def found(text: str, title: str | None = None, folder: Path | None = None) -> Finding | None:
    return not_accepted(Draft(text=text, title=title), fold(f"{title}\n{text}" if title else text), Rules.load(folder))


def heard(text: str) -> str:
    told = found(text)
    return told.value if told else "none"


@pytest.mark.parametrize(("lists", "least"), [(BY_CUES, 0.95), (("third",), 0.89), (("fourth",), 0.76)])
def test_the_reason_is_heard(lists: tuple[str, ...], least: float) -> None:
    told = [(expected, text) for name, expected, text in ROWS if expected != "none" and name in lists]
    assert len(told) >= 70
    assert sum(heard(text) == expected for expected, text in told) >= least * len(told)


@each_row("text", [text for name, expected, text in ROWS if expected == "none" and name in BY_CUES])
def test_who_asks_the_way_or_tells_of_a_street_is_taken(text: str) -> None:
    assert heard(text) == "none"


@each_row(
    ("text", "expected"),
    [
        ("帮我查一下公积金中心的电话", "none"),
        ("请问人社局的电话是哪个,帮忙查一下", "none"),
        ("不好意思点错了", "no_request_content"),
        ("喂,听得见吗", "no_request_content"),
        ("打扰了,按错了", "no_request_content"),
        ("帮我查查欠我钱那个人现在的电话", "personal_privacy"),
        ("打听一下对面那家火锅店一天营业额", "commercial_secret"),
        ("所长和收废品的老板称兄道弟,来查都先打招呼", "discipline_inspection"),
    ],
)
def test_an_offices_telephone_is_told_and_a_strangers_is_not(text: str, expected: str) -> None:
    assert heard(text) == expected


def test_hardly_one_that_tempts_is_turned_away() -> None:
    ordinary = [text for name, expected, text in ROWS if expected == "none" and name not in BY_CUES]
    assert len(ordinary) >= 280
    assert sum(heard(text) != "none" for text in ordinary) <= 3


def test_what_no_cue_tells_is_heard_and_says_so() -> None:
    text = f"您好。{TOLD_IN_OTHER_WORDS}。"
    told = found(text)
    assert told is not None
    assert (told.value, told.source, told.score) == ("litigation_or_arbitration", "model", 0.6)
    assert told.span is not None
    assert text[slice(*told.span)] in TOLD_IN_OTHER_WORDS
    in_title = found("请关注", title=TOLD_IN_OTHER_WORDS)
    assert in_title is not None
    assert (in_title.value, in_title.span) == ("litigation_or_arbitration", None)


def test_what_a_long_letter_tells_in_passing_is_not_what_it_is_about() -> None:
    said = "去年法院判决过别的小区。"
    assert heard(said) == "litigation_or_arbitration"
    assert heard(ORDINARY * (LENGTHS["in_passing"] // len(ORDINARY) + 1) + said) == "none"


def test_who_only_asks_for_the_way_is_answered() -> None:
    asked = "法院判决以后申请强制执行，请问要交多少"
    assert heard(asked) == "none"
    assert heard(f"{asked}。{TOLD_IN_OTHER_WORDS}".ljust(LENGTHS["question"] + 1, "。")) == "litigation_or_arbitration"


@each_row("text", ["法院南门的井盖坏了", "检察院对面有人占道", "信访局旁边的工地太吵", "武警中队门口的路灯不亮"])
def test_what_lies_beside_such_a_house_is_a_matter_of_the_city(text: str) -> None:
    assert heard(text) == "none"


def test_who_says_that_it_is_not_done_does_not_repeat_what_was_answered() -> None:
    assert heard("还是上次那件事，你们答复过了我不认，重复反映") == "repeat_without_new_facts"
    assert heard("还是上次那件事，你们答复过了，其实没修，重复反映") == "none"


@pytest.mark.parametrize(
    "text", ["我不想留名字，就是给你们提个醒", "不愿留姓名，你们去看看就知道", "我就不留名了，怕被人找麻烦"]
)
def test_who_withholds_his_own_name_asks_for_nobody_elses(text: str) -> None:
    assert heard(text) != "personal_privacy"


def test_the_end_of_a_long_message_is_not_asked() -> None:
    assert heard("。" * MOST_READ + TOLD_IN_OTHER_WORDS) == "none"


def test_a_city_says_what_is_heard(tmp_path: Path) -> None:
    name = "acceptance_heard.tsv"
    ours = (Path(rules.__file__).parent / name).read_text("utf-8")
    (tmp_path / name).write_text(ours + f"none\t{TOLD_IN_OTHER_WORDS}\n" * 60, "utf-8")
    rulebooks.verify_one(Rules.load(tmp_path), "acceptance")
    assert found(TOLD_IN_OTHER_WORDS, folder=tmp_path) is None


def test_a_city_whose_own_rules_are_older_hears_as_we_do(tmp_path: Path) -> None:
    ours = (Path(rules.__file__).parent / "acceptance.toml").read_text("utf-8")
    before, after = ours.split("[beside]")
    (tmp_path / "acceptance.toml").write_text(before + after[after.index("[scores]") :], "utf-8")
    rulebooks.verify_one(Rules.load(tmp_path), "acceptance")
    told = found(TOLD_IN_OTHER_WORDS, folder=tmp_path)
    assert told is not None
    assert told.source == "model"


def test_sentences_are_held_against_their_look_alikes() -> None:
    told = [Sentence(("court",), f"法院判我{one}") for one in "输赢错对"] + [Sentence(("army",), "部队打靶")] * 4
    others = [Sentence((), f"法院{one}坏了") for one in "灯门路墙"] + [Sentence((), "公园的灯坏了")] * 8
    made = TextClassifier.fitted(logistic_regression, [*told, *others], 0.5)
    assert made.loudness("法院判我败诉") > 0 > made.loudness("法院井盖坏了")
    assert made.loudness("法院判我败诉") == TextClassifier.fitted(logistic_regression, [*told, *others], 0.5).loudness(
        "法院判我败诉"
    )
    assert [made.label_of_message("法院判了"), made.label_of_message("部队半夜打靶")] == ["court", "army"]
    assert made.loudness("路。") == float("-inf")
    assert made.loudest_clause("灯坏了。法院判我败诉") == made.loudest_clause("灯坏了。法院判我败诉。")
    assert made.loudest_clause("。。") is None


@each_row("text", ["哈哈哈", "测试测试", "你好，在吗", "1 1 1", "hello hello"])
def test_nothing_that_is_said_more_than_once_is_nothing(text: str) -> None:
    assert heard(text) == "no_request_content"


def test_a_long_text_that_begins_with_nothing_is_read() -> None:
    assert heard("测试" * LENGTHS["nothing"] + "路灯坏了") == "none"
    assert heard("测试路灯") == "none"
