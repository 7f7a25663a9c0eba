"""Harm to a minor and the wish not to be named, in words that no cue has: heard by sentences that a city may add to."""

from pathlib import Path

import pytest

from hotline.quality.evaluate import TASKS
from normalizers import rulebooks, rules
from normalizers.enrich.confidentiality import ANONYMOUS, CONFIDENTIALITY, confidentiality
from normalizers.enrich.minors import HARMED, MINOR, TOPIC, minors
from normalizers.rules import DEFAULT_RULES, Rules
from normalizers.text.classifier import MOST_HEARD
from normalizers.text.fold import fold
from schemas.errors import MisconfiguredError
from schemas.records import Finding

UNNAMED_WISH = "我还在他们厂里上班，千万别让老板晓得"
UNNAMED_HARM = "孩子夜里一直哭，胳膊上全是掐的印子"
ORDINARY = "我们小区的电梯坏了三天，物业一直没有派人来修"
SUBJECTS = ("minors", "confidentiality")


def of_minors(text: str, title: str | None = None, folder: Path | None = None) -> dict[str, Finding]:
    found = minors(title, text, fold(f"{title or ''}\n{text}"), Rules.load(folder))
    return {one.kind: one for one in found}


def of_wishes(text: str, title: str | None = None, folder: Path | None = None) -> dict[str, Finding]:
    found = confidentiality(title, text, fold(f"{title or ''}\n{text}"), Rules.load(folder))
    return {one.kind: one for one in found}


def test_harm_that_no_cue_tells_is_heard_and_says_so() -> None:
    found = of_minors(f"{ORDINARY}。{UNNAMED_HARM}。")
    assert set(found) == {MINOR, TOPIC, HARMED}
    assert {(one.source, one.score) for one in found.values()} == {("model", 0.6)}
    span = found[HARMED].span
    assert span is not None
    assert len(ORDINARY) < span[0] < span[1] <= len(f"{ORDINARY}。{UNNAMED_HARM}")


def test_a_wish_that_no_cue_tells_is_heard_and_says_so() -> None:
    found = of_wishes(f"{ORDINARY}，{UNNAMED_WISH}。")
    assert set(found) == {CONFIDENTIALITY, ANONYMOUS}
    assert {(one.source, one.score) for one in found.values()} == {("model", 0.6)}


def test_what_stands_in_the_title_has_no_place_in_the_text() -> None:
    assert {one.span for one in of_minors(ORDINARY, UNNAMED_HARM).values()} == {None}
    assert {one.span for one in of_wishes(ORDINARY, UNNAMED_WISH).values()} == {None}


def test_what_a_cue_tells_is_told_by_it_alone() -> None:
    cue = of_minors("商店卖酒给小学生")
    assert set(cue) == {MINOR, TOPIC}
    both = of_minors(f"商店卖酒给小学生。{UNNAMED_HARM}")
    assert both[TOPIC].source == "rule"
    assert both[HARMED].source == "model"


def test_who_asks_for_confidence_by_a_cue_may_ask_not_to_be_named_in_other_words() -> None:
    found = of_wishes(f"请保密，{UNNAMED_WISH}")
    assert (found[CONFIDENTIALITY].source, found[ANONYMOUS].source) == ("rule", "model")


def test_of_grown_ups_alone_nothing_is_heard() -> None:
    assert of_minors("他夜里一直哭，胳膊上全是掐的印子") == {}


def test_the_ends_of_a_long_text_are_heard() -> None:
    filler = f"{ORDINARY}。" * (MOST_HEARD // len(ORDINARY))
    assert HARMED in of_minors(filler + UNNAMED_HARM)
    assert ANONYMOUS in of_wishes(f"{UNNAMED_WISH}。{filler}")
    assert of_minors(filler) == {}
    assert of_wishes(filler) == {}


@pytest.mark.parametrize(
    ("subject", "find", "said"), [("minors", of_minors, UNNAMED_HARM), ("confidentiality", of_wishes, UNNAMED_WISH)]
)
def test_a_city_says_what_is_heard(tmp_path: Path, subject, find, said: str) -> None:  # type: ignore[no-untyped-def] # of every subject
    name = f"{subject}_heard.tsv"
    ours = (Path(rules.__file__).parent / name).read_text("utf-8")
    (tmp_path / name).write_text(ours + f"none\t{said}\n" * 60, "utf-8")
    rulebooks.verify_one(Rules.load(tmp_path), subject)
    assert find(said, folder=tmp_path) == {}


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_city_whose_own_rules_are_older_hears_as_we_do(tmp_path: Path, subject: str) -> None:
    ours = (Path(rules.__file__).parent / f"{subject}.toml").read_text("utf-8")
    before, after = ours.split("[hearing]")
    (tmp_path / f"{subject}.toml").write_text(before + after[after.index("[lists]") :], "utf-8")
    rulebooks.verify_one(Rules.load(tmp_path), subject)
    assert HARMED in of_minors(UNNAMED_HARM, folder=tmp_path)
    assert ANONYMOUS in of_wishes(UNNAMED_WISH, folder=tmp_path)


@pytest.mark.parametrize("subject", [*SUBJECTS, "acceptance", "kind", "category"])
@pytest.mark.parametrize(
    "lines", ["", "text\n井盖\n", "value\ttext\n", "value\ttext\nloud\t井盖\n", "value\ttext\nnone\t井盖\n"]
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, subject: str, lines: str) -> None:
    (tmp_path / f"{subject}_heard.tsv").write_text(lines, "utf-8")
    with pytest.raises(MisconfiguredError, match=f"{subject}_heard"):
        rulebooks.verify_one(Rules.load(tmp_path), subject)


@pytest.mark.parametrize("subject", [*SUBJECTS, "acceptance"])
def test_no_sentence_is_a_measured_one_or_stands_twice(subject: str) -> None:
    texts = [line["text"] for line in DEFAULT_RULES.table(f"{subject}_heard", ("value", "text"))]
    assert len(texts) == len(set(texts))
    cases = (Path(__file__).parent / f"{subject}_cases.tsv").read_text("utf-8").splitlines()[1:]
    assert set(texts).isdisjoint(line.split("\t")[2] for line in cases)


@pytest.mark.parametrize(
    ("subject", "label", "least"),
    [
        ("minors", "harm", 0.76),
        ("minors", "minor", 0.5),
        ("confidentiality", "withheld", 0.82),
        ("minors", "none", 0.91),
        ("confidentiality", "none", 0.89),
    ],
)
def test_strangers_are_heard_as_well_as_was_measured(subject: str, label: str, least: float) -> None:
    """Who wrote these lists knew neither rules nor sentences: docs/reference/quality.md."""
    figures = {
        one.name: one.value for one in TASKS[subject](Path(__file__).parent / f"{subject}_strangers.tsv", DEFAULT_RULES)
    }
    found = figures[f"{label}_recall"]
    assert found is not None
    assert found >= least
