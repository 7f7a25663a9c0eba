"""The saboteurs fit what they take the place of: one that falls over its arguments loses all, and shows nothing."""

from inspect import signature

import pytest

from benchmarks.faults import sabotage
from connectors import runner


def test_the_saboteur_of_a_cursor_takes_what_the_runner_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = runner.run_once
    monkeypatch.setattr(runner, "run_once", honest)  # put back in the end
    sabotage.cursor_before_kafka()
    assert runner.run_once is not honest
    assert len(signature(runner.run_once).parameters) == len(signature(honest).parameters)
