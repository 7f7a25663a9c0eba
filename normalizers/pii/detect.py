"""Personal spans in free text: numbers, mail addresses, doors, names, in the forms Chinese writes them in."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from normalizers.pii import name_coreference, names, third_persons, unfolded
from normalizers.pii.coordinates import coordinates
from normalizers.pii.house_numbers import beside, doors, homes
from normalizers.pii.identifiers import identifiers
from normalizers.pii.license_plates import plates
from normalizers.pii.name_patterns import HAN_DATE
from normalizers.pii.numbers import numbers, pinyin_digits
from normalizers.pii.scattered_numbers import scattered
from normalizers.pii.spaced_names import NAME, spans_apart
from normalizers.pii.urls import queries
from normalizers.rules import DEFAULT_RULES, Rules, precompiled
from normalizers.text import fold
from normalizers.text.fold import SPOKEN_DIGITS, Span, aligned, folds_simply, narrow, without

MAIL_SIGN = r"(?:@|艾特|圈a|圈(?=[a-z0-9-]{2,20} ?点)|\(?小老鼠\)?|_at_|[(\[{【#]\s?(?:at?|@)\s?[)\]}】#])"
_MAIL = precompiled.pattern(
    rf"(?:[a-z0-9._%+-]{{1,64}}|[\u4e00-\u9fff]{{1,4}})\s{{0,2}}{MAIL_SIGN}\s{{0,2}}"
    r"(?:[a-z0-9-]{1,63}|[\u4e00-\u9fff]{1,6}(?=[.点][a-z]))"
    r"(?:(?:(?: ?\. ?| ?点 ?(?=[a-z])|。(?=com|cn|net)|\s?[(\[]dot[)\]]\s?)[a-z0-9-]{1,63}){1,4}|[.]?$)"
)
_AT = ("@", "(a", "[a", "{a", "【a", "#a", "_at_", "( a", "[ a", "艾特", "圈", "小老鼠")

_MAIL_AT_A_SERVICE = precompiled.pattern(
    r"[a-z0-9._%+-]{3,64} ?(?:@| at ) ?(?:qq|163|126|139|189|网易|企鹅|新浪|搜狐|移动|电信|谷歌|腾讯)邮箱"
)

_MAIL_IN_WORDS = precompiled.pattern(
    r"[a-z0-9._-]{3,64}(?: at [a-z0-9-]{2,63} dot (?:com|cn|net|org)"
    r"| at (?:qq|163|126|139|189|sina|sohu|yeah|aliyun|foxmail|gmail|outlook|hotmail|icloud|yahoo)\.(?:com|cn|net)"
    r"|#[a-z0-9-]{2,63}\.(?:com|cn|net|org)(?![a-z0-9]))"
)

_TOKEN = precompiled.pattern(r"[1-9](?<![a-z0-9-][1-9])[0-9]{5}-[a-z2-7]{20}\.[a-z0-9_.]*")
"""The signed name of a ticket (normalizers/parse/ticket_tokens.py), also when it is mistyped or cut off."""

_HONG_KONG_ID = precompiled.pattern(r"[a-z](?<![a-z0-9].)[a-z]?[0-9]{6}\([0-9a]\)")
_WECHAT_ID = precompiled.pattern(r"wxid_[a-z0-9]{6,30}")
_SHOPPING_ID = precompiled.pattern(r"tb(?<![a-z0-9]tb)_?[0-9]{6,12}(?![a-z0-9])")
"""What a shop's customers are called who chose no name."""

_MARRIAGE_PAPER = precompiled.pattern(r"[jlb](?<![a-z0-9].)[0-9]{6}-[0-9]{4}-[0-9]{6}(?![0-9])")
"""结婚证, 离婚证."""

_PROPERTY_PAPER = precompiled.pattern("权(?:证[\u4e00-\u9fff]{0,3}字)?第[a-z]?[0-9]{5,10}号")
"""不动产权证, 房权证."""

