"""No regular expression of ours is read in two ways where it repeats what repeats: 2^n ways of n words in a row."""

import importlib
import itertools
import pkgutil
import re
from collections.abc import Iterable, Iterator
from re import _compiler as compiler  # type: ignore[attr-defined] # not in typeshed: one part of a pattern by itself
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import broker
import connectors
import console
import hotline
import normalizers
import schemas
import sinks
import storage
import streams
import tickets
from tests.rows import each_row

ROOMS = (broker, connectors, console, hotline, normalizers, schemas, sinks, storage, streams, tickets)

REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT)
"""Possessive ones never go back."""

LETTERS, LONGEST, MOST = 8, 5, 20_000
OF_A_CATEGORY = {codes.CATEGORY_SPACE: " ", codes.CATEGORY_DIGIT: "1"}


def patterns() -> dict[str, re.Pattern[Any]]:
    """Return every pattern that a module of ours holds, also in a table of them, by its place."""
    found: dict[str, re.Pattern[Any]] = {}
    for room in ROOMS:
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if not module.name.endswith("__main__"):
                names = vars(importlib.import_module(module.name))
                found |= {f"{module.name}.{name}": one for name, value in names.items() for one in held(value)}
    return found


def held(value: Any) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif type(value) in (tuple, list, set, frozenset):
        for one in value:
            yield from held(one)
    elif isinstance(value, dict):
        yield from held(list(value.values()))


def parts(node: Any) -> Iterator[Any]:
    """Yield what stands within a part of a parsed pattern."""
    code, told = node
    if code in (*REPEATS, codes.POSSESSIVE_REPEAT):
        yield told[2]
    elif code is codes.SUBPATTERN:
        yield told[3]
    elif code is codes.BRANCH:
        yield from told[1]
    elif code in (codes.ASSERT, codes.ASSERT_NOT):
        yield told[1]
    elif code is codes.ATOMIC_GROUP:
        yield told


def repeats(tree: Any) -> Iterator[Any]:
    """Yield what a pattern repeats without end."""
    for node in tree:
        if node[0] in REPEATS and node[1][1] is codes.MAXREPEAT:
            yield node[1][2]
        for part in parts(node):
            yield from repeats(part)


def letters(tree: Any) -> Iterator[str]:
    """Yield some of what a part of a pattern stands for, two of each set."""
    for code, told in tree:
        if code is codes.LITERAL:
            yield chr(told)
        elif code in (codes.NOT_LITERAL, codes.ANY):
            yield "x"
        elif code is codes.IN:
            yield from itertools.islice(of_a_set(told), 2)
        for part in parts((code, told)):
            yield from letters(part)


def of_a_set(told: Iterable[tuple[Any, Any]]) -> Iterator[str]:
    for code, value in told:
        if code is codes.NEGATE:
            yield from "x."
        elif code is codes.CATEGORY:
            yield OF_A_CATEGORY.get(value, "x")
        else:
            yield chr(value if code is codes.LITERAL else value[0])


def read_in_two_ways(pattern: str | bytes, flags: int) -> list[str]:
    """Return words that something repeated is once, and as well twice."""
    found: list[str] = []
    for body in repeats(parser.parse(pattern, flags)):
        if any(True for _ in repeats(body)):
            once, words = compiler.compile(body, flags), set()
            chosen = list(dict.fromkeys(letters(body)))[:LETTERS]
            for size in range(1, LONGEST + 1):
                if len(chosen) ** size <= MOST:
                    for word in map("".join, itertools.product(chosen, repeat=size)):
                        text = word.encode("latin-1", "replace") if isinstance(pattern, bytes) else word
                        if once.fullmatch(text):
                            words.add(word)
            found += [one for one in words if any({one[:cut], one[cut:]} <= words for cut in range(1, len(one)))]
    return found


@each_row("pattern", [r"(a+)+$", r"(?:a|b+)*c", r"(\w+\s?)*$", rb"(?:x|\d+)*,"])
def test_a_pattern_without_end_is_seen(pattern: str | bytes) -> None:
    assert read_in_two_ways(pattern, 0)


@each_row("pattern", [r"(?:a,+)*", r"\d+(?:[-~]\d+)*", r"(?:a++)*", r"(?:a{1,3})*"])
def test_a_pattern_that_is_read_in_one_way_is_not(pattern: str) -> None:
    assert read_in_two_ways(pattern, 0) == []


def test_no_pattern_of_ours_is_read_in_two_ways_where_it_repeats_what_repeats() -> None:
    found = patterns()
    assert len(found) > 300
    assert {name: told for name, one in found.items() if (told := read_in_two_ways(one.pattern, one.flags))} == {}
