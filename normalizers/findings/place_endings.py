"""Endings of names (路, 小区) as patterns: the longest first, and not where they go on as another word."""

from collections.abc import Iterable
from typing import Any

from normalizers.findings.words import trie


def refused(table: dict[str, Any]) -> dict[str, str]:
    """Return for each ending the pattern of what makes it another word behind it: 人 of 路人, but not of 路|人行道."""
    but: dict[str, str] = table["but_before"]
    patterns: dict[str, str] = {}
    for ending, others in table["not_after"].items():
        bare = [other for other in others.split() if f"{ending}{other}" not in but]
        unless = [
            f"{other}(?!{trie(but[ending + other].split())})" for other in others.split() if ending + other in but
        ]
        patterns[ending] = "|".join(filter(None, (trie(bare) if bare else None, *unless)))
    return patterns


def ending(words: Iterable[str], others: dict[str, str], longer: Iterable[str]) -> str:
    """Return the pattern of endings, the longest first; not where they go on as another word or a longer name."""
    further = trie(longer) if (longer := list(longer)) else None
    alternatives = []
    for word in sorted(words, key=len, reverse=True):
        not_before = "|".join(filter(None, (others.get(word), further)))
        alternatives.append(f"{word}(?!{not_before})" if not_before else word)
    return f"(?:{'|'.join(alternatives)})"
