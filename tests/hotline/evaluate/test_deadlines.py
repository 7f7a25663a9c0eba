"""`hotline evaluate deadlines`: what is right, early, late, missing and needless; the vectors of our own."""

from pathlib import Path

import pytest

from hotline.quality.evaluate import TASKS
from normalizers.rules import DEFAULT_RULES, Rules
from schemas.errors import MisconfiguredError

OURS = Path(__file__).parents[2] / "tickets" / "deadlines.tsv"
COLUMNS = "at\tdue\tjurisdiction\tkind\tpolicy\textension\temergency\n"


def measured(*files: Path, folder: Path | None = None) -> dict[str, float | int | None]:
    return {figure.name: figure.value for figure in TASKS["deadlines"](files, Rules.load(folder))}


def written(path: Path, *rows: str) -> Path:
    path.write_text(COLUMNS + "\n".join(rows), encoding="utf-8")
    return path


def test_each_way_to_be_wrong_is_counted_and_the_rows_are_named(tmp_path: Path) -> None:
    rows = written(
        tmp_path / "a.tsv",
        "2026-02-11T09:00\t2026-02-25\t\t\tshandong.resolve",
        "2026-02-11T09:00\t2026-02-26\t370100\tcomplaint",
        "2026-02-11T09:00\t2026-02-24T23:59:59\t370100",
        "2026-02-11T09:00\t2026-02-24T23:59:59\t210100",
        "2026-02-11T09:00\tnone\t370100",
        "2026-02-11T09:00\tnone\t440100\tpraise",
        "2026-02-11T01:00+00:00\t2026-02-11T11:00+08:00\t110000\t\t\t\ttrue",
        "2026-12-31T09:00\t2027-01-08\t\t\tshandong.resolve",
    )
    figures = {figure.name: figure for figure in TASKS["deadlines"](rows, DEFAULT_RULES)}
    counted = {name: figure.value for name, figure in figures.items()}
    assert counted == {
        "rows": 8, "accuracy": 0.5, "wrong": 4, "early": 1, "late": 1, "missing": 1, "needless": 1, "provisional": 1,
    }  # fmt: skip
    assert figures["wrong"].meaning.endswith("(3, 4, 5, 6)")


def test_a_city_that_changes_an_amount_is_measured_by_it(tmp_path: Path) -> None:
    (tmp_path / "rules" / "deadlines").mkdir(parents=True)
    text = 'id = "city"\nname = "本市"\nversion = "1"\nadcodes = ["3701"]\n[[rules]]\nid = "city.resolve"\n'
    limit = 'clock = "resolve"\namount = 1\nunit = "natural_days"\nlegal_basis = "of the city"\n'
    (tmp_path / "rules" / "deadlines" / "city.toml").write_text(text + limit, encoding="utf-8")
    rows = written(tmp_path / "a.tsv", "2026-02-11T09:00\t2026-02-12\t370100")
    assert measured(rows)["accuracy"] == 0.0
    assert measured(rows, folder=tmp_path / "rules")["accuracy"] == 1.0


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("yesterday\t2026-02-25\t370100", "Row 2: `at`"),
        ("2026-02-11T09:00\tsoon\t370100", "Row 2: `due`"),
        ("2026-02-11T09:00\t2026-02-25\t\t\tshandong.resolved", "Row 2: unknown `policy`"),
        ("2026-02-11T09:00\t2026-02-25\t\t\tshandong.resolve\tmuch", "Row 2: `at` or `extension`"),
        ("2026-02-11T09:00", r"Line 2 of a\.tsv has no due"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(tmp_path: Path, row: str, says: str) -> None:
    with pytest.raises(MisconfiguredError, match=says):
        measured(written(tmp_path / "a.tsv", row))


def test_our_own_vectors_are_all_right() -> None:
    made = measured(OURS)
    assert (made["rows"], made["accuracy"], made["provisional"]) == (28, 1.0, 0)


def test_several_files_are_counted_together_and_none_twice(tmp_path: Path) -> None:
    one = written(tmp_path / "a.tsv", "2026-02-11T09:00\t2026-02-25\t370100")
    other = written(tmp_path / "b.tsv", "2026-02-11T09:00\t2026-02-24\t370100")
    figures = {figure.name: figure for figure in TASKS["deadlines"]((one, other), DEFAULT_RULES)}
    assert (figures["rows"].value, figures["accuracy"].value) == (2, 0.5)
    assert f"({other}:2)" in figures["wrong"].meaning
    with pytest.raises(MisconfiguredError, match="named twice"):
        measured(one, one)
