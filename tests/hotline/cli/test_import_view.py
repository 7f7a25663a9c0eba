"""What an import shows: a bar that reaches its end, the sum, and the first refusals."""

from pathlib import Path

import pytest

from hotline.cli.import_view import Bar, Preview, show_totals
from hotline.importer.columns import Plan
from hotline.importer.report import Refusal, Totals
from hotline.importer.sources import find


def test_the_bar_counts_the_bytes_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x" * 100)
    (tmp_path / "b.jsonl").write_bytes(b"x" * 50)
    seen = []
    with Bar([tmp_path]) as bar:
        for source in find([tmp_path]):
            with source.open() as file:
                file.read(40)
                bar.tick(source, Totals(read=1))
                seen.append(bar._progress.tasks[0].completed)
                file.read()
                bar.tick(source, Totals(read=2))
                seen.append(bar._progress.tasks[0].completed)
        assert bar._progress.tasks[0].total == 150
    assert seen == [40, 100, 140, 150]


def test_the_sum_says_where_the_rest_of_the_refusals_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    totals = Totals(read=3, published=1, first=[Refusal("a[1].csv", 2, "malformed", "correct it")])
    totals.refused["malformed"] = 2
    show_totals(totals, None, dry_run=False, seconds=1.0)
    shown = capsys.readouterr().out
    assert "a[1].csv:2  malformed  correct it" in shown
    assert "1 more: name a file with --report" in shown
    show_totals(totals, tmp_path / "r.csv", dry_run=True, seconds=1.0)
    shown = capsys.readouterr().out
    assert "would be published" in shown
    assert "r.csv" in shown


def test_a_long_header_is_shown_whole(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    header = "".join(map(chr, range(0x4E00, 0x4E00 + 60)))
    preview = Preview(clear=False)
    preview.heard("a.csv", Plan(header=(header,), fields=(("text",),)), "utf-8")
    preview.show()
    shown = capsys.readouterr().out
    assert [one for one in header if one not in shown] == []
