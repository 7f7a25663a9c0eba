"""Records as a table, JSON, lines of JSON and CSV; `lists` makes the verb."""

import csv
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import typer
from msgspec import Struct
from typer.testing import CliRunner, Result

from hotline.cli.output import Column, lists, size


class Row(Struct):
    """A record."""

    name: str
    count: int
    at: datetime
    tags: tuple[str, ...] = ()


AT = datetime(2026, 12, 3, 1, 2, 3, tzinfo=UTC)
ROWS = [Row("投诉\n=1+1", 7, AT, ("a", "b")), Row("=cmd()", 1000, AT)]
COLUMNS = (
    Column("name", "名称"),
    Column("count", "数量", right=True),
    Column("at", "时间"),
    Column("labels", "标签", lambda one: one.tags),
)


def run(*arguments: str, rows: Sequence[Row] = ROWS, code: int = 0, chinese: bool = False) -> Result:
    app = typer.Typer()

    @app.command()
    @lists(COLUMNS, nothing="Nothing.", plain=_plain if "--plain" in arguments else None)
    def verb(wanted: int = 9) -> Iterator[Row]:
        yield from rows[:wanted]
        if code:
            raise typer.Exit(code)

    given = [one for one in arguments if one != "--plain"]
    language = {"LC_ALL": "zh_CN.UTF-8" if chinese else "C.UTF-8"}
    answer = CliRunner().invoke(app, given, env=language)
    assert answer.exit_code == code, answer.output
    return answer


def _plain(rows: Sequence[Any]) -> None:
    typer.echo(f"{len(rows)} rows")


def test_a_table_is_aligned_by_the_width_of_chinese_and_one_line_a_record() -> None:
    assert run().stdout.splitlines() == [
        "name       count  at                         labels",
        "投诉 =1+1      7  2026-12-03T09:02:03+08:00  a, b",
        "=cmd()      1000  2026-12-03T09:02:03+08:00  -",
    ]
    assert [size(count) for count in (0, 1023, 374_777, 5 << 30)] == ["0 B", "1023 B", "366 KiB", "5 GiB"]
    assert run(chinese=True).stdout.splitlines()[0].split() == ["名称", "数量", "时间", "标签"]


def test_columns_are_chosen_by_either_name_and_an_unknown_one_is_refused() -> None:
    assert run("--columns", "数量,name", "--wanted", "1").stdout.splitlines()[1] == "    7  投诉 =1+1"
    assert "name (名称), count (数量)" in " ".join(run("--columns", "nam", code=2).output.replace("│", " ").split())
    assert "JSON always has every field" in run("--columns", "name", "-o", "json", code=2).output


def test_json_holds_every_field() -> None:
    whole = json.loads(run("-o", "json").stdout)
    lines = [json.loads(line) for line in run("--json").stdout.splitlines()]
    assert whole == lines == [json.loads(line) for line in run("-o", "jsonl").stdout.splitlines()]
    assert [(one["name"], one["tags"]) for one in whole] == [("投诉\n=1+1", ["a", "b"]), ("=cmd()", [])]
    assert "--json is the same as -o jsonl" in run("--json", "-o", "csv", code=2).output


def test_csv_holds_no_formula_and_keeps_lines_of_a_text() -> None:
    rows = list(csv.reader(run("-o", "csv").stdout.splitlines(keepends=True)))
    assert rows[0] == ["name", "count", "at", "labels"]
    assert [row[:2] for row in rows[1:]] == [["投诉\n=1+1", "7"], ["'=cmd()", "1000"]]


def test_nothing_is_said_beside_the_output() -> None:
    for form, wanted in (
        ((), ""),
        (("-o", "json"), "[]\n"),
        (("--json",), ""),
        (("-o", "csv"), "name,count,at,labels\n"),
    ):
        answer = run(*form, rows=[])
        assert (answer.stdout, answer.stderr) == (wanted, "Nothing.\n")


def test_an_exit_code_waits_for_the_records() -> None:
    assert len(run(code=1).stdout.splitlines()) == 3
    assert len(run("-o", "jsonl", code=1).stdout.splitlines()) == 2


def test_another_form_for_a_person_gives_way_to_a_wanted_table() -> None:
    assert run("--plain").stdout == "2 rows\n"
    assert run("--plain", "-o", "table").stdout == run().stdout
    assert run("--plain", "--columns", "name").stdout == run("--columns", "name").stdout
