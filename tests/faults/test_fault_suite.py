"""The fault suite in short: a seed of it finds nothing wrong, and it finds what is wrong where a rule is broken."""

import sys
from pathlib import Path

import pytest

from benchmarks.faults.run import Plan, Report, run
from benchmarks.faults.sources import CITIES
from tests.peers.dovecot import missing
from tests.peers.presence import require

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.timeout(400)]

MAILBOX, SMS = f"connector:city{CITIES[0]}", f"connector:sms{CITIES[0]}"
SABOTAGED = [sys.executable, "-m", "benchmarks.faults.sabotage"]


@pytest.fixture(autouse=True)
def dovecot() -> None:
    require(missing())


def performed(
    folder: Path,
    *only: str,
    override: dict[str, list[str]] | None = None,
    settle: float = 5,
    expected: frozenset[str] = frozenset(),
) -> Report:
    plan = Plan(
        seed=7,
        messages=300,
        minutes=0.15,
        cities=1 if override else 2,
        freeze_seconds=3,
        hold_seconds=1,
        settle_seconds=settle,
        expected=expected,
        pause_seconds=10 if override else 0.2,
        only=only,
    )
    return run(plan, folder, override)


def test_nothing_is_lost_doubled_or_stale_whatever_is_killed_frozen_and_cut(tmp_path: Path) -> None:
    stages = (
        "kill assign",
        "terminate normalize",
        "kill sink:elastic",
        "freeze screen",
        "kill receiver",
        "kill fetcher",
        "kill outbox",
        "kill sink:webhook",
    )
    servers = ("kill kafka", "cut kafka", "elasticsearch partial", f"kill {SMS}", f"kill {MAILBOX}")
    lines = ("cut smtp", "cut subscriber", "cut wechat", "cut imap")
    report = performed(tmp_path, *stages, *servers, *lines, settle=120)
    assert report.wrong == {}
    assert report.sent == 300
    assert report.planted > 0
    assert report.urgent > 0


def test_a_cursor_that_is_saved_too_early_is_caught(tmp_path: Path) -> None:
    override = {MAILBOX: [*SABOTAGED, "cursor-before-kafka"]}
    report = performed(tmp_path, f"kill {MAILBOX}", override=override)
    assert "lost before raw" in report.wrong


def test_an_offset_that_is_committed_too_early_is_caught(tmp_path: Path) -> None:
    override = {"normalize": [*SABOTAGED, "offset-before-kafka"]}
    report = performed(tmp_path, "kill normalize", override=override)
    assert "lost before message" in report.wrong


def test_a_file_that_is_taken_for_fetched_too_early_is_caught(tmp_path: Path) -> None:
    override = {"fetcher": [*SABOTAGED, "offset-before-file"]}
    expected = frozenset({"file never fetched"})
    report = performed(tmp_path, "cut wechat", override=override, settle=40, expected=expected)
    assert set(report.wrong) == expected


def test_an_answer_that_leaves_and_a_delivery_that_is_taken_for_done_too_early_are_caught(tmp_path: Path) -> None:
    override = {"outbox": [*SABOTAGED, "text-before-log"], "sink:webhook": [*SABOTAGED, "offset-before-delivery"]}
    expected = frozenset({"answered twice", "snapshot never delivered"})
    report = performed(tmp_path, "cut smtp", override=override, expected=expected)
    assert set(report.wrong) == expected
