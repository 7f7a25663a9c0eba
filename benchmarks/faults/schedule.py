"""The schedule: which fault happens when, drawn from a seed, so that a run can be had again."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from random import Random
from typing import NamedTuple

from benchmarks.faults.citizens import Citizens
from benchmarks.faults.ground import Ground
from benchmarks.faults.proxy import Mood
from benchmarks.faults.subscriber import Subscriber

ZOMBIE_SECONDS = (14.0, 20.0)
"""Past the 10 s after which Kafka gives a worker, or the owner of an account, up."""

UNMET_SECONDS = 120.0
"""Who takes nothing goes on so until somebody met it, and no longer than that."""

MOST_FROZEN = 2
"""Components that are stopped at a time while other faults go on."""


class Fault(NamedTuple):
    """What happens, and the component that it happens to, where it is one."""

    happen: Callable[[Random], None]
    actor: str | None = None
    beside: bool = False
    """It lasts, and the next fault does not wait for its end."""


class Draw:
    """Which fault comes next, by the dice alone and whoever is still frozen: every one once before any twice."""

    def __init__(self, names: Iterable[str], dice: Random) -> None:
        self._names, self._dice = sorted(names), dice
        self._waiting: list[str] = []

    def pause_seconds(self, least: float, most: float) -> float:
        """Return how long nothing happens before the next one; a new round begins when all have been."""
        if not self._waiting:
            self._waiting = list(self._names)
            self._dice.shuffle(self._waiting)
        return self._dice.uniform(least, most)

    def next(self, may_happen: Callable[[str], bool]) -> str | None:
        """Take the first of this round that may happen now; the others keep their places."""
        name = next(filter(may_happen, self._waiting), None)
        if name is not None:
            self._waiting.remove(name)
        return name


class Schedule:
    """Draws faults and lets them happen; each leaves everything running. While some are frozen, the others go on."""

    def __init__(self, ground: Ground, seed: int, freeze_seconds: float = 30.0, hold_seconds: float = 10.0) -> None:
        self._ground = ground
        self._dice = Random(seed)
        self._freeze_seconds = freeze_seconds
        self._hold_seconds = hold_seconds
        self.happened: Counter[str] = Counter()
        self.times: list[tuple[str, float, float]] = []
        """What happened from when to when, in seconds since 1970."""

        self.faults = dict(self._all())
        """What may happen, by the name that is told of it."""
        self._lasting: dict[str, threading.Thread] = {}

    def run(self, until: Callable[[], bool], pause: tuple[float, float] = (0.5, 4.0)) -> None:
        """Let faults happen until `until`; every one comes once before any comes twice."""
        draw = Draw(self.faults, self._dice)
        while not until():
            time.sleep(draw.pause_seconds(*pause))
            if not until() and (name := draw.next(self._may_happen)) is not None:
                self._begin(name)
        for thread in self._lasting.values():
            thread.join()

    def happen(self, name: str) -> None:
        """Let one fault happen now, and return when it is over."""
        begin = time.time()
        self.faults[name].happen(self._dice)
        self.happened[name] += 1
        self.times.append((name, begin, time.time()))

    def _may_happen(self, name: str) -> bool:
        """Say whether nothing of it is frozen, and few enough others are."""
        self._lasting = {actor: thread for actor, thread in self._lasting.items() if thread.is_alive()}
        fault = self.faults[name]
        return fault.actor not in self._lasting and not (fault.beside and len(self._lasting) >= MOST_FROZEN)

    def _begin(self, name: str) -> None:
        fault = self.faults[name]
        if not fault.beside or fault.actor is None:
            self.happen(name)
            return
        self._lasting[fault.actor] = threading.Thread(target=self.happen, args=(name,), daemon=True)
        self._lasting[fault.actor].start()

    def _all(self) -> Iterator[tuple[str, Fault]]:
        ground = self._ground
        for name in ground.actors:
            yield f"kill {name}", Fault(self._again(name, "kill"), name)
            yield f"terminate {name}", Fault(self._again(name, "terminate"), name)
            yield f"freeze {name}", Fault(self._freeze(name), name, beside=True)
        for name in (
            *ground.stages,
            *ground.connectors[:: len(ground.cities)],
        ):  # of the connectors, one of each channel
            yield f"join and leave {name}", Fault(self._join(name), name)
            yield f"zombie {name}", Fault(self._zombie(name), name)
        for name in ground.cutters:
            yield f"cut {name}", Fault(self._cut(name))
        moods: tuple[Mood, ...] = ("429", "503", "partial")
        for mood in moods:
            yield f"elasticsearch {mood}", Fault(self._mood(mood))
        yield "answers not taken", Fault(self._busy(ground.citizens))
        yield "deliveries not taken", Fault(self._busy(ground.subscriber))
        if ground.has_blob_disk:
            yield "blob disk full", Fault(self._full_disk)
        for name, fault in ground.more_faults().items():
            yield name, Fault(_of_the_ground(fault))

    def _cut(self, name: str) -> Callable[[Random], None]:
        def fault(_: Random) -> None:
            for cutter in self._ground.cutters[name]:
                cutter.cut()

        return fault

    def _again(self, name: str, how: str) -> Callable[[Random], None]:
        def fault(dice: Random) -> None:
            actor = self._ground.actors[name]
            getattr(actor, how)()
            time.sleep(dice.uniform(0, self._hold_seconds / 5))
            actor.start()

        return fault

    def _freeze(self, name: str) -> Callable[[Random], None]:
        def fault(_: Random) -> None:
            actor = self._ground.actors[name]
            actor.freeze()
            time.sleep(self._freeze_seconds)
            actor.thaw()

        return fault

    def _join(self, name: str) -> Callable[[Random], None]:
        def fault(dice: Random) -> None:
            with self._second(name):
                time.sleep(dice.uniform(0.5, 1) * self._hold_seconds)

        return fault

    def _zombie(self, name: str) -> Callable[[Random], None]:
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
            other.begun()
            yield
        finally:
            other.terminate()

    def _mood(self, mood: Mood) -> Callable[[Random], None]:
        def fault(dice: Random) -> None:
            self._ground.gate.mood = mood
            time.sleep(dice.uniform(0.5, 1) * self._hold_seconds)
            self._ground.gate.mood = "calm"

        return fault

    def _busy(self, who: Citizens | Subscriber) -> Callable[[Random], None]:
        def fault(dice: Random) -> None:
            before, who.busy = who.refused, True
            time.sleep(dice.uniform(0.5, 1) * self._hold_seconds)
            end = time.monotonic() + UNMET_SECONDS
            while who.refused == before and time.monotonic() < end:
                time.sleep(0.1)
            who.busy = False

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


def _of_the_ground(fault: Callable[[], None]) -> Callable[[Random], None]:
    return lambda _: fault()
