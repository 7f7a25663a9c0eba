"""Where it happened (事发地址): the address that a message names, and the code of its district.

An address is found by what it is made of: names of divisions, and endings of roads, estates and villages with a name in
front of them. One pass finds all of these; what stands close together is one address, and the fullest one counts.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from normalizers.base import Draft, Policy
from normalizers.enrich.address import parse
from normalizers.enrich.address.parse import Piece
from normalizers.geo import divisions
from normalizers.rules import DEFAULT_RULES, Rules, memoized, part, precompiled, shares
from normalizers.text.fold import aligned, fold
from normalizers.text.matcher import Words, trie
from normalizers.text.spans import At, placed
from schemas.records import Finding

# The words that places are found by (`rules/place.toml`), ready to be asked.


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


@part("place.toml")
def rulebook(rules: Rules) -> Rulebook:
    """Compile the rules. Raises ValueError for a score that is none."""
    table: dict[str, Any] = rules.toml("place")
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
        before=precompiled.pattern(trie(message["before"].split())),
        common=frozenset(common),
        no_name=no_name,
        no_road=(*message["no_road"].split(), *no_name),
        with_and=frozenset(message["with_and"].split()),
        road_names=frozenset(message["road_names"].split()),
        doing=tuple(message["doing"].split()),
        no_estate=precompiled.pattern(trie(message["no_estate"].split())),
        scores=shares(table["scores"]),
        weights=table["weights"],
        but={word: tuple(further.split()) for word, further in table["but_before"].items()},
        version=table["version"],
    )


MOST_CHARACTERS = 2_000
"""Of title and text: where it happened is said early."""

LONGEST_SAID = 200
"""Characters that are read of an address that the channel gives: no form has a longer one."""

_STEMS = {"town": 4, "community": 4, "zone": 5, "road": 4, "estate": 6}
"""How many characters a name has before its ending, at most."""

_NAME = precompiled.pattern(r"[\u4e00-\u9fffA-Za-z0-9]+\Z")
_HAN_NAME = precompiled.pattern(r"[\u4e00-\u9fff]+\d*\Z")
_POINTS_ON = precompiled.pattern(r"[东西南北中一二三四五六七八九十]\Z")
_SHORTEST, _LONGEST = 2, 80
_LONGEST_SHORT = 5
"""Of a division's short name: 克孜勒苏 has four characters."""

_NUMBER = precompiled.pattern(r"\d+(?:[-—–~、]\d+)*号(?![线楼])(?:院)?")

_PLAIN_ROADS = ("路", "街", "大道", "大街")
_PERSONS = frozenset("人")
"""老人和路, 工人和街: no name of a road."""

_BUILDING = precompiled.pattern(r"[栋棟幢座#＃樓楼\d](?:(?<=[栋棟幢座#＃樓楼])|[-－]\d)")
"""What every such line holds."""

_ORDINAL = "[0-9a-z一二三四五六七八九十]{1,4}"
_ADDRESS_ALONE = precompiled.pattern(
    r"^[ \t]*(?:(?:详细)?(?:地址|住址|位置|地点)(?:在|是)?[:：\s]{0,2})?"
    rf"([\u4e00-\u9fff]{{2,10}}?)(?:{_ORDINAL}(?:期|区|组团))?"
    rf"(?:{_ORDINAL}(?:号楼|栋|幢|座|#楼?)|[0-9]{{1,3}}-[0-9]{{1,3}}-[0-9]{{2,4}}(?![0-9]))"
    rf"(?:[ ,-]?{_ORDINAL}(?:号楼|单元|楼|层|室|号|户|门|座|栋|幢)?){{0,4}}[ \t,。.!]*$",
    re.MULTILINE,
)
"""What stands before the number of its building is the name of an estate; the doors are no part of the place."""


class Address(NamedTuple):
    """A place in a text: from where to where, and how sure it is that it is one."""

    start: int
    end: int
    weight: float


