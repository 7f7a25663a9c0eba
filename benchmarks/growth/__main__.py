"""`hotline bench growth [--seed N]`: what a province, the nation and a disaster hour need, and what breaks first.

Replays the measured costs of costs.toml in a queueing model (model.py). `hotline bench growth check` holds it against
runs that were measured; `hotline bench growth measure [MESSAGES]` measures the costs anew.
"""

import argparse
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.growth import measure, plants
from benchmarks.growth.model import SLOT_SECONDS, STAGES, Load, Report, run
from benchmarks.growth.plants import COSTS, PROVINCE_A_DAY, PROVINCES

PARTITIONS = 32
MINUTES = 5
"""Of the busiest hour are simulated, at its pace all the time."""

BUSY = 0.6
"""A worker is given no more than this share of its core on average."""

SMALL = (1, 1, 1, 1)

SIZES: Mapping[str, tuple[float, int]] = {
    "province": (plants.peak_a_second(PROVINCE_A_DAY), plants.CITIES_OF_PROVINCE),
    "nation": (plants.peak_a_second(PROVINCE_A_DAY * PROVINCES), plants.CITIES_OF_PROVINCE * PROVINCES),
    "province, disaster": (
        plants.peak_a_second(PROVINCE_A_DAY) * plants.DISASTER,
        plants.CITIES_OF_PROVINCE,
    ),
    "nation, disaster": (
        plants.peak_a_second(PROVINCE_A_DAY * PROVINCES) * plants.DISASTER,
        plants.CITIES_OF_PROVINCE * PROVINCES,
    ),
}
"""Messages a second of the busiest hour, and how many cities."""

Row = Sequence[object]


