"""The order of an import, its ledger, its report, and what it does when Kafka goes away."""

import csv
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.cli.import_ import _stoppable
from hotline.importer import readers, report, run, tables
from hotline.importer.item import Item, Options
from hotline.importer.ledger import Ledger
from hotline.importer.raws import Intake
from hotline.importer.report import Refusal, Report, Totals
from hotline.importer.run import Import
from hotline.importer.sources import Source, find
from schemas.errors import MisconfiguredError, UnauthorizedError, UnreachableError
from tests.hotline.imports.reading import CITY, Memory, imported, options


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["编号,正文", *(f"{number},第{number}条" for number in range(30))]), encoding="utf-8")
    return path


def test_a_second_import_of_the_same_file_publishes_nothing(file: Path) -> None:
    memory, first = imported(file)
    _, second = imported(file, memory=memory)
    assert (first.published, second.published, second.known, len(memory.messages)) == (30, 0, 30, 30)


def test_the_same_id_with_other_contents_is_refused_and_not_swallowed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,正文\n1,灯坏了\n1,灯坏了\n1,路坏了\n", encoding="utf-8")
    _, totals = imported(path)
    assert (totals.read, totals.published, totals.known) == (3, 1, 1)
    assert [(one.line, one.code) for one in totals.first] == [(4, "id_taken")]


def test_a_record_that_names_its_city_is_of_that_citys_account(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "1", "text": "灯坏了"}\n{"id": "1", "text": "路坏了", "jurisdiction": "210200"}\n')
    memory, totals = Memory(), Totals()
    Import(Intake(jurisdiction=CITY), options(), memory, memory, Report(totals), totals).run(find([path]))
    assert [(raw.envelope.source, raw.jurisdiction) for raw in memory.messages] == [
        ("/hotline/record/import_210100", CITY),
        ("/hotline/record/import_210200", "210200"),
    ]


def test_times_that_nobody_can_read_are_counted(tmp_path: Path) -> None:
    """They have the time of the file: in a fresh export of last year each emergency would alarm as if it were new."""
    rows, lines = tmp_path / "a.csv", tmp_path / "a.jsonl"
    rows.write_text("编号,来件时间,正文\n1,26/11/02,灯坏了\n2,2026-11-02 08:00,路坏了\n3,,井盖没了\n", encoding="utf-8")
    lines.write_text(
        '{"id": "4", "text": "水管爆了", "received_at": "晚8点"}\n{"id": "5", "text": "停电"}\n{"text": 6}\n'
    )
    memory, totals = Memory(), Totals()
    Import(Intake(jurisdiction=CITY), options(), memory, memory, Report(totals), totals).run(find([rows, lines]))
    assert (totals.read, totals.published, totals.refusals, totals.undated) == (6, 6, 0, 2)


def test_what_was_not_published_is_not_remembered(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "BATCH_RECORDS", 10)
    memory = Memory()
    memory.faults = [UnauthorizedError("no")]
    with pytest.raises(UnauthorizedError):
        imported(file, memory=memory)
    assert memory.held == {}
    imported(file, memory=memory)
    assert len(memory.messages) == 30


def test_a_kafka_that_goes_away_is_waited_for_and_one_that_never_was_is_not(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "BATCH_RECORDS", 10)
    monkeypatch.setattr(run, "BACK_OFF", {"multiplier": 0.001, "max": 0.001})
    away = UnreachableError("away")
    memory = Memory()
    memory.faults = [away]
    with pytest.raises(UnreachableError):
        imported(file, memory=memory)

    class Flaky(Memory):
        def publish(self, messages) -> None:
            if self.messages and len(self.faults) < 3:
                self.faults.append(away)
                raise away
            self.messages.extend(messages)

    memory, told = Flaky(), []
    imported(file, memory=memory, told=told)
    assert told == [away], "said once"
    assert len(memory.messages) == 30


def test_a_stop_ends_behind_the_batch_and_the_next_run_goes_on(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "BATCH_RECORDS", 10)
    stop, memory, totals = run.Stop(), Memory(), Totals()

    class Stopping(Memory):
        def publish(self, messages) -> None:
            memory.publish(messages)
            stop.set()

    intake = Intake(account="old_system", jurisdiction=CITY)
    Import(intake, options(), Stopping(), memory, Report(totals), totals, stop=stop).run(find([file]))
    assert (totals.stopped, totals.published, len(memory.messages)) == (True, 10, 10)
    imported(file, memory=memory)
    assert len({raw.envelope.id for raw in memory.messages}) == len(memory.messages) == 30


