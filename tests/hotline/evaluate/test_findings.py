"""`hotline evaluate` of what is found in a message: figures known by hand, and the bars on labelled sets."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hotline.cli.app import app
from hotline.quality.evaluate import TASKS
from hotline.quality.evaluate.figures import Figure
from hotline.quality.evaluate.findings import Judged, figures
from normalizers.rules import DEFAULT_RULES, Rules
from schemas.errors import MisconfiguredError

DATA = os.environ.get("HOTLINE_DATA")
CASES = Path(__file__).parents[2] / "normalizers/findings/emergency_cases.tsv"


def by_name(made: Iterable[Figure]) -> dict[str, float | int | None]:
    return {figure.name: figure.value for figure in made}


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def test_the_figures_by_hand() -> None:
    made = by_name(figures([Judged("a", "a"), Judged("a", "b"), Judged("b", "b"), Judged("c", "unknown")]))
    assert made == {
        "rows": 4, "accuracy": 0.5, "macro_f1": 0.4445, "unknown": 0.25,
        "a_rows": 2, "a_precision": 1.0, "a_recall": 0.5, "a_f1": 0.6667,
        "b_rows": 1, "b_precision": 0.5, "b_recall": 1.0, "b_f1": 0.6667,
        "c_rows": 1, "c_precision": None, "c_recall": 0.0, "c_f1": None,
    }  # fmt: skip


def test_a_label_is_never_told_to_the_rules(tmp_path: Path) -> None:
    rows = [{"body": "请问新生儿落户怎么办理？", "kind": "表扬"}, {"body": "举报黑作坊无证生产", "kind": "report"}]
    made = by_name(TASKS["kind"](written(tmp_path / "kinds.jsonl", rows), DEFAULT_RULES))
    assert (made["accuracy"], made["praise_recall"], made["report_recall"]) == (0.5, 0.0, 1.0)


def test_rules_that_cannot_be_used_are_no_wrong_answers(tmp_path: Path) -> None:
    (tmp_path / "minors_heard.tsv").write_text("value\ttext\nloud\t孩子\n", "utf-8")
    labelled = written(tmp_path / "minors.jsonl", [{"text": "你好", "expected": "none"}])
    with pytest.raises(MisconfiguredError, match="minors_heard"):
        TASKS["minors"](labelled, Rules.load(tmp_path))


def test_a_proposal_about_what_is_to_be_taken_is_a_false_one(tmp_path: Path) -> None:
    rows = [
        {"text": "部队营区外的围墙倒了", "expected": "military"},
        {"text": "部队营区外的围墙倒了", "expected": "none"},
        {"text": "路灯坏了", "expected": "none"},
    ]
    made = by_name(TASKS["acceptance"](written(tmp_path / "refused.jsonl", rows), DEFAULT_RULES))
    assert (made["military_recall"], made["none_recall"], made["false_proposals"]) == (1.0, 0.5, 0.5)


def test_a_label_that_is_none_is_told_with_its_row(tmp_path: Path) -> None:
    rows = [{"text": "着火了", "expected": "alarm"}, {"text": "停水", "expected": "nothing"}]
    with pytest.raises(MisconfiguredError, match="Row 2: A label of an emergency must be one of"):
        TASKS["emergency"](written(tmp_path / "labelled.jsonl", rows), DEFAULT_RULES)


def test_a_class_is_named_by_name_or_by_a_code_of_any_level(tmp_path: Path) -> None:
    text = "废水直排河道，鱼都死了"
    rows = [{"text": text, "label": label} for label in ("环境保护", "environment", "environment.air", "transport")]
    made = by_name(TASKS["category"](written(tmp_path / "classes.jsonl", rows), DEFAULT_RULES))
    assert (made["accuracy"], made["environment_recall"]) == (0.75, 1.0)


def test_labels_that_are_no_category_are_counted_and_named(tmp_path: Path) -> None:
    rows = [
        {"text": "废水直排河道，鱼都死了", "label": label} for label in ("城乡建没", "城乡建没", "环境保护", "unknown")
    ]
    made = TASKS["category"](written(tmp_path / "classes.jsonl", rows), DEFAULT_RULES)
    (told,) = [one for one in made if one.name == "labels_unknown"]
    assert (told.value, told.meaning) == (2, "rows whose label is no category, and can never be right (城乡建没)")
    assert by_name(made)["accuracy"] == 0.25


@pytest.mark.parametrize(
    ("task", "row", "message"),
    [
        ("kind", {"text": "你好", "kind": "闲聊"}, "not a request kind"),
        ("kind", {"text": "你好"}, "No row"),
        ("emergency", {"text": "你好", "expected": "maybe"}, "one of alarm"),
        ("confidentiality", {"text": "你好", "expected": "maybe"}, "one of withheld"),
        ("minors", {"text": "你好", "expected": "maybe"}, "one of harm"),
        ("acceptance", {"text": "你好", "expected": "maybe"}, "one of emergency_line"),
    ],
)
def test_what_is_no_label_is_named_without_the_text(
    tmp_path: Path, task: str, row: dict[str, str], message: str
) -> None:
    with pytest.raises(MisconfiguredError, match=message) as caught:
        TASKS[task](written(tmp_path / "bad.jsonl", [row]), DEFAULT_RULES)
    assert "你好" not in str(caught.value)


def test_our_own_emergencies_keep_their_bar() -> None:
    made = by_name(TASKS["emergency"](CASES, DEFAULT_RULES))
    assert made["rows"] == 518
    assert (made["alarm_recall"] or 0) >= 0.98
    assert (made["false_alarms"] or 1) <= 0.03


def test_the_command_prints_one_object_and_a_table(tmp_path: Path) -> None:
    path = str(written(tmp_path / "kinds.jsonl", [{"text": "投诉乱收费", "kind": "complaint"}]))
    printed = CliRunner().invoke(app, ["evaluate", "kind", path, "--json"])
    assert json.loads(printed.stdout)["complaint_f1"] == 1.0
    table = CliRunner().invoke(app, ["evaluate", "kind", path]).stdout
    assert "macro_f1" in table


def test_the_command_takes_several_files(tmp_path: Path) -> None:
    rows = [{"text": "投诉乱收费", "kind": kind} for kind in ("complaint", "praise")]
    files = [str(written(tmp_path / f"{number}.jsonl", [row])) for number, row in enumerate(rows)]
    printed = json.loads(CliRunner().invoke(app, ["evaluate", "kind", *files, "--json"]).stdout)
    assert (printed["rows"], printed["accuracy"]) == (2, 0.5)


@pytest.mark.skipif(DATA is None, reason="HOTLINE_DATA names no folder of labelled messages")
def test_the_bar_on_the_labelled_categories() -> None:
    made = by_name(TASKS["category"](Path(DATA or "") / "messages" / "category_dev.jsonl", DEFAULT_RULES))
    assert (made["accuracy"] or 0) >= 0.82


@pytest.mark.parametrize(("task", "least"), [("confidentiality", 0.9), ("minors", 0.9)])
def test_our_own_sentences_are_such_files(task: str, least: float) -> None:
    made = by_name(TASKS[task](CASES.with_name(f"{task}_cases.tsv"), DEFAULT_RULES))
    assert made["accuracy"] is not None
    assert made["accuracy"] >= least
    assert made["none_recall"] == 1.0