def findings(draft: Draft, folded: str, jurisdiction: str, policy: Policy) -> Iterator[Finding]:
    """Yield the place that a message names, if the channel names none, its levels, and the code of its district.

    `folded` is title and text together.
    """
    said = next((finding.value for finding in draft.findings if finding.kind == "place"), None)
    if said is not None:
        yield from _levels(fold(said[:LONGEST_SAID]), None, jurisdiction, policy)
        return
    text = f"{draft.title}\n{draft.text}" if draft.title else draft.text
    plain = (folded if len(folded) == len(text) else text)[:MOST_CHARACTERS]
    known, told = rulebook(policy.rules), False
    if address := find(plain, policy.rules) or alone(text[:MOST_CHARACTERS], policy.rules):
        for one in _of_address(address, text, plain, len(text) - len(draft.text), jurisdiction, policy):
            told = told or one.kind == "adcode"
            yield one
    if not told and (named := _district(plain, jurisdiction, policy.rules)):
        code, (start, end) = named
        found = Finding(kind="adcode", value=code, score=known.scores["district"], version=known.version)
        yield placed(found, _at(start, end, len(text) - len(draft.text)))


def _of_address(
    address: Address, text: str, plain: str, first: int, jurisdiction: str, policy: Policy
) -> Iterator[Finding]:
    """Yield an address as written, and its levels; spans count from where the text begins, behind the title."""
    version = rulebook(policy.rules).version
    score = round(address.weight / (address.weight + 1), 2)
    found = Finding(kind="place", value=text[address.start : address.end], score=score, version=version)
    yield placed(found, _at(address.start, address.end, first))
    for one in _levels(plain[address.start : address.end], address.start, jurisdiction, policy):
        yield one if one.span is None else placed(one, _at(*one.span, first))


def _at(start: int, end: int, first: int) -> At:
    """Return a place in title and text together as one of either; the text begins at `first`, the title a LF before."""
    return At(text=(start - first, end - first)) if start >= first else At(title=(start, min(end, first - 1)))


def _levels(said: str, at: int | None, jurisdiction: str, policy: Policy) -> Iterator[Finding]:
    """Yield the code and the levels of an address that begins at `at`, if it stands in a text."""
    known = rulebook(policy.rules)
    pieces = parse.parse(said, policy.rules, jurisdiction)
    if code := code_of(pieces, jurisdiction):
        smallest = _divisions(pieces)[-1]
        span = (at + smallest.start, at + smallest.end) if at is not None else None
        yield Finding(kind="adcode", value=code, score=known.scores["district"], span=span, version=known.version)
    if model := policy.place_model:
        yield from model.findings(said, at)
    else:
        yield from parse.findings(pieces, at, known.scores, "rule", known.version)


def _divisions(pieces: Iterable[Piece]) -> list[Piece]:
    return [one for one in pieces if one.adcode and one.level in ("province", "city", "district")]


def code_of(pieces: Iterable[Piece], home: str) -> str | None:
    """Return the 行政区划代码 of the smallest division that an address names; None without a district or city.

    A district of another city than `home` needs its city beside it, or a full name that no other has: 金山 alone is
    many places.
    """
    known = _divisions(pieces)
    if not known or known[-1].level == "province" or known[-1].adcode is None:
        return None
    code, name = known[-1].adcode, known[-1].text
    is_sure = (
        len(known) > 1 or divisions.in_city(code, home) or (divisions.is_full(name) and len(divisions.named(name)) == 1)
    )
    return code if is_sure else None


def _district(text: str, home: str, rules: Rules) -> tuple[str, tuple[int, int]] | None:
    """Return the code of the first district of the city that a text names in full, and where it stands.

    For a province's hotline: of one beside its city. Who writes to a city of another one tells where they come from.
    """
    elsewhere: tuple[str, tuple[int, int]] | None = None
    for start, end, kind in _marks(text, rules):
        if kind != "division":
            continue
        for division in divisions.named(text[start:end]):
            today = divisions.code_today(division)
            if division.level == divisions.DISTRICT and divisions.in_city(today, home):
                return today, (start, end)
        if elsewhere is None and home.endswith("0000") and (first := _with_city(text, start, end)) < start:
            code = code_of(parse.parse(text[first:end], rules, home), home)
            elsewhere = (code, (first, end)) if code and code.startswith(home[:2]) else None
    return elsewhere


def _with_city(text: str, start: int, end: int) -> int:
    """Return where a division begins together with the short name of its city or province before it: 长沙|岳麓区."""
    inside = divisions.named(text[start:end])
    for begin in range(start - 2, max(start - _LONGEST_SHORT, 0) - 1, -1):
        for outer in divisions.named(text[begin:start]):
            if any(one.level != outer.level and one.is_within(outer) for one in inside):
                return begin
    return start


