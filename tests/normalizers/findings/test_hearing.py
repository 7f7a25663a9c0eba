"""Emergencies in words that no rule has: heard by what our sentences sound like, and a city may add its own."""

import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.faults.sources import numbered
from normalizers import rulebooks, rules
from normalizers.enrich.emergency import findings, rulebook, screen
from normalizers.rules import DEFAULT_RULES, Rules
from normalizers.text.classifier import LEAST_LETTERS, LENGTH, MOST_HEARD, TextClassifier
from normalizers.text.fold import fold
from normalizers.text.weights import ADDED, Sentence, naive_bayes
from schemas.errors import MisconfiguredError
from schemas.records import Emergency
from tests.rows import each_row

UNNAMED = "她把一条腿跨到护栏外面去了"
ORDINARY = "请问公积金贷款需要什么材料"
COLUMNS = "expected\tclasses\ttext\n"
SENTENCES = (
    Sentence(("fire",), "窗帘黑了"),
    Sentence(("self_harm",), "她坐在楼顶边上"),
    Sentence((), "窗帘洗不干净"),
    Sentence((), "楼顶修好了"),
)


def heard(text: str, folder: Path | None = None) -> Emergency | None:
    return screen(text, fold(text), Rules.load(folder))


def plain_weight(said: str) -> float:
    """Return what a window weighs, by the definition: sums of logarithms, add a half, each once a sentence."""

    def features(text: str) -> list[str]:
        marked = f"^{text}$"
        return [*text, *(marked[at : at + 2] for at in range(len(marked) - 1))]

    telling = Counter(one for each in SENTENCES if each.labels for one in set(features(each.text)))
    others = Counter(one for each in SENTENCES if not each.labels for one in set(features(each.text)))
    known = len(telling.keys() | others.keys())
    weight = sum(
        math.log((telling[one] + ADDED) / (telling.total() + ADDED * known))
        - math.log((others[one] + ADDED) / (others.total() + ADDED * known))
        for one in features(said)
        if one in telling or one in others
    )
    return weight / float((2 * len(said) + 1) ** LENGTH)


def test_what_no_rule_names_is_heard_and_says_so() -> None:
    found = heard(f"天桥的路灯修一下。{UNNAMED}")
    assert found is not None
    assert (found.level, found.classes, found.score) == ("critical", ("self_harm",), 0.6)
    assert [found.spans[0][0] <= 9, found.spans[0][1]] == [True, 9 + len(UNNAMED)]
    assert {(one.source, one.score) for one in findings(found)} == {("model", 0.6)}


def test_what_the_rules_name_is_theirs() -> None:
    found = heard("三楼着火了，快来人")
    assert found is not None
    assert {one.source for one in findings(found)} == {"rule"}


@each_row(
    "text",
    [
        ORDINARY,
        "反映问题",
        "反映 hb00003999\n新华路3999号门前的护栏坏了，请派人来看看",
        "你好在吗",
        "投诉物业",
        "return running",
        "https://a.example/x",
    ],
)
def test_ordinary_words_are_not_heard(text: str) -> None:
    assert heard(text) is None


def test_nothing_of_what_the_fault_suite_sends_is_heard() -> None:
    ordinary = [one for one in numbered(2_000, seed=1) if not one.is_urgent]
    assert [one.text for one in ordinary if heard(f"反映 {one.mark}\n{one.text}") or heard(one.text)] == []


def test_what_the_rules_call_past_is_not_heard_again_and_stays() -> None:
    past = "去年我们楼起火，消防车进不来"
    told, both = heard(past), heard(f"{past}。{UNNAMED}")
    assert told is not None
    assert both is not None
    assert (told.level, both.level) == ("mentioned", "critical")
    assert set(told.classes) < set(both.classes)
    assert set(told.spans) < set(both.spans)


def test_spans_point_into_the_text_as_it_was_written() -> None:
    text = "　天橋　路燈壞了！\u200b" + "她把一條腿跨到護欄外面去了"
    found = heard(text)
    assert found is not None
    assert text[slice(*found.spans[0])].endswith("護欄外面去了")


