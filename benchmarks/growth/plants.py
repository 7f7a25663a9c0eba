"""The three sizes, and what is assumed of them: how a day goes, how large cities are, what is bought for it."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.growth.model import Cost, Plant
from schemas import ids

COSTS: Mapping[str, Any] = tomllib.loads(Path(__file__).with_name("costs.toml").read_text("utf-8"))

PROVINCE_A_DAY = 110_000
"""Jiangsu, 2025, by telephone and otherwise: 100,000 to 110,000 a day."""

PROVINCES = 30
DISASTER = 100
"""A disaster hour brings so many times what the busiest hour of a day does."""

PROFILE = (5, 3, 2, 2, 2, 4, 10, 25, 68, 88, 86, 66, 48, 58, 76, 78, 74, 66, 56, 50, 46, 40, 28, 19)
"""Thousandths of a day by the hour, an assumption: the busiest has 8.8 %. A city knows its own."""

CITIES_OF_PROVINCE = 13
CITY_EXPONENT = 0.7
"""The n-th largest city has a share of 1/n^0.7, an assumption: the largest of a province has 18 %."""


def peak_a_second(a_day: float) -> float:
    """Return the messages a second of the busiest hour."""
    return a_day * max(PROFILE) / sum(PROFILE) / 3600


def cities(count: int) -> dict[str, float]:
    """Return made-up adcodes and the share of each, as many as there are, province by province."""
    weights = {
        f"{11 + number // CITIES_OF_PROVINCE:02d}{1 + number % CITIES_OF_PROVINCE:02d}00": (
            1 + number % CITIES_OF_PROVINCE
        )
        ** -CITY_EXPONENT
        for number in range(count)
    }
    total = sum(weights.values())
    return {adcode: weight / total for adcode, weight in weights.items()}


def shares(of: Mapping[str, float], partitions: int) -> list[float]:
    """Return what each partition gets: a city's is where the pipeline itself puts it."""
    found = [0.0] * partitions
    for adcode, share in of.items():
        found[ids.partition_of(adcode, partitions)] += share
    return found


def costs() -> dict[str, Cost]:
    """Return what was measured; what Kafka does for a message is spread evenly over the four stages."""
    cpu = COSTS["cpu"]
    return {
        name: Cost(
            worker=cpu[name], chunk=COSTS["chunk"][name], chunk_max=COSTS["chunk"]["most"], kafka=cpu["kafka"] / 4
        )
        for name in ("screen", "normalize", "assign", "sink:elastic")
    }


def partitions_for(size: int) -> list[int]:
    """Return some numbers of partitions, from the one of deploy/hotline.toml on, as long as so many cities use them."""
    return [count for count in (32, 128, 512) if count <= 4 * size]


def archive_rate(nodes: int, copies: int, shards: int = 4) -> float:
    """Return messages a second that the archive takes: each copy is written, and a shard is written by one node."""
    alone = COSTS["archive"]["cores_a_node"] * 1e6 / COSTS["cpu"]["elasticsearch"]
    return float(alone * min(nodes, shards * copies) / copies)


def plant(workers: Sequence[int], nodes: int, copies: int = 2) -> Plant:
    """Return workers of screen, normalize, assign and sink, and an archive of so many nodes."""
    names = ("screen", "normalize", "assign", "sink:elastic")
    return Plant(costs=costs(), workers=dict(zip(names, workers, strict=True)), archive=archive_rate(nodes, copies))


def machine(cores: float = 2, loop: float | None = None) -> Plant:
    """Return the machine of the measurements: a worker of each stage, Kafka and Elasticsearch share its cores.

    A bare loop of so many microseconds a message does without the stages, and without topics between them.
    """
    nothing = Cost(worker=0.01)
    bare = {"screen": nothing, "normalize": nothing, "assign": nothing, "sink:elastic": Cost(worker=loop or 0)}
    return Plant(
        costs=costs() if loop is None else bare,
        workers=dict.fromkeys(("screen", "normalize", "assign", "sink:elastic"), 1),
        archive_cost=COSTS["cpu"]["elasticsearch"],
        cores=cores,
    )
