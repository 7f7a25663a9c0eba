"""The words that places are found by (`rules/place.toml`), ready to be asked."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from normalizers import rules
from normalizers.findings import divisions
from normalizers.findings.words import Words, trie


class Rulebook(NamedTuple):
    """The words of a folder that places are found by; `kinds` says of each what it is the name or ending of."""

    words: Words
    kinds: dict[str, str]
    before: re.Pattern[str]
    common: frozenset[str]
    no_name: tuple[str, ...]
    no_road: tuple[str, ...]
    but: dict[str, tuple[str, ...]]
    with_and: frozenset[str]
    road_names: frozenset[str]
    doing: tuple[str, ...]
    no_estate: re.Pattern[str]
    scores: Mapping[str, float]
    """What a level is worth where the rules find it; a model's levels have those of its card."""

    weights: Mapping[str, float]
    """How much what has this ending tells of an address, and how much one needs (`least`)."""

    version: str


@rules.of_files("place.toml")
def rulebook(folder: Path | None) -> Rulebook:
    """Return the rules of a folder, ours without one. Raises ValueError for a score that is none."""
    table: dict[str, Any] = rules.load("place", folder)
    kinds: dict[str, str] = {}
    for name, kind in (("roads", "road"), ("zones", "zone"), ("communities", "community"), ("towns", "town")):
        kinds |= dict.fromkeys(table[name].split(), kind)
    kinds |= dict.fromkeys(table["estates"].split(), "estate")
    kinds |= {one: "division" for one in divisions.names() if len(one) > 2 and divisions.is_full(one)}
    for ending, others in table["not_after"].items():
        kinds = {f"{ending}{other}": "" for other in others.split()} | kinds
    message = table["message"]
    common = message["common"].split()
    no_name = (*message["no_name"].split(), *(word for word in common if len(word) > 1))
    return Rulebook(
        words=Words(kinds),
        kinds=kinds,
        before=re.compile(trie(message["before"].split())),
        common=frozenset(common),
        no_name=no_name,
        no_road=(*message["no_road"].split(), *no_name),
        with_and=frozenset(message["with_and"].split()),
        road_names=frozenset(message["road_names"].split()),
        doing=tuple(message["doing"].split()),
        no_estate=re.compile(trie(message["no_estate"].split())),
        scores=rules.shares(table["scores"]),
        weights=table["weights"],
        but={word: tuple(further.split()) for word, further in table["but_before"].items()},
        version=table["version"],
    )
