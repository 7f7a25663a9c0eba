"""Text as search and comparison see it: exact fast NFKC, and `fold` for `search_text` and queries.

Both work the same way: one regex finds the characters that change or that could combine with a neighbour. The former
are looked up in a table; the latter are missing from it, and the KeyError sends the whole text to the slow path.
The tables are computed from `unicodedata` at first use, so importing costs nothing.
"""

import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from string import ascii_uppercase
from typing import NamedTuple

from normalizers.rules import precompiled

_BLOCKS = ((0, 0x3400), (0xA000, 0xAC00), (0xD7A4, 0x17000), (0x1AFF0, 0x20000), (0x2F800, 0x2FA20), (0xE0000, 0xE1000))
"""All but Han, Hangul syllables, Tangut and the empty planes, where nothing is composed (a test walks them all)."""

_WIDE = tuple(zip("，！？：；（）", ",!?:;()", strict=True))
"""What nearly every Chinese text holds: seven `str.replace` are cheaper than one table lookup for each of them."""

_LONG_RUN = 32
"""Marks in a row that `unicodedata` may sort: the time is their square, and a few hundred thousand take hours."""

PIECE, OVERLAP = 32_768, 512
"""Characters of a long text that are folded at a time, and those that two pieces share: no word is longer."""

_WORDY = "\ufdfa\ufdfb"
"""Ligatures (ﷺ, ﷻ) that NFKC writes with 18 and 8 characters; no other becomes more than six."""

Span = tuple[int, int]
"""Where something stands in a text: its first character, and the one behind its last."""

SPOKEN_DIGITS = "〇零洞一幺二两三四五六七八九壹贰叁肆伍陆柒捌玖拐勾"
"""Digits as Chinese writes and calls them out, simplified: by them a telephone is told as well."""

_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")
_VARIATION_SELECTORS = (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))


def safe(text: str) -> str:
    """Return `text` fit for JSON: surrogate pairs joined, lone surrogates and NUL replaced by U+FFFD."""
    if text.isascii() and "\x00" not in text:
        return text
    if _NOT_TEXT.search(text) is None:
        return text
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return joined.replace("\x00", "\ufffd")


def narrow(text: str) -> str:
    """Return `text` with its Chinese punctuation folded."""
    for wide, narrow in _WIDE:
        text = text.replace(wide, narrow)
    return text


def nfkc(text: str) -> str:
    """Return exactly `unicodedata.normalize("NFKC", text)`, about eight times faster on Chinese."""
    if text.isascii():
        return text
    find, table, _ = _nfkc_tables()
    try:
        return find.sub(lambda match: table[match[0]], narrow(text))
    except KeyError:
        return _normalized(text)


def fold(text: str) -> str:
    """Return what search compares: NFKC, traditional to simplified, casefolded, blanks folded, controls removed.

    `fold(fold(text)) == fold(text)`; lone surrogates, NUL, zero-width and bidi controls never survive.
    """
    if text.isascii() and text.isprintable():  # a number, an address: nothing but capitals and blanks changes
        return " ".join(text.casefold().split())
    find, table, _ = _fold_tables()
    try:
        folded = find.sub(lambda match: table[match[0]], narrow(text))
    except KeyError:
        return fold_slowly(text)
    return " ".join(folded.casefold().split())


def folds_simply(text: str) -> bool:
    """Say whether all that folding does to a text, and to any part of it, is what `simply_folded` does."""
    find, _, _ = _fold_tables()
    return find.search(narrow(text)) is None


def simply_folded(text: str) -> str:
    """Return `fold(text)` of a text that `folds_simply`, in a third of the time."""
    return " ".join(narrow(text).casefold().split())


def folded_pieces(text: str) -> Iterator[str]:
    """Yield `text` folded piece by piece, without wordy ligatures, to be searched for words.

    As a whole, 9 MB of one ligature took 55 CPU-seconds and 1.3 GB, and no other thread had a turn for seconds.
    """
    for start in range(0, len(text), PIECE):
        piece = text[start : start + PIECE + OVERLAP]
        for wordy in _WORDY:
            piece = piece.replace(wordy, " ")
        yield fold(piece)


def fold_slowly(text: str) -> str:
    """Return `fold(text)` by definition: its steps, repeated until nothing changes."""
    while (folded := _fold_once(text)) != text:
        text = folded
    return text


