"""The model of growth: what theory knows of a queue, every message at its end, the same from the same seed."""

import math
import random
import re
from collections.abc import Sequence

import pytest

from benchmarks.growth import plants
from benchmarks.growth.model import SLOT_SECONDS, STAGES, Cost, Load, Plant, Worker, percentiles, poisson, run
from benchmarks.growth.plants import COSTS
from tests.docs.pages import ROOT

QUICK = dict.fromkeys(STAGES, Cost(worker=1.0))


def plant(**changes: Cost) -> Plant:
    return Plant(costs=QUICK | {name.replace("_", ":"): cost for name, cost in changes.items()}, workers=ONE)


ONE = dict.fromkeys(STAGES, 1)


def load(rate: float, seconds: float = 60, shares: Sequence[float] = (1.0,), seed: int = 1) -> Load:
    return Load(rate=lambda now: rate, shares=shares, seconds=seconds, seed=seed)


def test_it_is_the_same_from_the_same_seed_and_another_one_from_another() -> None:
    one, again, other = (run(load(50, seed=seed), plant(screen=Cost(worker=15_000))) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_every_message_is_handed_on_to_the_end() -> None:
    worker = Worker(Cost(worker=100, chunk=1000, chunk_max=7))
    for number in range(50):
        worker.put(float(number), 0, number)
    taken = [one for _ in range(1000) for one in worker.work(500)]
    assert sum(count for _, _, count in taken) == sum(range(50))
    assert [born for born, _, _ in taken] == sorted(born for born, _, _ in taken)
    assert worker.waiting == 0


def test_a_burst_takes_as_long_as_its_cost() -> None:
    """10,000 messages at once at 1 ms each are 10 s of one worker, and 5 s of two."""
    costly = Cost(worker=1000)
    burst = load(200_000, seconds=SLOT_SECONDS, shares=[0.5, 0.5])
    alone = run(burst, plant(assign=costly))
    both = run(burst, Plant(costs=QUICK | {"assign": costly}, workers=ONE | {"assign": 2}))
    assert alone.messages == pytest.approx(10_000, rel=0.05)
    assert alone.seconds == pytest.approx(alone.messages / 1000, rel=0.03)
    assert both.seconds == pytest.approx(both.messages / 2000, rel=0.05)


def test_one_city_gets_no_more_from_a_second_worker() -> None:
    burst = load(200_000, seconds=SLOT_SECONDS, shares=[1.0, 0.0])
    assign = {"assign": Cost(worker=1000)}
    one, two = (run(burst, Plant(costs=QUICK | assign, workers=ONE | {"assign": count})) for count in (1, 2))
    assert two.seconds == pytest.approx(one.seconds, rel=0.01)


@pytest.mark.parametrize("busy", [0.5, 0.8])
def test_it_waits_as_theory_says(busy: float) -> None:
    """Pollaczek and Khinchine: in M/D/1 the mean number in the queue is ρ² / 2 (1 - ρ); here by Little from the waits.

    A message that costs ten slots shows the queue through the grain of the slots.
    """
    service = 10 * SLOT_SECONDS
    worker = Worker(Cost(worker=service * 1e6, chunk_max=1))
    chance, waits, now = random.Random(7), [], 0.0
    while now < 20_000:
        for _ in range(poisson(chance, busy / service * SLOT_SECONDS)):
            worker.put(now, 0, 1)
        waits += [now - born for born, _, count in worker.work(SLOT_SECONDS * 1e6) for _ in range(count)]
        now += SLOT_SECONDS
    expected = service * busy / (2 * (1 - busy))
    assert sum(waits) / len(waits) == pytest.approx(expected, rel=0.12)


def test_what_shares_the_cores_is_as_slow_as_all_of_it_together() -> None:
    """Four stages at 100 µs, 50 µs of Kafka for each and 400 µs of the archive: a core does 1,000 messages a second."""
    costs = dict.fromkeys(STAGES, Cost(worker=100, kafka=50))
    for cores in (1, 2):
        shared = Plant(costs=costs, workers=ONE, archive_cost=400, cores=cores)
        report = run(load(200_000, seconds=SLOT_SECONDS), shared)
        assert report.messages / report.seconds == pytest.approx(1000 * cores, rel=0.1)


def test_arrivals_are_as_many_as_are_expected() -> None:
    chance = random.Random(3)
    for mean in (0.01, 2.0, 500.0):
        found = [poisson(chance, mean) for _ in range(20_000)]
        assert sum(found) / len(found) == pytest.approx(mean, rel=0.1)
        variance = sum((one - mean) ** 2 for one in found) / len(found)
        assert variance == pytest.approx(mean, rel=0.1)


def test_percentiles_count_messages() -> None:
    from collections import Counter

    assert percentiles(Counter({1.0: 50, 2.0: 49, 9.0: 1})) == {50: 1.0, 99: 2.0, 100: 9.0}


def test_cities_are_where_the_pipeline_puts_them() -> None:
    of = plants.cities(13)
    assert sum(of.values()) == pytest.approx(1)
    found = plants.shares(of, 32)
    assert sum(found) == pytest.approx(1)
    assert 0 < max(found) < 1
    assert sum(1 for share in found if share) <= 13


def test_each_copy_takes_its_share_of_the_archive() -> None:
    alone = plants.archive_rate(1, 1)
    assert plants.archive_rate(2, 2) == alone
    assert plants.archive_rate(100, 2) == plants.archive_rate(8, 2), "an index of one shard is written by one node"


def test_every_cost_is_there_and_names_where_it_was_measured() -> None:
    text = (ROOT / "benchmarks" / "growth" / "costs.toml").read_text("utf-8")
    page = (ROOT / "docs" / "reference" / "performance.md").read_text("utf-8")
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    for table in re.findall(r"^\[+([\w.]+)\]+ *(#.*)?$", text, re.MULTILINE):
        assert table[1], f"{table[0]} names no source"
    for named in re.findall(r'performance\.md, "([^"]+)"', text):
        assert any(heading.startswith(named) for heading in headings), named
    assert set(COSTS["cpu"]) == {*STAGES, "kafka", "elasticsearch"}
    assert all(value > 0 and math.isfinite(value) for value in COSTS["cpu"].values())
