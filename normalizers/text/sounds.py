"""Toneless Pinyin of a folded text: what is written otherwise and read alike has the same (付家庄, 傅家庄).

The readings are those of pypinyin's tables (MIT): one for each character, and of phrases those in which a character is
read otherwise (长春, 重庆). The tables are read at first use; pypinyin itself is not imported.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import msgspec
from ahocorasick_rs import AhoCorasick, MatchKind

_TONES = {"\u0300", "\u0301", "\u0304", "\u030c"}
_LATIN = re.compile(r"[a-z']+")
_MOST = 4
"""Ways to cut a Latin word into syllables that are looked for, those of the fewest first; `xian` has two."""

_TRIED = 64
_NO_VOWEL = {"m", "n", "hm", "ng", "hng"}


class Syllable(NamedTuple):
    """One syllable, or one word or number that is not Chinese, and where it stands."""

    sound: str
    start: int
    end: int


class _Tables(NamedTuple):
    single: Mapping[str, str]
    spaced: Mapping[int, str]
    phrases: AhoCorasick
    read: list[tuple[str, ...]]
    known: frozenset[str]


def sounds(text: str) -> str:
    """Return a folded text with a syllable, between blanks, for each Han character; all else stays as it is."""
    tables = _tables()
    pieces: list[str] = []
    done = 0
    for index, start, end in tables.phrases.find_matches_as_indexes(text):
        pieces += (text[done:start].translate(tables.spaced), *tables.read[index])
        done = end
    return " ".join((*pieces, text[done:].translate(tables.spaced)))


def syllables(text: str) -> Iterator[Syllable]:
    """Yield the syllables of a folded text, in order."""
    tables = _tables()
    done = 0
    for index, start, end in tables.phrases.find_matches_as_indexes(text):
        yield from _single(text, done, start, tables.single)
        for offset, sound in enumerate(tables.read[index]):
            yield Syllable(sound, start + offset, start + offset + 1)
        done = end
    yield from _single(text, done, len(text), tables.single)


def spelt(word: str) -> list[str]:
    """Return the ways to read a Latin word as Pinyin, each as its syllables with blanks; none for any other word."""
    if not _LATIN.fullmatch(word):
        return []
    known = _tables().known
    found: list[str] = []

    def cut(rest: str, before: list[str]) -> None:
        if len(found) >= _TRIED:
            return
        if not rest:
            found.append(" ".join(before))
            return
        for size in range(min(6, len(rest)), 0, -1):
            if rest[:size] in known:
                cut(rest[size:].removeprefix("'"), [*before, rest[:size]])

    cut(word, [])
    return sorted(found, key=lambda said: said.count(" "))[:_MOST]


def _single(text: str, start: int, end: int, single: Mapping[str, str]) -> Iterator[Syllable]:
    at = start
    while at < end:
        character = text[at]
        if character in single:
            yield Syllable(single[character], at, at + 1)
            at += 1
        elif character.isalnum():
            behind = at + 1
            while behind < end and text[behind].isalnum() and text[behind] not in single:
                behind += 1
            yield Syllable(text[at:behind], at, behind)
            at = behind
        else:
            at += 1


@cache
def _tables() -> _Tables:
    folder = _folder()
    characters = msgspec.json.decode((folder / "pinyin_dict.json").read_bytes(), type=dict[str, str])
    single = {chr(int(code)): _toneless(said.split(",")[0]) for code, said in characters.items()}
    phrases: dict[str, tuple[str, ...]] = {}
    written = msgspec.json.decode((folder / "phrases_dict.json").read_bytes(), type=dict[str, list[list[str]]])
    for phrase, said in written.items():
        read = tuple(_toneless(one[0]) for one in said)
        if len(read) == len(phrase) and read != tuple(single.get(one) for one in phrase):
            phrases[phrase] = read
    matcher = AhoCorasick(list(phrases), matchkind=MatchKind.LeftmostLongest)
    spaced = {ord(one): f" {sound} " for one, sound in single.items()}
    return _Tables(single, spaced, matcher, list(phrases.values()), frozenset(single.values()) - _NO_VOWEL)


def _folder() -> Path:
    spec = find_spec("pypinyin")  # found without an import, which makes tables of its own
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("The package pypinyin is not installed.")
    return Path(spec.submodule_search_locations[0])


@cache
def _toneless(said: str) -> str:
    plain = "".join(one for one in unicodedata.normalize("NFD", said) if one not in _TONES)
    return unicodedata.normalize("NFC", plain).replace("ü", "v").replace("ê", "e")