_DAY = r"(?:[12][09][0-9]{2}|[0-9]{2})[年./-][0-9]{1,2}[月./-][0-9]{1,2}[日号]?"
_BORN = precompiled.pattern("生(?:(?<=出生)(?!产)|(?=[,。;)人的日]|$)|于(?<![发产]生于))")
_DAY_BEFORE = precompiled.pattern(rf"(?:{_DAY}|(?<!年)[0-9]{{1,2}}月[0-9]{{1,2}}[日号]|{HAN_DATE})(?=的?$)")
_DAY_BEHIND = precompiled.pattern(f"{_DAY}|{HAN_DATE}")
_LONGEST_DAY = 16

_LONG_PAPER = precompiled.pattern(r"第[0-9]{12,24}号")
"""Of a decision or an accident: 第210102420260033217号事故认定书."""

_BY_THEIR_FORM = {
    "第": _LONG_PAPER,
    "权": _PROPERTY_PAPER,
    "(": _HONG_KONG_ID,
    "wxid_": _WECHAT_ID,
    "tb": _SHOPPING_ID,
    "-": _MARRIAGE_PAPER,
}
"""By what stands in each of them."""

_DASHES = "‐‑‒–—―⁃−─━ー➖﹘︱︲"
"""What is written for a hyphen."""

_DASH = precompiled.pattern(f"[{_DASHES}]")
_KEYCAP = precompiled.pattern("\u20e3")

_OF_A_NUMBER = rf"[0-9a-z{SPOKEN_DIGITS}@._+-]"
_PIECE = rf"(?=[a-z@._+-]{{0,20}}[0-9@{SPOKEN_DIGITS}]|[a-z]{{3}}){_OF_A_NUMBER}(?:[ -]?{_OF_A_NUMBER}){{1,40}}"
_AT_A_CUT = precompiled.pattern(rf"(?:^|〕|\n\n)\s?({_PIECE})|(?<!{_OF_A_NUMBER})({_PIECE})\s?(?=〔|\n\n|$)")
"""Where a part of an SMS is missing, at either end of the text or between: of two characters or more."""

_BEHIND_A_CUT = precompiled.pattern(r"(?:^|〕|\n\n)\s?")
_GIVEN_NAME = precompiled.pattern("[\u4e00-\u9fff]{1,3}(?=[, ](?:我的|联系)?(?:电话|手机|号码|微信))")
_CUE = "我叫"
_LONGEST_NAME = 12
"""With what stands behind it, by which a name is told."""

Finder = Callable[[str, Rules], Iterable[Span]]


class Seen(NamedTuple):
    """A text as the rules read it, where its characters stand if elsewhere, and what they find; spans may overlap."""

    plain: str
    places: Sequence[int] | None
    spans: Sequence[Span]
    is_plain: bool
    """Whether the text reads `plainly`, as nearly all do."""

    is_simple: bool
    """Whether the text `folds_simply`."""


Look = Callable[[str, Rules], Seen]


def by_rules(text: str, rules: Rules) -> Iterator[Span]:
    """Yield what the rules find in a text as they read it; spans may overlap."""
    if any(at in text for at in _AT):
        yield from [match.span() for match in _MAIL.finditer(text)]
    if " at " in text or "#" in text:
        yield from [match.span() for match in _MAIL_IN_WORDS.finditer(text)]
    if "邮箱" in text:
        yield from [match.span() for match in _MAIL_AT_A_SERVICE.finditer(text)]
    yield from numbers(text, rules)
    yield from pinyin_digits(text)
    yield from scattered(text)
    yield from identifiers(text, rules)
    if "." in text:
        yield from [match.span() for match in _TOKEN.finditer(text)]
    yield from doors(text)
    yield from homes(text, rules)
    yield from plates(text)
    yield from coordinates(text)
    yield from queries(text)
    for mark, pattern in _BY_THEIR_FORM.items():
        if mark in text:
            yield from [match.span() for match in pattern.finditer(text)]
    if "生" in text:
        yield from _births(text)
    known, persons = names.rulebook(rules), third_persons.rulebook(rules)
    named = [*known.spans(text), *persons.spans(text)]
    named += persons.likely.confirmed(text, named)
    named += [before for start, _ in named for before in known.listed_before_one(text, start)]
    named += _listed(known, text, {end for _, end in named})
    yield from named
    yield from beside(text, named)
    again = name_coreference.rulebook(rules)
    yield from sorted(set(again.spans(text, again.forms(again.worth(text, named)))).difference(named))


