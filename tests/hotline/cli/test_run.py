"""`hotline run`: whoever is in danger comes before the archive, where there is not enough of the machine for all."""

import os
import subprocess
import sys

import pytest

from hotline.cli.run import BEHIND_NICE, _meant, give_way
from hotline.config.settings import Settings
from schemas.errors import MisconfiguredError


def niceness_after(names: list[str]) -> int:
    """Return how much nicer another process is after giving way."""
    said = f"import os; from hotline.cli.run import give_way; give_way({names!r}); print(os.nice(0))"
    told = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    return int(told.stdout) - os.nice(0)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["screen"], 0),
        (["connector:city210100", "connector:sms"], 0),
        (["receiver"], 0),
        (["normalize", "screen"], 0),
        (["normalize"], BEHIND_NICE),
        (["assign", "sink:elastic"], BEHIND_NICE),
    ],
)
def test_what_is_behind_the_alarm_gives_way(names: list[str], expected: int) -> None:
    assert niceness_after(names) == expected


def test_nothing_is_asked_of_the_kernel_for_who_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "nice", lambda _: pytest.fail("it gave way"))
    give_way(["screen"])


def test_a_sandbox_that_forbids_it_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_: int) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "nice", forbidden)
    give_way(["normalize"])


@pytest.mark.parametrize("name", ["connector:nobody", "normalise", "sink:elastc"])
def test_a_name_that_is_mistyped_is_told_before_anything_is_begun(name: str) -> None:
    """A port that is taken, as beside `run all`, would be told in its place."""
    with pytest.raises(MisconfiguredError, match=f"There is no component {name}: choose from screen, normalize, "):
        _meant(Settings(), ["screen", name])