def main() -> None:
    """Print the tables of docs/explanation/growth.md."""
    parser = argparse.ArgumentParser(prog="hotline bench growth", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("all", "check", "measure"), default="all")
    parser.add_argument("messages", nargs="?", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    if chosen.what == "measure":
        return measure.main(chosen.messages)
    tables = {**(_TABLES if chosen.what == "all" else {}), "Against what was measured": check}
    for title, rows in tables.items():
        print(f"\n## {title}\n")
        for number, row in enumerate(rows(chosen.seed)):
            print("| " + " | ".join(map(_shown, row)) + " |")
            if number == 0:
                print("|" + "---|" * len(row))
    return None


def _shown(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:,.1f}" if abs(cell) >= 10 else f"{cell:,.2f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def simulated(size: str, seed: int, workers: Sequence[int] = SMALL, nodes: int = 3, times: float = 1) -> Report:
    """Return what becomes of some minutes at the busiest hour's pace."""
    rate, cities = SIZES[size]
    shares = plants.shares(plants.cities(cities), PARTITIONS)
    load = Load(rate=lambda now: rate * times, shares=shares, seconds=60 * MINUTES, seed=seed)
    return run(load, plants.plant(workers, nodes))


def needed(size: str) -> tuple[tuple[int, ...], int]:
    """Return the workers of each stage and the nodes that the costs ask for; more than eight nodes find no shard."""
    rate, costs = SIZES[size][0], plants.costs()
    workers = tuple(max(1, math.ceil(rate * costs[name].worker / 1e6 / BUSY)) for name in STAGES)
    return workers, next((nodes for nodes in range(3, 9) if plants.archive_rate(nodes, 2) * BUSY >= rate), 8)


def small(seed: int) -> Iterator[Row]:
    """One worker of each stage and three nodes."""
    yield "", "messages/s", *(f"{name}, busy" for name in (*STAGES, "archive")), "hand-over p99, s", "searchable p99, s"
    for size in SIZES:
        report = simulated(size, seed)
        yield size, SIZES[size][0], *(_percent(one) for one in report.busy.values()), *_late(report)


def sized(seed: int) -> Iterator[Row]:
    """As many workers and nodes as the costs ask for."""
    yield "", "workers", "archive nodes", "busiest of assign", "archive, busy", "hand-over p99, s", "searchable p99, s"
    for size in SIZES:
        workers, nodes = needed(size)
        report = simulated(size, seed, workers, nodes)
        shown = " + ".join(map(str, workers))
        yield size, shown, nodes, _percent(report.busy["assign"]), _percent(report.busy["archive"]), *_late(report)


def _soon(seconds: float) -> object:
    return seconds if seconds >= SLOT_SECONDS else f"< {SLOT_SECONDS}"


def _late(report: Report) -> tuple[object, ...]:
    """A plant that does not keep up has no percentile: the longer it lasts, the more waits."""
    keeps_up = report.seconds < 60 * MINUTES * 1.05
    return tuple(_soon(one[99]) if keeps_up else "falls behind" for one in (report.handed_over, report.searchable))


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %" if share < 0.1 else f"{share * 100:.0f} %"


def limits(size: str, workers: Sequence[int] = SMALL, nodes: int = 3) -> dict[str, float]:
    """Return the messages a second at which each place has nothing left, on paper."""
    costs, cities = plants.costs(), SIZES[size][1]
    shares = plants.shares(plants.cities(cities), PARTITIONS)
    found = {name: 1e6 / costs[name].worker * count for name, count in zip(STAGES, workers, strict=True)}
    for name in ("assign", "sink:elastic"):
        count = dict(zip(STAGES, workers, strict=True))[name]
        worst = max(sum(shares[number::count]) for number in range(count))
        found[name] = 1e6 / costs[name].worker / worst
    return found | {"archive": plants.archive_rate(nodes, 2)}


def breaks(seed: int) -> Iterator[Row]:
    """What has nothing left first, and what the model says a tenth below and above that."""
    yield "", "first", "at messages/s", "times the busiest hour", "searchable p99 at 0.9 of it, s", "at 1.1", "then"
    for size in ("province", "nation"):
        ordered = sorted(limits(size).items(), key=lambda one: one[1])
        first, rate = ordered[0]
        times = rate / SIZES[size][0]
        below, above = (simulated(size, seed, times=times * part) for part in (0.9, 1.1))
        then = ", ".join(f"{name} {_shown(float(at))}" for name, at in ordered[1:])
        yield size, first, rate, times, _late(below)[1], _late(above)[1], then


def held(_: int) -> Iterator[Row]:
    """What a year leaves, and what is in memory."""
    yield (
        "",
        "messages a year",
        "Kafka, TB",
        "archive, TB a year",
        "documents a year",
        "live tickets",
        "their memory, GB",
    )
    for size, times in (("province", 1), ("nation", PROVINCES)):
        day = PROVINCE_A_DAY * times
        kafka = sum(one["bytes"] * min(one["days"], 365) for one in COSTS["kafka"].values()) * day * 3
        archive = sum(COSTS["index"].values()) * day * 365 * 2
        tickets = day * COSTS["memory"]["days_a_ticket_lives"]
        memory = tickets * COSTS["memory"]["bytes_a_live_ticket"]
        documents = day * 365 * COSTS["archive"]["documents_a_message"]
        yield size, day * 365, kafka / 1e12, archive / 1e12, documents, tickets, memory / 1e9


def memory(_: int) -> Iterator[Row]:
    """What a worker of assign holds: the tickets of its partitions, of which it can have one at the least."""
    yield (
        "",
        "partitions",
        "workers of 16 GB, one to spare",
        "largest partition, tickets",
        "its memory, GB",
        "its restore, CPU-s",
    )
    of = COSTS["memory"]
    for size, times in (("province", 1), ("nation", PROVINCES)):
        tickets = PROVINCE_A_DAY * times * of["days_a_ticket_lives"]
        workers = 1 + math.ceil(tickets * of["bytes_a_live_ticket"] / 1e9 / of["gigabytes_a_worker"])
        for count in plants.partitions_for(SIZES[size][1]):
            largest = int(max(plants.shares(plants.cities(SIZES[size][1]), count)) * tickets)
            held = largest * of["bytes_a_live_ticket"] / 1e9
            yield size, count, workers, largest, held, largest * of["restore_a_ticket"] / 1e6


def brokers(_: int) -> Iterator[Row]:
    """What Kafka takes in, and how many brokers that is."""
    yield "", "MB/s, one copy", "MB/s, three copies", "cores, three copies", "brokers"
    each = sum(one["bytes"] for one in COSTS["kafka"].values())
    for size, (rate, _cities) in SIZES.items():
        taken = each * rate / 1e6
        wanted = max(3, math.ceil(3 * taken / COSTS["broker"]["megabytes_a_second"]))
        yield size, taken, 3 * taken, 3 * rate * COSTS["cpu"]["kafka"] / 1e6, wanted


def shards(_: int) -> Iterator[Row]:
    """When an index of one shard is full: Elastic's advice, and Lucene's bound."""
    yield "", "index", "GB a year, one copy", "documents a year", "days to 50 GB", "years to 2,147 million documents"
    for size, times in (("province", 1), ("nation", PROVINCES)):
        day = PROVINCE_A_DAY * times
        for name, each in COSTS["index"].items():
            whole = day * 365 / 12 if name == "message" else day * 365
            if name == "message":
                yield size, "message, a month", each * whole / 1e9, whole, "–", "–"
            else:
                yield size, name, each * whole / 1e9, whole, 50e9 / (each * day), (2**31 - 129) / whole


def priced(_: int) -> Iterator[Row]:
    """What a message costs."""
    prices, cpu = COSTS["prices"], COSTS["cpu"]
    yield "", "a message", "a million messages, yuan"
    seconds = (sum(cpu.values()) + COSTS["connectors"]["push"]) / 1e6
    seconds += (cpu["kafka"] * 2 + cpu["elasticsearch"]) / 1e6  # the copies
    yield "CPU, copies included", f"{seconds * 1000:.2f} ms", seconds / 3600 * prices["yuan_a_core_hour"] * 1e6 / BUSY
    kafka = sum(one["bytes"] * min(one["days"], 365) / 365 for one in COSTS["kafka"].values()) * 3
    archive = sum(COSTS["index"].values()) * 2
    year = (kafka + archive) / 1e9 * prices["yuan_a_gigabyte_month"] * 12 * 1e6
    yield "disk, kept for a year, copies included", f"{(kafka + archive) / 1000:.1f} KB", year
    ticket = COSTS["memory"]["bytes_a_live_ticket"]
    memory = ticket / 1e9 * COSTS["memory"]["days_a_ticket_lives"] / 30
    yield (
        "memory of its ticket while it lives",
        f"{ticket / 1000:.1f} KB",
        memory * prices["yuan_a_gigabyte_of_memory_month"] * 1e6,
    )


def check(seed: int) -> Iterator[Row]:
    """Hold the model against runs on one machine of two cores that everything shares."""
    yield "run", "figure", "measured", "model", "deviation"
    for one in COSTS["measured"]:
        report = _replayed(one, seed)
        for figure, value, told in _compared(one, report):
            yield one["run"], figure, value, _soon(told), _deviation(value, told)


def _deviation(measured: float, told: float) -> str:
    """Below a slot the model tells nothing."""
    if told >= SLOT_SECONDS:
        return f"{(told / measured - 1) * 100:+.0f} %"
    return "not told" if measured < SLOT_SECONDS else f"below {(SLOT_SECONDS / measured - 1) * 100:+.0f} %"


def _replayed(one: Mapping[str, Any], seed: int) -> Report:
    seconds = one["seconds"]
    burst = one["messages"] / seconds
    load = Load(rate=lambda now: burst, shares=[1 / 8] * 8, seconds=seconds, seed=seed)
    return run(load, plants.machine(loop=one.get("loop")))


def _compared(one: Mapping[str, Any], report: Report) -> Iterator[tuple[str, float, float]]:
    if "messages_a_second" in one:
        yield "messages/s", one["messages_a_second"], report.messages / report.seconds
    for name, told in (("handed_over", report.handed_over), ("searchable", report.searchable)):
        for percent in (50, 99):
            if f"{name}_p{percent}" in one:
                yield f"{name.replace('_', ' ')} p{percent}, s", one[f"{name}_p{percent}"], told[percent]


_TABLES: Mapping[str, Callable[[int], Iterator[Row]]] = {
    "One worker of each stage, three nodes": small,
    "As many as the costs ask for": sized,
    "What breaks first": breaks,
    "What is held": held,
    "Memory": memory,
    "Brokers": brokers,
    "Shards": shards,
    "What a message costs": priced,
}

if __name__ == "__main__":
    main()
