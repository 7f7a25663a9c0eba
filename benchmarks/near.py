"""The index of near duplicates alone: CPU and memory a message, by the number of tickets it holds.

`python -m benchmarks.near [TICKETS]`. The messages are hashed words of a made-up city: estates with names of their own,
matters of which some are common, incidents that several people tell of, courtesies that everybody writes.
"""

import random
import resource
import sys
import time
from collections.abc import Iterator

from schemas.records import Features
from streams.engine.app import tune_collector
from tickets.dedupe.index import DedupeIndex
from tickets.policy import near_policy

CITY = "210100"
MATTERS, WORDS = 70, 20_000
SHARE_OF_KNOWN = 0.3
"""Messages that tell of an incident that somebody told of before."""


def messages(count: int, seed: int = 1) -> Iterator[Features]:
    """Yield features as the normalizers make them, ten estates for every hundred messages."""
    rng = random.Random(seed)
    incidents: list[tuple[int, int]] = []
    for _ in range(count):
        known = incidents and rng.random() < SHARE_OF_KNOWN
        estate, matter = (
            rng.choice(incidents) if known else (rng.randrange(max(count // 10, 100)), _common(rng, MATTERS))
        )
        incidents.append((estate, matter))
        yield _features(rng, estate, matter)


def _features(rng: random.Random, estate: int, matter: int) -> Features:
    own = [_hash(estate * 8 + n) for n in range(4)]
    beside = [_hash(10**9 + _common(rng, WORDS)) for _ in range(5)]
    courtesies = rng.sample(range(400), 12)
    grams = [rng.getrandbits(32) for _ in range(60)] + [int(_hash(2 * 10**9 + one), 16) for one in courtesies]
    return Features(
        names=tuple(sorted((*own, *beside[:3]))),
        places=tuple(sorted(own)),
        objects=(_hash(3 * 10**9 + matter),),
        areas=(f"district-{_hash(4 * 10**9 + estate % 10)}",),
        text_names=tuple(sorted((*own[:2], *beside[3:]))),
        text_objects=tuple(sorted(_hash(3 * 10**9 + _common(rng, MATTERS)) for _ in range(4))),
        grams=tuple(sorted(grams)),
    )


def _common(rng: random.Random, among: int) -> int:
    """Return a number of which the small ones are common."""
    return int(among * rng.random() ** 3)


def _hash(number: int) -> str:
    return f"{number * 2654435761 + 97 & 0xFFFFFFFF:08x}"


def main() -> None:
    """Print a line for every power of ten."""
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    tune_collector()
    near, began, held = DedupeIndex(near_policy()), 0.0, 0
    before, step = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0
    print(f"{'tickets held':>14}{'µs a message':>14}{'KB a ticket':>13}{'found':>8}")
    likely = 0
    for features in messages(total):
        start = time.process_time()
        found = near.find(CITY, features)
        near.add(held, CITY, features, is_news=not found or found[0].score < near_policy().link)
        began += time.process_time() - start
        held, step, likely = held + 1, step + 1, likely + len(found)
        if held in (10_000, 100_000, 300_000, 1_000_000) or held == total:
            size = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / held
            print(f"{held:>14,}{began / step * 1e6:>14.1f}{size:>13.2f}{likely / step:>8.2f}", flush=True)
            began, step, likely = 0.0, 0, 0


if __name__ == "__main__":
    main()
