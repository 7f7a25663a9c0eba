"""The schedule: which fault happens when, drawn from a seed, so that a run can be had again."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from benchmarks.faults.ground import STAGES, Ground
from benchmarks.faults.proxy import Mood

Fault = Callable[[Random], None]

ZOMBIE_SECONDS = (14.0, 20.0)
"""Past the 10 s after which Kafka gives a worker up (`broker_session_timeout`)."""


class Schedule:
    """Draws faults and lets them happen, one after the other; each leaves everything running."""

    def __init__(self, ground: Ground, seed: int, freeze_seconds: float = 30.0, hold_seconds: float = 10.0) -> None:
        self._ground = ground
        self._dice = Random(seed)
        self._freeze_seconds = freeze_seconds
        self._hold_seconds = hold_seconds
        self.happened: Counter[str] = Counter()
        self._faults = dict(self._all())

    def run(self, until: Callable[[], bool], pause: tuple[float, float] = (0.5, 4.0)) -> None:
        """Let faults happen until `until`; every one comes once before any comes twice."""
        waiting: list[str] = []
        while not until():
            if not waiting:
                waiting = sorted(self._faults)
                self._dice.shuffle(waiting)
            time.sleep(self._dice.uniform(*pause))
            self.happen(waiting.pop())

    def happen(self, name: str) -> None:
        """Let one fault happen now."""
        self._faults[name](self._dice)
        self.happened[name] += 1

    def _all(self) -> Iterator[tuple[str, Fault]]:
        ground = self._ground
        for name in ground.actors:
            yield f"kill {name}", self._again(name, "kill")
            yield f"terminate {name}", self._again(name, "terminate")
            yield f"freeze {name}", self._freeze(name)
        for stage in STAGES:
            yield f"join and leave {stage}", self._join(stage)
            yield f"zombie {stage}", self._zombie(stage)
        yield "cut kafka", lambda _: ground.kafka_cutter.cut()
        yield "cut imap", lambda _: ground.imap_cutter.cut()
        moods: tuple[Mood, ...] = ("429", "503", "partial")
        for mood in moods:
            yield f"elasticsearch {mood}", self._mood(mood)
        if ground.has_blob_disk:
            yield "blob disk full", self._full_disk

    def _again(self, name: str, how: str) -> Fault:
        def fault(dice: Random) -> None:
            actor = self._ground.actors[name]
            getattr(actor, how)()
            time.sleep(dice.uniform(0, self._hold_seconds / 5))
            actor.start()

        return fault

    def _freeze(self, name: str) -> Fault:
        def fault(_: Random) -> None:
            actor = self._ground.actors[name]
            actor.freeze()
            time.sleep(self._freeze_seconds)
            actor.thaw()

        return fault

    def _join(self, name: str) -> Fault:
        def fault(dice: Random) -> None:
            with self._second(name):
                time.sleep(dice.uniform(0.5, 1) * self._hold_seconds)

        return fault

    def _zombie(self, name: str) -> Fault:
        """Freeze a worker until another one has its partitions, then let it go on as if nothing had happened."""

        def fault(dice: Random) -> None:
            actor = self._ground.actors[name]
            with self._second(name):
                time.sleep(dice.uniform(0.3, 0.6) * self._hold_seconds)
                actor.freeze()
                time.sleep(dice.uniform(*ZOMBIE_SECONDS))
                actor.thaw()
                time.sleep(self._hold_seconds / 2)

        return fault

    @contextmanager
    def _second(self, name: str) -> Iterator[None]:
        other = self._ground.another(name)
        other.start()
        try:
            yield
        finally:
            other.terminate()

    def _mood(self, mood: Mood) -> Fault:
        def fault(dice: Random) -> None:
            self._ground.gate.mood = mood
            time.sleep(dice.uniform(0.5, 1) * self._hold_seconds)
            self._ground.gate.mood = "calm"

        return fault

    def _full_disk(self, dice: Random) -> None:
        filler = self._ground.blob_folder / "filler"
        try:
            with filler.open("wb") as file:
                while True:
                    file.write(bytes(1 << 20))
        except OSError:
            pass
        time.sleep(dice.uniform(0.5, 1) * self._hold_seconds)
        filler.unlink(missing_ok=True)
