"""The fault suite in short: a seed of it finds nothing wrong, and it finds what is wrong where a rule is broken."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.faults.run import Plan, Report, run
from benchmarks.faults.sources import CITIES
from tests.forked import Forked
from tests.light_node import light
from tests.peers.dovecot import missing
from tests.peers.presence import require

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.long, pytest.mark.timeout(400)]

MAILBOX, SMS = f"connector:city{CITIES[0]}", f"connector:sms{CITIES[0]}"
BEHIND = ("outbox", "sink:webhook", "eraser")
"""What works on decided tickets, and has no part in what is broken before."""
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
    without: tuple[str, ...] = (),
    pause: float | None = None,
) -> Report:
    light(folder)
    plan = Plan(
        seed=7,
        messages=300,
        minutes=0.15,
        cities=1 if override else 2,
        freeze_seconds=3,
        hold_seconds=1,
        settle_seconds=settle,
        expected=expected,
        without=without,
        pause_seconds=pause or (10 if override else 0.2),
        only=only,
    )
    return run(plan, folder, override, forked_off)


def forked_off(command: Sequence[str], **more: Any) -> Forked:
    return Forked(*command[1:], **more)


def test_nothing_is_lost_doubled_or_stale_whatever_is_killed_frozen_and_cut(tmp_path: Path) -> None:
    stages = (
        "kill assign",
        "terminate normalize",
        "kill sink:elastic",
        "freeze screen",
        "answers not taken",
        "kill receiver",
        "kill fetcher",
        "kill outbox",
        "kill sink:webhook",
        "kill eraser",
    )
    moods = ("elasticsearch 429", "elasticsearch 503", "elasticsearch partial")
    servers = (
        "freeze kafka",
        "kill kafka",
        "cut kafka",
        *moods,
        "freeze elasticsearch",
        f"kill {SMS}",
        f"kill {MAILBOX}",
    )
    lines = ("cut smtp", "cut subscriber", "cut wechat", "cut imap")
    report = performed(tmp_path, *stages, *servers, *lines, settle=120)
    assert report.wrong == {}
    assert report.sent == 300
    assert report.planted > 0
    assert report.urgent > 0
    assert report.erased > 0
    assert report.answers["tried again"] > 0


def died(folder: Path) -> set[str]:
    """Return at what saboteurs died: one that falls over itself loses everything, and shows nothing."""
    return {mark.name.removeprefix("died-of-") for mark in folder.rglob("died-of-*")}


def test_a_cursor_and_an_offset_that_are_saved_too_early_are_caught(tmp_path: Path) -> None:
    override = {MAILBOX: [*SABOTAGED, "cursor-before-kafka"], "normalize": [*SABOTAGED, "offset-before-kafka"]}
    report = performed(tmp_path, f"kill {MAILBOX}", "kill normalize", override=override, without=BEHIND)
    assert {"lost before raw", "lost before message"} <= report.wrong.keys()
    assert died(tmp_path) == {"cursor", "offset"}


def test_a_file_and_a_document_that_are_taken_for_there_too_early_and_a_no_that_is_taken_for_doubt_are_caught(
    tmp_path: Path,
) -> None:
    """What fetcher and archive pass over, and answers that are unknown though nothing explains it: one run for all."""
    override = {
        "fetcher": [*SABOTAGED, "offset-before-file"],
        "outbox": [*SABOTAGED, "doubt-for-no"],
        "sink:elastic": [*SABOTAGED, "offset-before-archive"],
    }
    archive = {
        f"{index} not in the archive" for index in ("ticket", "ticket_masked", "ticket_restricted", "link", "message")
    }
    expected = frozenset({"file never fetched", "more answers unknown than faults explain", *archive})
    without = BEHIND[1:]
    report = performed(
        tmp_path, "answers not taken", override=override, settle=40, expected=expected, without=without, pause=0.2
    )
    assert set(report.wrong) == expected
    assert died(tmp_path) == {"file", "archive"}


def test_what_leaves_or_is_taken_for_done_too_early_is_caught(tmp_path: Path) -> None:
    """An answer that the log knows nothing of, a delivery and an erasure that nobody carried out: one run for all."""
    override = {
        "outbox": [*SABOTAGED, "text-before-log"],
        "sink:webhook": [*SABOTAGED, "offset-before-delivery"],
        "eraser": [*SABOTAGED, "offset-before-erasure"],
    }
    unforgotten = {"erased message still in the archive", "no mark of the eraser in the blob store"}
    expected = frozenset({"answered twice", "snapshot never delivered", *unforgotten})
    report = performed(tmp_path, "cut smtp", override=override, expected=expected)
    assert set(report.wrong) == expected
    assert died(tmp_path) == {"text", "delivery", "erasure"}