def test_a_signal_ends_the_reading_of_a_file_that_gives_nothing(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a packed line of a gigabyte does, or a workbook before its first row."""

    def endless(source: Source, chosen: Options) -> Iterator[Item]:
        yield from tables.read(source, chosen)
        os.kill(os.getpid(), signal.SIGTERM)
        while True:
            pass

    monkeypatch.setattr(readers, "READERS", {**readers.READERS, "table": endless})
    memory, totals, never = Memory(), Totals(), tmp_path / "z.csv"
    never.write_text("text\nx\n")
    with _stoppable() as stop:
        intake = Intake(account="old_system", jurisdiction=CITY)
        Import(intake, options(), memory, memory, Report(totals), totals, stop=stop).run(find([file, never]))
    assert (totals.stopped, totals.files, len(memory.messages)) == (True, 1, 30)


def test_the_rate_is_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "BATCH_RECORDS", 10)
    waits: list[float] = []

    class Stop(run.Stop):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0)
            return False

    totals, memory = Totals(), Memory()
    intake = Intake(account="old_system", jurisdiction=CITY)
    Import(intake, options(), memory, memory, Report(totals), totals, rate=5, stop=Stop()).run(find([file]))
    assert [round(wait) for wait in waits] == [0, 2, 4]


def test_a_report_is_for_us_alone_and_no_name_of_a_file_is_a_formula_in_it(tmp_path: Path) -> None:
    """A name tells who wrote, as often as not: 13812345678_张三.eml."""
    with report.opened(Totals(), tmp_path / "refused.csv") as refused:
        for name in ('=HYPERLINK("http://evil.example")', "@SUM(1)", "张三.eml"):
            refused.refuse(Refusal(file=name, line=None, code="malformed", reason="no mail"))
    written = (tmp_path / "refused.csv").read_text("utf-8-sig").splitlines()
    assert [line[:2] for line in written[1:]] == ["\"'", "'@", "张三"]
    assert (tmp_path / "refused.csv").stat().st_mode & 0o077 == 0


def test_every_refusal_is_in_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "SHOWN", 2)
    path = tmp_path / "a.jsonl"
    path.write_text("{\n" * 5, encoding="utf-8")
    totals = Totals()
    with report.opened(totals, tmp_path / "refused.csv") as refused:
        intake = Intake(account="old_system", jurisdiction=CITY)
        Import(intake, options(), Memory(), Memory(), refused, totals).run(find([path]))
    rows = list(csv.reader((tmp_path / "refused.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert rows[0] == ["file", "line", "code", "reason"]
    assert [row[:3] for row in rows[1:]] == [[str(path), str(line), "malformed"] for line in range(1, 6)]
    assert (totals.refusals, len(totals.first)) == (5, 2)
    with pytest.raises(MisconfiguredError), report.opened(totals, tmp_path):
        pass


def test_the_ledger_outlives_the_process_and_can_be_forgotten(tmp_path: Path) -> None:
    held = {number: -number for number in range(1200)}
    ledger = Ledger(tmp_path / "imports" / "a.sqlite")
    ledger.add(held)
    ledger.close()
    ledger = Ledger(tmp_path / "imports" / "a.sqlite")
    assert ledger.known([*held, 5000]) == held
    ledger.add({7: 7})
    assert ledger.known([7]) == {7: -7}, "what the broker held first stays"
    ledger.close()
    ledger = Ledger(tmp_path / "imports" / "a.sqlite", forget=True)
    assert ledger.known(list(held)) == {}
    ledger.close()


def test_a_ledger_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(MisconfiguredError, match=r"a\.sqlite"):
        Ledger(tmp_path / "a.sqlite")


def test_a_list_that_does_not_fit_on_the_disk_is_told_and_can_be_gone_on_with(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "a.sqlite")
    (pages,) = ledger._database.execute("PRAGMA page_count").fetchone()
    ledger._database.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(
        UnreachableError, match=r"cannot be written .*full.*: free some space, then import the same files again"
    ):
        ledger.add({number: number for number in range(10_000)})
    ledger._database.execute("PRAGMA max_page_count = 1000")
    ledger.add({1: 2})
    assert ledger.known([1, 2]) == {1: 2}
    ledger.close()
