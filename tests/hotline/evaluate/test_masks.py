"""`hotline evaluate masks`: what must not be readable, and what must stay."""

from pathlib import Path

import pytest

from hotline.quality.evaluate import TASKS
from normalizers.rules import DEFAULT_RULES
from schemas.errors import MisconfiguredError

THIRD_PERSONS = Path(__file__).parents[2] / "normalizers/third_persons.tsv"


def test_what_stays_readable_and_what_is_touched_for_nothing_is_counted(tmp_path: Path) -> None:
    file = tmp_path / "masks.tsv"
    rows = [
        "text\texpected",
        "邻居王喆半夜装修，电话13800138000\t王喆 13800138000",
        "小明在门口\t小明",
        "路灯坏了\t",
        "打13800138000\t",
    ]
    file.write_text("\n".join(rows), encoding="utf-8")
    made = {figure.name: figure.value for figure in TASKS["masks"](file, DEFAULT_RULES)}
    assert made == {"rows": 4, "values": 3, "hidden": 0.6667, "ordinary": 2, "touched": 0.5}


def test_several_files_are_counted_together(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.tsv", "b.tsv")]
    for file in files:
        file.write_text("text\texpected\n打13800138000\t13800138000\n", encoding="utf-8")
    made = {figure.name: figure.value for figure in TASKS["masks"](files, DEFAULT_RULES)}
    assert (made["rows"], made["values"], made["hidden"]) == (2, 2, 1.0)


def test_a_text_of_several_lines_is_written_in_one(tmp_path: Path) -> None:
    file = tmp_path / "masks.tsv"
    file.write_text("text\texpected\n打138\\n0013\\n8000\t0013 8000\n", encoding="utf-8")
    made = {figure.name: figure.value for figure in TASKS["masks"](file, DEFAULT_RULES)}
    assert (made["values"], made["hidden"]) == (2, 1.0)


def test_of_what_is_marked_no_letter_may_be_readable(tmp_path: Path) -> None:
    file = tmp_path / "masks.tsv"
    lines = [
        "text",
        "我叫⟦王喆⟧，电话⟦138 0013 8000⟧",
        "小明在⟦门口⟧，打⟦13800138000⟧",
        "东边⟦13800138000号⟧",
        "路灯坏了",
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    made = {figure.name: figure.value for figure in TASKS["masks"](file, DEFAULT_RULES)}
    assert made == {"rows": 4, "values": 5, "hidden": 0.6, "ordinary": 1, "touched": 0.0}


def test_the_list_of_third_persons_is_such_a_file() -> None:
    made = {figure.name: figure.value for figure in TASKS["masks"](THIRD_PERSONS, DEFAULT_RULES)}
    assert made["values"] == 94
    assert made["hidden"] is not None
    assert made["hidden"] >= 0.9


def test_a_file_without_rows_is_named(tmp_path: Path) -> None:
    (tmp_path / "none.tsv").write_text("text\tnames\n", encoding="utf-8")
    with pytest.raises(MisconfiguredError, match="no row"):
        TASKS["masks"](tmp_path / "none.tsv", DEFAULT_RULES)