def aligned(text: str) -> tuple[str, Sequence[int]]:
    """Return `text` folded one character at a time, and where each character stands in `text`.

    Invisible characters are left out; where folding would change the number of characters, they stay as they are.
    """
    if _unusual().search(text) is None:
        return narrow(text).lower(), range(len(text))
    plain, dropped = text.translate(_aligned()), _invisible()
    return without(plain, range(len(plain)), dropped.finditer(plain))


def without(text: str, places: Sequence[int], left_out: Iterable[re.Match[str]]) -> tuple[str, Sequence[int]]:
    """Return `text` and the places of its characters without these matches; four bytes a place, for long texts."""
    pieces: list[str] = []
    kept, done = array("I"), 0
    for match in left_out:
        pieces.append(text[done : match.start()])
        kept.extend(places[done : match.start()])
        done = match.end()
    if not done:
        return text, places
    kept.extend(places[done:])
    return "".join((*pieces, text[done:])), kept


def _simplified_file() -> Path:
    spec = find_spec("opencc")  # found without an import, which loads its library
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("The package opencc is not installed.")
    return Path(spec.submodule_search_locations[0], "dictionary", "TSCharacters.txt")


@cache
def traditional_to_simplified() -> Mapping[int, str]:
    """Return the map of single characters, traditional to simplified (OpenCC's TSCharacters, first choice)."""
    pairs = (line.split("\t") for line in _simplified_file().read_text("utf-8").splitlines() if "\t" in line)
    return {ord(source): targets.split()[0] for source, targets in pairs}


class _Table(dict[str, str]):
    """What a found character becomes; KeyError for one that could combine with a neighbour."""

    def __init__(self, known: Mapping[str, str], unsafe: frozenset[str]) -> None:
        super().__init__(known)
        self._unsafe = unsafe

    def __missing__(self, character: str) -> str:
        if character in self._unsafe or character <= "\uffff":
            raise KeyError(character)
        self[character] = character  # the regex finds every astral character; most stay as they are
        return character


class _Tables(NamedTuple):
    find: re.Pattern[str]
    table: _Table
    unsafe: frozenset[str]


def _fold_once(text: str) -> str:
    text = _normalized(text).translate(_dropped_or_simplified())
    text = _normalized(text.casefold())
    return " ".join(text.split())


def _normalized(text: str) -> str:
    """Return `unicodedata.normalize("NFKC", text)`; long runs of marks are brought into their order before."""
    return unicodedata.normalize("NFKC", _runs_of_marks().sub(_in_order, text))


def _in_order(run: re.Match[str]) -> str:
    """Return a run of marks taken apart and in canonical order (UAX 15, D109: stable, by combining class)."""
    parts = (part for mark in run[0] for part in unicodedata.normalize("NFKD", mark))
    return "".join(sorted(parts, key=unicodedata.combining))


@cache
def _runs_of_marks() -> re.Pattern[str]:
    """Find runs of what combines with the character before it, or is taken apart into such."""
    return precompiled.pattern(precompiled.remembered("runs of marks", sources(), _any_run_of_marks))


def _any_run_of_marks() -> str:
    marks = (ord(one) for one in _scanned() if unicodedata.combining(unicodedata.normalize("NFKD", one)[0]))
    return f"[{_ranges(marks)}]{{{_LONG_RUN},}}"


@cache
def _scanned() -> tuple[str, ...]:
    return tuple(chr(code) for block in _BLOCKS for code in range(*block))


@cache
def _dropped_or_simplified() -> Mapping[int, str | None]:
    category = unicodedata.category
    dropped = (character for character in _scanned() if category(character) in {"Cc", "Cf", "Cs"})
    table: dict[int, str | None] = {ord(character): None for character in dropped if not character.isspace()}
    table.update(dict.fromkeys(_VARIATION_SELECTORS))
    table.update(traditional_to_simplified())
    return table


@cache
def _combining() -> frozenset[str]:
    """Return the characters that can change together with the one before them."""
    marks = set(filter(unicodedata.combining, _scanned()))
    pairs = (parts for parts in map(str.split, map(unicodedata.decomposition, _scanned())) if len(parts) == 2)
    seconds = {chr(int(pair[1], 16)) for pair in pairs if pair[0][0] != "<"}
    return frozenset(marks | seconds | set(map(chr, range(0x1160, 0x1200))))  # the last: Hangul vowels and finals