def find(text: str, rules: Rules = DEFAULT_RULES) -> Address | None:
    """Return the fullest address in a text, the first of equals; None when there is none."""
    best: Address | None = None
    least = rulebook(rules).weights["least"]
    for one in _addresses(text, rules):
        if one.weight >= least and (best is None or one.weight > best.weight):
            best = one
    return best


def alone(text: str, rules: Rules = DEFAULT_RULES) -> Address | None:
    """Return the estate, by whatever name, of a line as written that holds but an address: 锦绣江南3栋2单元501."""
    if _BUILDING.search(text) is None:
        return None
    known = rulebook(rules)
    text, offsets = aligned(text)
    for line in _ADDRESS_ALONE.finditer(text):
        begin, end = line.span(1)
        for word in known.before.finditer(text, begin, end):
            if word.start() == begin and end - word.end() >= _SHORTEST:
                begin = word.end()
        if _is_name(text[begin:end], "estate", known) and not known.no_estate.search(text, begin, end):
            return Address(offsets[begin], offsets[end - 1] + 1, known.weights["least"])
    return None


def _addresses(text: str, rules: Rules) -> Iterator[Address]:
    """Yield what stands close together as one address."""
    known = rulebook(rules)
    current: Address | None = None
    for start, end, kind in _marks(text, rules):
        if current is not None and start < current.end:
            continue
        if kind == "division":
            joined = current is not None and current.end == start and end - current.start <= _LONGEST
            first = _with_city(text, start, end)
            is_free = current is None or first >= current.end
            one = Address(first if is_free else start, end, known.weights[kind])
        else:
            named = _named(text, start, kind, current, known)
            if named is None:
                continue
            joined = current is not None and named == current.end and end - current.start <= _LONGEST
            one = _numbered(text, Address(named, end, known.weights[kind]), kind, known)
        if current is not None and joined:
            current = Address(current.start, one.end, current.weight + one.weight)
        else:
            if current is not None:
                yield current
            current = one
    if current is not None:
        yield current


def _numbered(text: str, one: Address, kind: str, known: Rulebook) -> Address:
    number = _NUMBER.match(text, one.end) if kind in ("road", "community") else None
    return Address(one.start, number.end(), one.weight + known.weights["number"]) if number else one


def _named(text: str, start: int, kind: str, current: Address | None, known: Rulebook) -> int | None:
    """Return where the name before an ending begins; None when no name stands there."""
    first = max(start - _STEMS[kind], 0)
    if current is not None and first <= current.end <= start and _is_name(text[current.end : start], kind, known):
        return current.end
    name = _NAME.search(text, first, start)
    if name is None:
        return None
    begin = name.start()
    for word in known.before.finditer(text, begin, start):
        if start - word.end() >= _SHORTEST:
            begin = word.end()
    if begin == first and begin > 0 and _NAME.match(text, begin - 1, begin):
        if kind != "road":
            return None
        begin = start - (3 if _POINTS_ON.search(text, first, start) else 2)
    if _is_name(text[begin:start], kind, known):
        return begin
    return _named_by_a_word(text, begin, start, known)


def _named_by_a_word(text: str, begin: int, start: int, known: Rulebook) -> int | None:
    """Return where a name begins that is made of words of another use: 太和路, 建设路; not 正在建设路口, 老人和路."""
    name = text[start - 2 : start]
    whole = begin == start - 2
    if name in known.with_and and (whole or name[0] not in _PERSONS):
        return start - 2
    is_road = text.startswith(_PLAIN_ROADS, start) and whole and name in known.road_names
    return begin if is_road and not text.endswith(known.doing, 0, begin) else None


def _is_name(stem: str, kind: str, known: Rulebook) -> bool:
    if len(stem) < _SHORTEST or stem in known.common or not _HAN_NAME.match(stem) or known.before.fullmatch(stem):
        return False
    return not stem.endswith(known.no_road if kind == "road" else known.no_name)


@memoized(2)
def _marks(text: str, rules: Rules) -> tuple[tuple[int, int, str], ...]:
    """Return the divisions and endings in a text, the longest at each place. Kept for who looks for a district next."""
    return tuple(_marked(text, rulebook(rules)))


def _marked(text: str, known: Rulebook) -> Iterator[tuple[int, int, str]]:
    written = known.words.sorted
    for start, (number, end) in sorted(known.words.longest(text).items()):
        word = written[number]
        if word in known.but and text.startswith(known.but[word], end):
            word, end = word[:-1], end - 1
        if kind := known.kinds[word]:
            yield start, end, kind
