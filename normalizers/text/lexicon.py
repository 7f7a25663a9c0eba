"""Words of two characters (`rules/words_of_two.csv`): by them a name is told from what else begins or goes on like it.

They are those of the dictionary of jieba 0.42.1 (Copyright (c) 2013 Sun Junyi, MIT licence) that are written often
enough and are no names of persons, by their first character.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources


@cache
def words_of_two() -> Mapping[str, str]:
    """Return what second characters make a word with a first one."""
    with resources.files("normalizers.rules").joinpath("words_of_two.csv").open(encoding="utf-8") as table:
        return {line["first"]: line["second"] for line in csv.DictReader(table)}


def is_word(two: str) -> bool:
    """Say whether two characters are a word."""
    return len(two) == 2 and two[1] in words_of_two().get(two[0], "")


def words_with(firsts: Iterable[str]) -> Iterator[str]:
    """Yield the words that begin with one of these characters."""
    known = words_of_two()
    for first in firsts:
        yield from (first + second for second in known.get(first, ""))
