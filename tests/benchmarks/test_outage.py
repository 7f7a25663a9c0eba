"""`hotline bench outage` tells the memory of every process of ours, and none of the servers'."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks import outage
from benchmarks.faults.ground import STAGES
from benchmarks.outage import MEGABYTE, Absence, Sampler

SERVERS = ("kafka", "elasticsearch")
NAMES = (*STAGES, "receiver", "connector:city110000")


def test_every_process_of_ours_is_told_with_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    actors = {name: SimpleNamespace(memory_bytes=lambda: 70 * MEGABYTE) for name in (*NAMES, *SERVERS)}
    sampler = Sampler(cast(Any, SimpleNamespace(actors=actors, folder=tmp_path)))
    monkeypatch.setattr(sampler.stop, "wait", lambda _: len(sampler.journal) == 3)
    sampler.run()
    end = sampler.memory["eraser"][-1][0]
    sizes = sampler.sizes(end, end, end)
    outage._tell(
        Absence(
            server="kafka", minutes=1, recovered_seconds=1, sent_meanwhile=1, throttled=0, journal_most_mb=0,
            memory=sizes,
        )
    )  # fmt: skip
    told = capsys.readouterr().out.splitlines()[1:]
    assert [line.split() for line in told] == [[name, *["70"] * 7] for name in NAMES]


def test_every_component_is_killed_late_and_has_to_begin_without_kafka() -> None:
    assert {*STAGES, "receiver"} == set(outage.KILLED_LATE), "the connectors are killed by their names"
