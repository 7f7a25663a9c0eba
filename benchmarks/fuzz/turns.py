"""Whose turn it is to be fuzzed for long: each commit takes the next targets, so all have theirs in some commits."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

LONG_SECONDS = 60

ROUNDS = 2
"""So many targets one after the other have their long time, on each core."""


def in_turn(targets: Sequence[str], turn: int, count: int) -> list[str]:
    """Return the targets of a turn; the next turn begins behind them, and behind the last target is the first."""
    first = turn * count
    return [targets[(first + place) % len(targets)] for place in range(min(count, len(targets)))]


def turn_of(folder: Path) -> int:
    """Return the commit's number in its history; its own digits where the history is not here, 0 without git."""
    try:
        if _git(folder, "rev-parse", "--is-shallow-repository") == "true":
            return int(_git(folder, "rev-parse", "HEAD")[:8], 16)
        return int(_git(folder, "rev-list", "--count", "HEAD"))
    except (OSError, subprocess.CalledProcessError):
        return 0


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()