def _births(text: str) -> Iterator[Span]:
    """Yield the days on which somebody is said to be born: 1976年5月20日生, 生于1976年5月20日."""
    for born in _BORN.finditer(text):
        start = born.start() - text.endswith("出生", 0, born.end())
        day = (
            _DAY_BEHIND.match(text, born.end())
            if text[born.end() - 1] == "于"
            else _DAY_BEFORE.search(text, max(0, start - _LONGEST_DAY), start)
        )
        if day:
            yield day.span()


def look(text: str, rules: Rules = DEFAULT_RULES, find: Finder = by_rules) -> Seen:
    """Read a text, and return what is found in it."""
    is_plain = _unusual().search(text) is None
    plain, places = (plainly(text), None) if is_plain else readable(text)
    return Seen(plain, places, list(find(plain, rules)), is_plain, folds_simply(text))


def personal_spans(text: str, known: Iterable[str] = (), rules: Rules = DEFAULT_RULES, look: Look = look) -> list[Span]:
    """Return the spans of `text` that name or reach a person, in order and without overlap; offsets in characters.

    `known` are names, numbers and addresses of the persons themselves, folded and `hyphened`; `rules` may
    hold the city's own `names.toml`. `look` may be one that remembers.
    """
    return spans_of(look(text, rules), known)


def spans_of(seen: Seen, known: Iterable[str], further: Iterable[Span] = ()) -> list[Span]:
    """Return the spans of a text, in order: what was seen in it, what is `known`, and `further` ones in it."""
    return _placed([*seen.spans, *_occurrences(seen.plain, known), *further], seen.places)


def address_spans(text: str, rules: Rules = DEFAULT_RULES) -> list[Span]:
    """Return the spans of `text` that name a door or a point on a map, as `personal_spans` does."""
    plain, places = readable(text)
    return _placed([*doors(plain), *homes(plain, rules), *coordinates(plain)], places)


def known_spans(text: str, known: Iterable[str]) -> list[Span]:
    """Return the spans of `text` where something `known` stands, as `personal_spans` does."""
    plain, places = readable(text)
    return _placed(list(_occurrences(plain, known)), places)


def cut_spans(text: str, rules: Rules = DEFAULT_RULES) -> list[Span]:
    """Return the spans that may be of a number, an address or a name, where parts of a text have yet to come."""
    plain, places = readable(text)
    pieces = [match.span(match.lastindex or 0) for match in _AT_A_CUT.finditer(plain)]
    return _placed([*pieces, *_named_before_a_cut(plain, rules)], places)


def _named_before_a_cut(text: str, rules: Rules) -> Iterator[Span]:
    """Yield what would be a name if the part that is missing said so at its end, or told the surname."""
    known = names.rulebook(rules)
    for cut in _BEHIND_A_CUT.finditer(text):
        at = cut.end()
        for start, end in known.spans(_CUE + text[at : at + _LONGEST_NAME]):
            if start == len(_CUE):
                yield at, at + end - start
        if given := _GIVEN_NAME.match(text, at):
            yield given.span()


def _placed(found: list[Span], places: Sequence[int] | None) -> list[Span]:
    """Return the spans in order, as offsets in the text as it was written."""
    spans = in_order(found)
    return [(places[start], places[end - 1] + 1) for start, end in spans] if places is not None else spans