@cache
def _nfkc_tables() -> _Tables:
    return _tables(*precompiled.remembered("nfkc", sources(), _changed_by_nfkc))


def _changed_by_nfkc() -> tuple[dict[str, str], frozenset[str]]:
    """Return what each character becomes, and those that can change together with their neighbours."""
    decomposable = filter(unicodedata.decomposition, _scanned())
    changed = {character: unicodedata.normalize("NFKC", character) for character in decomposable}
    changed = {character: result for character, result in changed.items() if result != character}
    combining = _combining()
    unsafe = combining | {character for character, result in changed.items() if result[:1] in combining}
    return changed, frozenset(unsafe)


@cache
def sources() -> str:
    """Return what the tables are made of: this file, Unicode's and OpenCC's. What folds rests on them as well."""
    own, simplified = precompiled.digest_of(__file__), precompiled.digest_of(str(_simplified_file()))
    return f"{own} {unicodedata.unidata_version} {simplified}"


@cache
def _fold_tables() -> _Tables:
    return _tables(*precompiled.remembered("fold", sources(), _changed_by_folding))


def _changed_by_folding() -> tuple[dict[str, str], frozenset[str]]:
    changed = _folded_characters()
    unsafe = _nfkc_tables().unsafe | {character for character, result in changed.items() if _is_unsafe(result)}
    # `fold` casefolds the whole text afterwards, in C: no need to find plain capitals one by one.
    return {c: r for c, r in changed.items() if r != c.casefold() or c > "\uffff"}, unsafe


@cache
def _folded_characters() -> Mapping[str, str]:
    return precompiled.remembered("folded", sources(), _fold_each)


def _fold_each() -> dict[str, str]:
    candidates = set(_nfkc_tables().table) | set(map(chr, _dropped_or_simplified()))
    candidates |= {character for character in _scanned() if character.casefold() != character}
    # Between two letters, so that a blank stays to be seen.
    return {character: fold_slowly(f"x{character}x")[1:-1] for character in candidates - _nfkc_tables().unsafe}


def _is_unsafe(result: str) -> bool:
    return result[:1] in _combining() or result.casefold() != result or (" " in result and result != " ")


def _tables(changed: Mapping[str, str], unsafe: frozenset[str]) -> _Tables:
    known = {character: result for character, result in changed.items() if character not in unsafe}
    found = {ord(character) for character in (*known, *unsafe) if character <= "\uffff"}
    # One class for the BMP keeps the regex engine on its constant-time bitmap; all of the astral planes match too.
    find = precompiled.pattern(f"[{_ranges(found)}\U00010000-\U0010ffff]")
    return _Tables(find, _Table(known, unsafe), unsafe)


def _ranges(codes: Iterable[int]) -> str:
    runs: list[list[int]] = []
    for code in sorted(codes):
        if runs and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in runs)


@cache
def _aligned() -> Mapping[int, str]:
    return {ord(character): result for character, result in _folded_characters().items() if len(result) == 1}


@cache
def _unusual() -> re.Pattern[str]:
    """Find what `aligned` changes beyond capitals and Chinese punctuation: most texts hold none of it."""
    return precompiled.pattern(precompiled.remembered("unusual", sources(), _any_unusual))


def _any_unusual() -> str:
    changed = {code for code, result in _aligned().items() if result != chr(code)}
    dropped = {code for code, result in _dropped_or_simplified().items() if result is None}
    lowered = {code for code in range(0x10000) if chr(code).lower() != chr(code)}
    usual = {*map(ord, ascii_uppercase), *(ord(wide) for wide, _ in _WIDE)}
    found = (code for code in (changed | dropped | lowered) - usual if code <= 0xFFFF)
    return f"[{_ranges(found)}\U00010000-\U0010ffff]"  # as in `_tables`


@cache
def _invisible() -> re.Pattern[str]:
    dropped = (code for code, result in _dropped_or_simplified().items() if result is None)
    return precompiled.pattern(f"[{_ranges(dropped)}]")


def cut(text: str, max_bytes: int) -> str:
    """Return the beginning of `text` that fits into `max_bytes` of UTF-8, whole characters only."""
    if len(text) * 4 <= max_bytes:
        return text
    data = text.encode()
    return text if len(data) <= max_bytes else data[:max_bytes].decode("utf-8", "ignore")
