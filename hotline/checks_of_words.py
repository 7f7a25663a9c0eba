"""What is misspelt in a city's own rules and is passed over in silence: optional keys, and words of our lists."""

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from normalizers import rules
from normalizers.enrich.rulebooks import RULEBOOKS
from schemas import enums

Table = Mapping[str, Any]


def misspelt(folder: Path) -> Iterator[str]:
    """Name what is nearly a key of ours, and words that there are not, in the rules of a folder that can be used."""
    for name in RULEBOOKS:
        if (folder / f"{name}.toml").is_file():
            for told in _keys(rules.load(name), rules.load(name, folder)):
                yield f"{name}.toml in {folder} {told}"
    yield from _strange_words(folder)


def _keys(ours: Table, own: Table) -> Iterator[str]:
    yield from _nearly(own, ours)
    for name, table in own.items():
        known = {key for one in _tables(ours.get(name)) for key in one}
        for one in _tables(table):
            yield from _nearly(one, known)


def _tables(value: Any) -> list[Table]:
    """Return the tables of a list of them, or of a table that holds nothing else: these all have the same keys."""
    inner = list(value.values()) if isinstance(value, dict) else value
    return inner if isinstance(inner, list) and all(isinstance(one, dict) for one in inner) else []


def _nearly(keys: Iterable[str], known: Collection[str]) -> Iterator[str]:
    for key in keys:
        if key not in known and (near := difflib.get_close_matches(key, known, n=1, cutoff=0.75)):
            yield f"has a key `{key}`, which nobody reads: did you mean `{near[0]}`?"


def _strange_words(folder: Path) -> Iterator[str]:
    alarms, told = rules.load("emergency", folder)["rule"], rules.load("kind", folder)
    kinds, heard = told["kinds"], told["hearing"]
    for said, known, what in (
        ({one["level"] for one in alarms}, enums.EMERGENCY_LEVELS, "level in emergency.toml"),
        ({one for rule in alarms for one in rule["classes"]}, enums.EMERGENCY_CLASSES, "class in emergency.toml"),
        (set(kinds), enums.REQUEST_KINDS, "kind in kind.toml"),
        ({*heard["stands"], *heard["alone"]}, enums.REQUEST_KINDS, "kind in [hearing] of kind.toml"),
    ):
        if strange := sorted(said - known.keys()):
            yield f"The {what} in {folder} cannot be {', '.join(strange)}: choose from {', '.join(known)}."
