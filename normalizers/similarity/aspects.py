"""Aspects: what happened to a thing, where two messages name the same one: it is loud, it is stuck, it is dear."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ahocorasick_rs import AhoCorasick, MatchKind

from normalizers.text.matcher import COMPACT


class Aspects(NamedTuple):
    """The lists of `matters.toml`, ready to be asked."""

    words: AhoCorasick
    aspects_of: Mapping[str, tuple[str, ...]]


def aspects_in(table: Mapping[str, Any]) -> Aspects:
    """Return the lists of a folder's `matters.toml`."""
    found: dict[str, tuple[str, ...]] = dict.fromkeys(table["no_aspects"].split(), ())
    for line in table["aspects"].strip().splitlines():
        aspect, *words = line.split()
        for word in words:
            found[word] = (*found.get(word, ()), aspect)
    words = AhoCorasick(sorted(found), matchkind=MatchKind.LeftmostLongest, implementation=COMPACT)
    return Aspects(words, found)


def aspects(said: str, lists: Aspects) -> Iterator[str]:
    """Yield what happened, by its words; a word may tell of either of two ways."""
    for word in lists.words.find_matches_as_strings(said):
        yield from lists.aspects_of[word]