def hyphened(text: str) -> str:
    """Return `text` with all dashes as hyphens."""
    return _DASH.sub("-", text)


def readable(text: str) -> tuple[str, Sequence[int] | None]:
    """Return the text as the rules read it, and where its characters stand when that is not where they stood."""
    if _unusual().search(text) is not None:
        text, unfolded_places = unfolded.unfolded(hyphened(text).translate(_digits_alike()))
        if _unusual().search(text) is not None:
            plain, places = aligned(text)
            plain, places = without(plain, places, _KEYCAP.finditer(plain))
            return plain, places if unfolded_places is None else [unfolded_places[at] for at in places]
        return plainly(text), unfolded_places
    return plainly(text), None


def plainly(text: str) -> str:
    """Return how a text reads in which nothing is unusual."""
    return narrow(text).lower()


@cache
def _digits_alike() -> Mapping[int, str]:
    """Return the digits that folding leaves as they are (❶, ➀, ١), as plain ones."""
    return precompiled.remembered("digits alike", _sources(), _found_alike)


@cache
def _sources() -> str:
    return f"{precompiled.digest_of(__file__)} {fold.sources()} {unfolded.sources()}"


def _found_alike() -> dict[int, str]:
    everything = map(chr, (*range(0x80, 0xD800), *range(0xE000, 0x20000)))
    alike = ((one, digit) for one in everything if (digit := unicodedata.digit(one, None)) is not None)
    return {ord(one): str(digit) for one, digit in alike if unicodedata.normalize("NFKC", one) == one}


@cache
def _unusual() -> re.Pattern[str]:
    """Find dashes, and what folding changes beyond capitals and Chinese punctuation: most texts hold none of it."""
    return precompiled.pattern(precompiled.remembered("unusual in masks", _sources(), _any_unusual))


def _any_unusual() -> str:
    usual = "，！？：；（）ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    everything = "".join(chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000 and chr(code) not in usual)
    plain, places = aligned(everything)
    pairs = zip(plain, places, strict=True)
    same = {at for character, at in pairs if everything[at] == character == character.lower()}
    changed = "".join(re.escape(character) for at, character in enumerate(everything) if at not in same)
    digits = "".join(chr(digit) for digit in _digits_alike() if digit < 0x10000)
    return f"[{changed}{_DASHES}{digits}{unfolded.signs()}\u20e3\ud800-\udfff\U00010000-\U0010ffff]"


def _occurrences(text: str, known: Iterable[str]) -> Iterator[Span]:
    for value in known:
        if NAME.fullmatch(value):
            yield from spans_apart(text, value)
        at = text.find(value)
        while at >= 0:
            if not _is_part_of_word(text, at, value):
                yield at, at + len(value)
            at = text.find(value, at + len(value))
        begun = text.rfind(value[:2], max(0, len(text) - len(value) + 1))
        if begun >= 0 and value.startswith(text[begun:]):
            yield begun, len(text)


def _is_part_of_word(text: str, at: int, value: str) -> bool:
    """Say whether a Latin name stands inside a longer word."""
    if not (value.isascii() and value.isalpha()):
        return False
    around = text[max(0, at - 1) : at] + text[at + len(value) : at + len(value) + 1]
    return any(character.isascii() and character.isalpha() for character in around)


def _listed(known: names.Names, text: str, ends: set[int]) -> Iterator[Span]:
    """Yield the names that lists go on with behind those that end here; no list is walked twice."""
    walked: set[int] = set()
    for end in ends:
        for start, stop in known.listed(text, end):
            if stop in walked:
                break
            walked.add(stop)
            yield start, stop


def in_order(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order and without overlap; of those that begin together the longest is whole."""
    return list(_joined(sorted(spans, key=lambda span: (span[0], -span[1]))))


def _joined(spans: list[Span]) -> Iterator[Span]:
    end = 0
    for start, stop in spans:
        if stop > end:
            yield max(start, end), stop
            end = stop
