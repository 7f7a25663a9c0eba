"""The same job on a bare loop, ours, Bytewax, Quix Streams and stock Faust.

`python -m benchmarks.engines [--messages 100000] [--runs 3] [--kills 1] [--only NAME ...]`. The engines take turns, and
each run is a process of its own. Then each is killed with SIGKILL halfway and started again. Engines whose dependencies
are not ours get a virtual environment in the user's cache, by pip. Read CPU-s per 100k first: rates depend on the
machine.
"""

import argparse
import json
import os
import platform
import random
import signal
import statistics
import sys
import time
from collections.abc import Iterator, Sequence

import psutil

from benchmarks.engines.job import CITIES
from benchmarks.engines.run import ENGINES, Engine, Figures, create, delete, killed, load, measured
from benchmarks.engines.venvs import python_of
from benchmarks.transport import WORDS, a_kafka


def lines(count: int) -> Iterator[tuple[str, bytes]]:
    """Messages of about 500 bytes; a fifth of them says one of a thousand things, each many times."""
    made = random.Random(12345)
    for number in range(count):
        text = "".join(made.choices(WORDS, k=115)) if number % 5 else f"重复的诉求{number // 7 % 1000}" + WORDS * 2
        city = CITIES[number % 4]
        value = {"id": f"m{number:08d}", "city": city, "text": f"{text}ＡＢＣ１２３", "pad": "x" * 60}
        yield city, json.dumps(value, ensure_ascii=False).encode()


def compare(broker: str, engines: Sequence[Engine], count: int, runs: int, kills: int) -> None:
    """Print both tables."""
    source = f"bench-in-{time.time_ns()}"
    create(broker, source)
    load(broker, source, lines(count))
    results: dict[str, list[Figures]] = {engine.name: [] for engine in engines}
    for _ in range(runs):
        for engine in engines:
            results[engine.name].append(measured(engine, broker, source, count))
            print(f"{engine.name:<28}{results[engine.name][-1]}", flush=True)
    if runs:
        _print_rates(results, count)
    after: dict[str, list[Figures]] = {engine.name: [] for engine in engines}
    for _ in range(kills):
        for engine in engines:
            after[engine.name].append(killed(engine, broker, source, count))
            print(f"{engine.name:<28}{after[engine.name][-1]}", flush=True)
    if kills:
        _print_losses(after)
    delete(broker, source)


def _print_rates(results: dict[str, list[Figures]], count: int) -> None:
    load_average = ", ".join(f"{one:.1f}" for one in psutil.getloadavg())
    print(
        f"\n{platform.machine()}, {os.cpu_count()} cores, load {load_average}; medians of interleaved runs of {count:,}"
    )
    print(
        "| engine | CPU-s/100k (all runs) | msg/s | peak MB | lost | doubled | misjudged |\n"
        "|---|---|---|---|---|---|---|"
    )
    for name, found in results.items():
        per = sorted(one.cpu * 100_000 / count for one in found)
        rate = statistics.median(count / one.seconds for one in found)
        peak = statistics.median(one.peak_mb for one in found)
        every = ", ".join(f"{one:.2f}" for one in per)
        print(f"| {name} | {statistics.median(per):.2f} ({every}) | {rate:,.0f} | {peak:.0f} | {_wrong(found)} |")


def _print_losses(results: dict[str, list[Figures]]) -> None:
    print("\nkill -9 halfway, all runs added up\n| engine | lost | doubled | misjudged |\n|---|---|---|---|")
    for name, found in results.items():
        print(f"| {name} | {_wrong(found)} |")


def _wrong(found: Sequence[Figures]) -> str:
    return " | ".join(f"{sum(getattr(one, what) for one in found):,}" for what in ("lost", "doubled", "misjudged"))


def main() -> None:
    """Compare the engines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--kills", type=int, default=1, help="how often each engine is killed halfway")
    parser.add_argument("--only", nargs="*", help="engines whose names hold one of these words")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and not without ending the engine that runs
    engines = [one for one in ENGINES if not chosen.only or any(word in one.name for word in chosen.only)]
    for engine in engines:
        python_of(engine.module, engine.packages)
    with a_kafka() as broker:
        compare(broker, engines, chosen.messages, chosen.runs, chosen.kills)


if __name__ == "__main__":
    main()
