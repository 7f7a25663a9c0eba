"""Kind and category by what a whole text sounds like, where no cue and no word says it."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.quality.evaluate.findings import category as measure_category
from hotline.quality.evaluate.findings import kind as measure_kind
from normalizers import rulebooks, rules
from normalizers.enrich.category import category
from normalizers.enrich.request_kind import request_kind
from normalizers.rules import DEFAULT_RULES, Rules
from normalizers.text.fold import fold
from normalizers.text.ngrams import features, features_of_one
from schemas.records import Finding
from tests.rows import each_row

HERE = Path(__file__).parent
SUBJECTS = ("kind", "category")
MEASURED = {
    "kind": ("kind_cases", "kind_strangers", "neither_strangers"),
    "category": ("category_short", "category_strangers", "neither_strangers"),
}
UNNAMED_COMPLAINT = "卖给我的煎饼里头有根钢丝球上的铁丝,老板连句对不起都没有"
UNNAMED_WAGES = "干了仨月活,人影都找不着了,大伙儿等着拿钱回家过年"


def kind(text: str, title: str = "", folder: Path | None = None) -> Finding | None:
    told = request_kind(fold(title), fold(text), Rules.load(folder))
    return told[0] if told else None


def about(text: str, title: str = "", folder: Path | None = None) -> Finding | None:
    told = category(fold(title), fold(text), Rules.load(folder))
    return told[0] if told else None


def test_a_kind_that_no_cue_names_is_heard_and_says_so() -> None:
    found = kind(UNNAMED_COMPLAINT)
    assert found is not None
    assert (found.value, found.source) == ("complaint", "model")
    assert 0.4 <= found.score < 1


def test_a_class_that_no_word_names_is_heard_and_says_so() -> None:
    found = about(UNNAMED_WAGES)
    assert found is not None
    assert (found.value, found.source) == ("labour.wages", "model")
    assert 0.2 <= found.score < 1


@each_row("text", ["您好", "测试一下", "王建国", "", "…", "hello"])
def test_what_says_nothing_has_neither(text: str) -> None:
    assert kind(text) is None
    assert about(text) is None


def test_a_report_that_says_nothing_else_stands_however_it_sounds() -> None:
    found = kind("举报,灯坏了一排,天黑看不见,孩子走夜路害怕")
    assert found is not None
    assert (found.value, found.source) == ("report", "rule")


def test_who_asks_for_something_praises_nobody_by_saying_thanks() -> None:
    found = kind("小区门口道路坑坑洼洼,下雨都是泥,请安排解决,谢谢!")
    assert found is not None
    assert found.value == "help_request"


@pytest.mark.parametrize(
    ("subject", "find", "said"), [("kind", kind, UNNAMED_COMPLAINT), ("category", about, UNNAMED_WAGES)]
)
def test_a_city_says_what_is_heard(tmp_path: Path, subject, find, said: str) -> None:  # type: ignore[no-untyped-def] # of every subject
    name = f"{subject}_heard.tsv"
    ours = (Path(rules.__file__).parent / name).read_text("utf-8")
    (tmp_path / name).write_text(ours + f"none\t{said}\n" * 200, "utf-8")
    rulebooks.verify_one(Rules.load(tmp_path), subject)
    assert find(said) is not None
    assert find(said, folder=tmp_path) is None


@pytest.mark.parametrize(
    ("subject", "find", "said"), [("kind", kind, UNNAMED_COMPLAINT), ("category", about, UNNAMED_WAGES)]
)
def test_a_city_whose_own_rules_are_older_hears_as_we_do(tmp_path: Path, subject, find, said: str) -> None:  # type: ignore[no-untyped-def] # of every subject
    ours = (Path(rules.__file__).parent / f"{subject}.toml").read_text("utf-8")
    before, after = ours.split("[hearing]")
    (tmp_path / f"{subject}.toml").write_text(before + after[after.index("\n[") :], "utf-8")
    rulebooks.verify_one(Rules.load(tmp_path), subject)
    assert find(said, folder=tmp_path) == find(said)


def test_a_city_with_a_class_that_no_sentence_is_of_goes_by_its_words(tmp_path: Path) -> None:
    ours = (Path(rules.__file__).parent / "category.toml").read_text("utf-8")
    own = ours.replace("[classes]\n", '[classes]\nmoon = "月亮"\n', 1)
    (tmp_path / "category.toml").write_text(own, "utf-8")
    rulebooks.verify_one(Rules.load(tmp_path), "category")
    assert about(UNNAMED_WAGES, folder=tmp_path) is None
    assert about("公司拖欠工资", folder=tmp_path) == about("公司拖欠工资")


@pytest.mark.parametrize("subject", SUBJECTS)
def test_no_sentence_is_a_measured_one_or_stands_twice(subject: str) -> None:
    texts = [fold(line["text"]) for line in DEFAULT_RULES.table(f"{subject}_heard", ("value", "text"))]
    assert [text for text, times in Counter(texts).items() if times > 1] == []
    measured = (line for name in MEASURED[subject] for line in (HERE / f"{name}.tsv").read_text("utf-8").splitlines())
    assert set(texts).isdisjoint(fold(line.rsplit("\t", 1)[1]) for line in measured)


def test_strangers_are_heard_as_well_as_was_measured() -> None:
    """Who wrote these lists knew neither rules nor sentences: docs/reference/quality.md."""
    kinds = {one.name: one.value for one in measure_kind(HERE / "kind_strangers.tsv")}
    classes = {one.name: one.value for one in measure_category(HERE / "category_strangers.tsv")}
    assert (kinds["accuracy"] or 0) >= 0.93
    assert (classes["accuracy"] or 0) >= 0.88


@given(st.text("停电了a0\ue001", max_size=12))
def test_one_sentence_has_the_features_that_it_has_among_others(said: str) -> None:
    assert sorted(features_of_one(said).tolist()) == sorted(features([said])[0].tolist())