def test_either_end_of_a_long_text_is_heard_and_what_lies_between_is_left_to_the_rules() -> None:
    filler = f"{ORDINARY}。" * (MOST_HEARD // len(ORDINARY))
    assert heard(f"{UNNAMED}。{filler}") is not None
    assert heard(f"{filler}{UNNAMED}") is not None
    assert heard(f"{filler}{UNNAMED}。{filler}") is None
    assert heard(f"{filler}三楼着火了，快来人。{filler}") is not None


def test_without_punctuation_it_is_heard_as_well() -> None:
    assert heard(f"你好我想说一下天桥那边{UNNAMED}") is not None


def test_in_a_sentence_that_goes_on_from_comma_to_comma_it_is_heard_as_well() -> None:
    complaint = "，".join([ORDINARY] * 6)
    outside = "她两条腿都在护栏外面了，一只手抓着，脚在抖，底下是江水，她一直在哭，说不要过来"
    assert heard(f"{complaint}，{outside}，{complaint}") is not None
    assert heard(complaint) is None


def test_one_clause_of_a_long_complaint_is_heard_alone() -> None:
    """What is told before and behind it weighs nothing: only its own clauses do."""
    complaint = "，".join(["我们小区的物业费涨了又涨", "业委会的账从来没有公示过", "打电话给街道说在走流程"] * 3)
    for told in ("她一只脚已经悬在栏杆外面了", "对面楼有人两条腿都在栏杆外面", "一股黄烟往这边飘眼睛辣得睁不开"):
        found = heard(f"{complaint}，{told}，{complaint}")
        assert found is not None, told
        assert found.level != "mentioned"
    assert heard(complaint) is None


def test_many_words_of_the_past_cost_a_long_text_little() -> None:
    plain = f"{ORDINARY}，" * 1_000
    apart = [(at, at + 2) for at in range(0, len(plain) - 2, 3)]
    assert TextClassifier.fitted(naive_bayes, SENTENCES, 0.1).loudest(plain, apart) is None


@given(st.text("窗帘黑了她坐在楼顶边上洗不干净修好又一", min_size=4, max_size=30))
def test_a_sentence_weighs_what_the_definition_says(said: str) -> None:
    loudest = TextClassifier.fitted(naive_bayes, SENTENCES, 0.1).loudest(said)
    assert loudest is not None
    assert math.isclose(loudest.loudness, plain_weight(said), abs_tol=1e-9)
    assert (loudest.start, loudest.end) == (0, len(said))


@each_row("clauses", [1, 2, 3, 4, 5, 9])
def test_the_loudest_of_all_windows_is_found_and_counts_less_among_many(clauses: int) -> None:
    told = [("窗帘黑了", "楼顶修好了", "她坐在楼顶边上", "窗帘洗不干净", "黑了")[at % 5] for at in range(clauses)]
    windows = ["".join(told[at : at + many]) for many in range(1, 5) for at in range(clauses - many + 1)]
    loudest = TextClassifier.fitted(naive_bayes, SENTENCES, 0.1).loudest(",".join(told))
    assert loudest is not None
    weights = [plain_weight(window) if len(window) >= LEAST_LETTERS else 0.0 for window in windows]
    expected = max(weights) - 0.1 * math.log(len(windows))
    assert math.isclose(loudest.loudness, expected, abs_tol=1e-9)


def test_weights_are_found_however_few_features_there_are() -> None:
    for letters in range(1, 40):
        some = [Sentence(("fire",) if at % 2 else (), chr(0x4E00 + at)) for at in range(letters + 1)]
        assert TextClassifier.fitted(naive_bayes, some, 0.1).loudest("一丁丂七") is not None


@given(st.text("窗帘黑了她坐在楼顶边上。!?;\n， 0", max_size=200))
def test_any_text_has_its_loudest_place_or_none(said: str) -> None:
    loudest = TextClassifier.fitted(naive_bayes, SENTENCES, 0.1).loudest(said)
    if loudest is not None:
        assert 0 <= loudest.start < loudest.end <= len(said)
        apart = [(loudest.start, loudest.end)]
        again = TextClassifier.fitted(naive_bayes, SENTENCES, 0.1).loudest(said, apart)
        assert again is None or again.end <= loudest.start or again.start >= loudest.end


def test_a_city_says_what_alarms_it(tmp_path: Path) -> None:
    ours = (Path(rules.__file__).parent / "heard.tsv").read_text("utf-8")
    (tmp_path / "heard.tsv").write_text(ours + f"none\t-\t{UNNAMED}\n" * 40, "utf-8")
    rulebooks.verify(Rules.load(tmp_path))
    assert heard(UNNAMED, tmp_path) is None


def test_one_sentence_among_many_has_to_be_louder_by_what_the_city_says(tmp_path: Path) -> None:
    ours = (Path(rules.__file__).parent / "emergency.toml").read_text("utf-8")
    assert "among = 0.6\n" in ours
    (tmp_path / "emergency.toml").write_text(ours.replace("among = 0.6\n", "among = 1.6\n"), "utf-8")
    complaint = f"{ORDINARY}。" * 8 + f"{UNNAMED}。" + f"{ORDINARY}。" * 8
    assert heard(complaint) is not None
    assert heard(complaint, tmp_path) is None
    assert heard(UNNAMED, tmp_path) == heard(UNNAMED)


def test_a_city_whose_own_rules_are_older_hears_as_loudly_as_we_do(tmp_path: Path) -> None:
    ours = (Path(rules.__file__).parent / "emergency.toml").read_text("utf-8")
    before, after = ours.split("[hearing]")
    older = before.replace("heard = 0.6\n", "") + after[after.index("[lists]") :]
    (tmp_path / "emergency.toml").write_text(older, "utf-8")
    assert rulebook(Rules.load(tmp_path)).hearing.loudest(UNNAMED) == rulebook(DEFAULT_RULES).hearing.loudest(UNNAMED)
    assert heard(UNNAMED, tmp_path) == heard(UNNAMED)


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "text\n井盖\n",
        COLUMNS + "alarm\t井盖\n",
        COLUMNS + "loud\t-\t井盖\n",
        COLUMNS + "alarm\tflood\t井盖\n",
        COLUMNS,
        COLUMNS + "none\t-\t井盖\n",
        COLUMNS + "alarm\tfire\t井盖\n",
        "\xff",
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, lines: str) -> None:
    (tmp_path / "heard.tsv").write_bytes(lines.encode("latin-1") if lines == "\xff" else lines.encode())
    with pytest.raises(MisconfiguredError, match=r"heard\.tsv"):
        rulebooks.verify(Rules.load(tmp_path))


def test_our_sentences_are_of_every_class_and_are_no_measured_ones() -> None:
    from benchmarks.emergency import CASES, FRESH, HIDDEN, INDIRECT, MORE_STRANGERS, STRANGERS, TOLD, UNSEEN, cases

    lines = DEFAULT_RULES.table("heard", ("expected", "classes", "text"))
    texts = {line["text"] for line in lines}
    assert len(texts) == len(lines)
    classes = Counter(name for line in lines if line["expected"] == "alarm" for name in line["classes"].split("/"))
    assert min(classes.values()) >= 30
    for path in (CASES, FRESH, INDIRECT, STRANGERS, MORE_STRANGERS, TOLD, UNSEEN, HIDDEN):
        assert texts.isdisjoint(case.text for case in cases(path)), path.name


@each_row("end", ["花园", "家园", "嘉园", "山庄", "华府", "小区", "立交桥", "地铁站", "大街", "东门口"])
@each_row("begin", ["阳光", "龙湖", "黄河", "崇山", "翡翠", "水岸"])
def test_who_answers_with_the_name_of_a_place_alarms_nobody(begin: str, end: str) -> None:
    """In a conversation a name is a whole message; there is nothing in it that is an emergency."""
    assert screen(begin + end, begin + end) is None
