"""The schedule of the fault suite: what a seed draws, who is frozen beside others, and what lasts until it is met."""

import threading
import time
from collections import Counter
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks.faults import schedule as module
from benchmarks.faults.ground import STAGES
from benchmarks.faults.schedule import Draw, Schedule


class Service:
    """Takes nothing while it is busy; whoever looks for the third time after that is told of one that met it."""

    def __init__(self) -> None:
        self.busy = False
        self.looks: list[bool] = []

    @property
    def refused(self) -> int:
        self.looks.append(self.busy)
        return int(self.looks.count(True) >= 3)


NAMES = [f"fault {number}" for number in range(30)]


def drawn(seed: int, count: int) -> list[tuple[float, str | None]]:
    draw = Draw(NAMES, Random(seed))
    return [(draw.pause_seconds(0.5, 4.0), draw.next(lambda _: True)) for _ in range(count)]


def test_the_same_seed_draws_the_same_faults_and_pauses_and_another_one_others() -> None:
    assert drawn(7, 100) == drawn(7, 100)
    assert drawn(7, 100) != drawn(8, 100)
    assert all(0.5 <= pause <= 4.0 for pause, _ in drawn(7, 100))


def test_every_fault_comes_once_before_any_comes_twice() -> None:
    names = [name for _, name in drawn(7, 90)]
    rounds = [names[at : at + 30] for at in (0, 30, 60)]
    assert [sorted(one) for one in rounds] == [sorted(NAMES)] * 3
    assert rounds[0] != rounds[1]


def test_what_may_not_happen_now_keeps_its_place_and_ends_the_round() -> None:
    draw = Draw(NAMES, Random(7))
    draw.pause_seconds(0, 0)
    first = draw.next(lambda _: True)
    early = [draw.next(lambda name: name != "fault 3") for _ in range(29)]
    assert first != "fault 3"
    assert sorted(name for name in (first, *early) if name) == sorted(set(NAMES) - {"fault 3"})
    assert early[-1] is None
    draw.pause_seconds(0, 0)
    assert draw.next(lambda _: True) == "fault 3"
    assert draw.next(lambda _: True) is None


class Stage:
    """Components that write down what is done to them, and who of them is frozen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.began: list[tuple[str, str]] = []
        self.frozen: Counter[str] = Counter()
        self.most_frozen = 0
        self.met_frozen: list[str] = []

    def actor(self, name: str) -> Any:
        return SimpleNamespace(
            kill=lambda: self._do(name, "kill"),
            terminate=lambda: self._do(name, "terminate"),
            freeze=lambda: self._do(name, "freeze"),
            thaw=lambda: self._thaw(name),
            start=lambda: None,
            begun=lambda: None,
        )

    def _do(self, name: str, what: str) -> None:
        with self._lock:
            self.began.append((what, name))
            if self.frozen[name]:
                self.met_frozen.append(name)
            self.frozen[name] += what == "freeze"
            self.most_frozen = max(self.most_frozen, self.frozen.total())

    def _thaw(self, name: str) -> None:
        with self._lock:
            self.frozen[name] -= 1


class AtOnce(threading.Thread):
    """A thread that is over when it has begun."""

    def start(self) -> None:
        super().start()
        self.join()


def ground_of(stage: Stage) -> SimpleNamespace:
    """Return a ground with every component of the suite in one city, and none of them real."""
    names = (*STAGES, "kafka", "elasticsearch", "receiver", "connector:city110000", "connector:sms110000")
    met = SimpleNamespace(busy=False, refused=0)
    return SimpleNamespace(
        actors={name: stage.actor(name) for name in names},
        another=lambda name: stage.actor(f"{name} (2)"),
        stages=list(STAGES),
        connectors=[name for name in names if name.startswith("connector:")],
        cities=["110000"],
        cutters={name: [SimpleNamespace(cut=lambda: None)] for name in ("kafka", "imap", "smtp")},
        gate=SimpleNamespace(mood="calm"),
        citizens=met,
        subscriber=met,
        has_blob_disk=False,
        more_faults=dict,
    )


def quick(stage: Stage, monkeypatch: pytest.MonkeyPatch, freeze_seconds: float = 0.1) -> Schedule:
    monkeypatch.setattr(module, "ZOMBIE_SECONDS", (0.0, 0.001))
    monkeypatch.setattr(module, "UNMET_SECONDS", 0.0)
    return Schedule(cast(Any, ground_of(stage)), 7, freeze_seconds=freeze_seconds, hold_seconds=0.001)


def test_a_run_lets_each_fault_happen_once_before_any_twice_and_freezes_two_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = Stage()
    schedule = quick(stage, monkeypatch)
    faults = len(schedule.faults)
    seen: list[tuple[int, int]] = []

    def over() -> bool:
        counts = [schedule.happened[name] for name in schedule.faults if not name.startswith("freeze")]
        seen.append((min(counts), max(counts)))
        return schedule.happened.total() >= 2 * faults

    schedule.run(over, pause=(0.0, 0.002))
    assert all(most - least <= 1 for least, most in seen)
    assert {most for _, most in seen} >= {1, 2}
    assert 2 <= stage.most_frozen <= 3, "the last one is a zombie, which the next waits for"
    assert stage.met_frozen == []


def test_nothing_happens_outside_the_time_of_a_run_and_all_is_thawed_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    schedule = quick(stage, monkeypatch, freeze_seconds=0.5)
    schedule.run(lambda: True)
    assert stage.began == []
    ends = iter([False] * 60)
    schedule.run(lambda: next(ends, True), pause=(0.0, 0.001))
    happened = dict(schedule.happened)
    assert stage.frozen.total() == 0
    assert sum(happened.values()) <= 30, "each turn looks twice, before its pause and behind it"
    time.sleep(0.1)
    assert schedule.happened == happened


def test_a_run_of_the_same_seed_is_the_same_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """But for how long each fault takes, which decides whether one of those behind it finds its component frozen."""
    monkeypatch.setattr(module, "threading", SimpleNamespace(Thread=AtOnce))

    def happened() -> list[tuple[str, str]]:
        stage = Stage()
        schedule = quick(stage, monkeypatch, freeze_seconds=0.0)
        ends = iter([False] * 100)
        schedule.run(lambda: next(ends, True), pause=(0.0, 0.001))
        return stage.began

    assert happened() == happened()


def test_who_takes_no_answers_goes_on_so_until_one_was_refused() -> None:
    service = Service()
    ground = SimpleNamespace(**vars(ground_of(Stage())) | {"citizens": service, "actors": {}})
    schedule = Schedule(cast(Any, ground), 1, hold_seconds=0)
    schedule.happen("answers not taken")
    assert service.looks == [False, True, True, True]
    assert not service.busy
