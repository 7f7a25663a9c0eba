"""Turns: consecutive commits give every target its long time, and the run says whose it was."""

import subprocess
from pathlib import Path

import pytest

from benchmarks.fuzz import __main__ as program
from benchmarks.fuzz.table import TARGETS
from benchmarks.fuzz.turns import LONG_SECONDS, ROUNDS, in_turn, turn_of
from tests.rows import each_row

NAMES = list(TARGETS)


@each_row("count", [1, 2 * ROUNDS, 4 * ROUNDS, 7, len(NAMES), 2 * len(NAMES)])
@each_row("turn", [0, 1, 1234])
def test_consecutive_turns_go_round_through_all(count: int, turn: int) -> None:
    turns = -(-len(NAMES) // count)
    had = [in_turn(NAMES, number, count) for number in range(turn, turn + turns)]
    assert {name for one in had for name in one} == set(NAMES)
    assert all(len(set(one)) == min(count, len(NAMES)) for one in had)
    assert had == [in_turn(NAMES, number, count) for number in range(turn, turn + turns)]


def git(folder: Path, *arguments: str) -> str:
    own = ["-c", "user.name=x", "-c", "user.email=x@example.cn", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *own, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def history(tmp_path: Path) -> Path:
    folder = tmp_path / "whole"
    folder.mkdir()
    git(folder, "init", "--quiet")
    for text in "abc":
        git(folder, "commit", "--quiet", "--allow-empty", "-m", text)
    return folder


def test_each_commit_is_a_turn_further(history: Path) -> None:
    assert turn_of(history) == 3
    git(history, "commit", "--quiet", "--allow-empty", "-m", "d")
    assert turn_of(history) == 4


def test_a_checkout_without_history_goes_by_its_commit(history: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth", "1", history.as_uri(), "shallow")
    assert turn_of(tmp_path / "shallow") == int(git(history, "rev-parse", "HEAD")[:8], 16)


def test_what_is_no_checkout_has_the_first_turn(tmp_path: Path) -> None:
    assert turn_of(tmp_path) == 0


def test_those_in_turn_have_their_time_first_and_the_others_theirs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "turn_of", lambda folder: 3)
    times = program._by_turns(NAMES, 2, jobs=2)
    assert list(times)[:4] == NAMES[12:16]
    assert times == {name: LONG_SECONDS if name in NAMES[12:16] else 2 for name in NAMES}
    assert f"turn 3: 60 s for {', '.join(NAMES[12:16])};" in capsys.readouterr().out
