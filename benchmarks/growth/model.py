"""A queueing model of the pipeline: messages come by the slot, workers spend their CPU on them, the oldest first.

A worker has one core and the partitions that are its own, as a member of a Kafka consumer group; a city is one
partition of `assign` and of the sink. It works by the chunk: a chunk costs something however small it is. The servers
either have machines of their own, or share `cores` with everything else, as in the runs that were measured.
Slots instead of events, as a library like simpy has them: millions of messages are a handful of numbers a slot then.
"""

import math
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

SLOT_SECONDS = 0.05
REFRESH_SECONDS = 1.0
BULK_AGE_SECONDS = 0.2
"""`refresh_interval` of the indices and `batch_max_age_seconds` of the sink: what is not CPU."""


class Cost(Struct, frozen=True, kw_only=True):
    """Of one message in one place, in CPU microseconds: on its worker, for each chunk, and on Kafka because of it."""

    worker: float
    chunk: float = 0.0
    chunk_max: int = 1000
    kafka: float = 0.0


class Plant(Struct, frozen=True, kw_only=True):
    """What there is to work with. `workers` by stage; `archive` is messages a second; `cores` are everybody's."""

    costs: Mapping[str, Cost]
    workers: Mapping[str, int]
    archive: float = math.inf
    archive_cost: float = 0.0
    cores: float = math.inf


class Load(Struct, frozen=True, kw_only=True):
    """What comes: messages a second at each second, and the share of each partition; then so long nothing comes."""

    rate: Callable[[float], float]
    shares: Sequence[float]
    seconds: float
    drained_seconds: float = 600
    seed: int = 1


class Report(Struct, kw_only=True):
    """What came of it: seconds from intake by percentile, the busiest worker of each stage, what waited at most.

    `left` are those that still wait at the end: then the percentiles are of the others.
    """

    messages: int
    left: int
    seconds: float
    handed_over: dict[int, float]
    searchable: dict[int, float]
    busy: dict[str, float]
    waiting: dict[str, int]


class Worker:
    """One core and its queue, the oldest first."""

    def __init__(self, cost: Cost) -> None:
        self.cost = cost
        self.queue: deque[tuple[float, int, int]] = deque()
        self.waiting = self.most = 0
        self.spent = self.debt = 0.0

    def put(self, born: float, partition: int, count: int) -> None:
        """Let so many messages wait."""
        self.queue.append((born, partition, count))
        self.waiting += count
        self.most = max(self.most, self.waiting)

    @property
    def wanted(self) -> float:
        """Return the CPU microseconds that it would use if it had them."""
        chunks = math.ceil(self.waiting / self.cost.chunk_max)
        return self.debt + self.waiting * self.cost.worker + chunks * self.cost.chunk

    def work(self, budget: float) -> Iterator[tuple[float, int, int]]:
        """Spend so many microseconds; what a chunk took beyond them is missing next time."""
        left = budget - self.debt
        while left > 0 and self.queue:
            size = min(self.waiting, self.cost.chunk_max)
            left -= self.cost.chunk + size * self.cost.worker
            yield from self._take(size)
        self.debt = max(0.0, -left)
        self.spent += budget - max(0.0, left)

    def _take(self, size: int) -> Iterator[tuple[float, int, int]]:
        self.waiting -= size
        while size:
            born, partition, count = self.queue.popleft()
            taken = min(size, count)
            if taken < count:
                self.queue.appendleft((born, partition, count - taken))
            size -= taken
            yield born, partition, taken


STAGES = ("screen", "normalize", "assign", "sink:elastic")
BEHIND = {"normalize": "assign", "assign": "sink:elastic"}


def run(load: Load, plant: Plant) -> Report:
    """Let the load come and the plant work until nothing waits any more, or for so long as is drained."""
    chance = random.Random(load.seed)
    stages = {name: [Worker(plant.costs[name]) for _ in range(plant.workers[name])] for name in STAGES}
    archive = Worker(Cost(worker=max(1e6 / plant.archive, plant.archive_cost), chunk_max=250))
    cores = plant.cores if plant.cores < math.inf else 1
    handed: Counter[float] = Counter()
    found: Counter[float] = Counter()
    now, messages = 0.0, 0
    everybody = [*(worker for workers in stages.values() for worker in workers), archive]
    while now < load.seconds or (any(one.waiting for one in everybody) and now < load.seconds + load.drained_seconds):
        if now < load.seconds:
            for partition, count in _arrivals(load, chance, now):
                messages += count
                for name in ("screen", "normalize"):
                    spread(stages[name], now, partition, count)
        factor = _squeezed(stages, archive, plant)
        for name in reversed(STAGES):  # what a stage hands on is the next one's in the next slot
            for worker in stages[name]:
                for born, partition, count in worker.work(SLOT_SECONDS * 1e6 * factor):
                    if name == "screen":
                        handed[now - born] += count
                    elif name == "sink:elastic":
                        archive.put(born, partition, count)
                    else:
                        behind = stages[BEHIND[name]]
                        behind[partition % len(behind)].put(born, partition, count)
        for born, _, count in archive.work(SLOT_SECONDS * 1e6 * factor * cores):
            wait = BULK_AGE_SECONDS * chance.random() + REFRESH_SECONDS * chance.random()
            found[now + wait - born] += count
        now += SLOT_SECONDS
    everyone = {**stages, "archive": [archive]}
    return Report(
        messages=messages,
        left=messages - found.total(),
        seconds=now,
        handed_over=percentiles(handed),
        searchable=percentiles(found),
        busy={name: max(one.spent for one in workers) / 1e6 / now for name, workers in everyone.items()},
        waiting={name: max(one.most for one in workers) for name, workers in everyone.items()},
    )


def spread(workers: Sequence[Worker], now: float, partition: int, count: int) -> None:
    """Share what came among the workers: raw records are placed by conversation, not by city."""
    each, rest = divmod(count, len(workers))
    for number in range(len(workers)):
        worker = workers[(partition + number) % len(workers)]
        if mine := each + (number < rest):
            worker.put(now, partition, mine)


def percentiles(found: Counter[float]) -> dict[int, float]:
    """Return the times that 50, 99 and 100 of a hundred messages did not exceed."""
    total, seen, wanted = found.total(), 0, [50, 99, 100]
    told: dict[int, float] = {}
    for seconds, count in sorted(found.items()):
        seen += count
        while wanted and seen * 100 >= wanted[0] * total:
            told[wanted.pop(0)] = seconds
    return told


def _arrivals(load: Load, chance: random.Random, now: float) -> Iterator[tuple[int, int]]:
    """Yield how many messages came to which partition in this slot."""
    expected = load.rate(now) * SLOT_SECONDS
    for partition, share in enumerate(load.shares):
        if share and (count := poisson(chance, share * expected)):
            yield partition, count


def poisson(chance: random.Random, mean: float) -> int:
    """Return a number of arrivals (Knuth's method; from thirty on the normal distribution is near enough)."""
    if mean > 30:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, chance.random()
    while product > limit:
        count += 1
        product *= chance.random()
    return count


def _squeezed(stages: Mapping[str, Sequence[Worker]], archive: Worker, plant: Plant) -> float:
    """Return which share of its wish each gets where all of them share the cores, Kafka included."""
    if plant.cores == math.inf:
        return 1.0
    slot = SLOT_SECONDS * 1e6
    wanted = min(slot * plant.cores, archive.wanted)
    for workers in stages.values():
        for worker in workers:
            mine = min(slot, worker.wanted)
            wanted += mine * (1 + worker.cost.kafka / worker.cost.worker)
    return min(1.0, slot * plant.cores / wanted) if wanted else 1.0
