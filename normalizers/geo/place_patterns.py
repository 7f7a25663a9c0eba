"""How names end (`rules/place.toml`) as patterns: the longest first, and not where they go on as another word."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from normalizers.rules import Rules, part, precompiled
from normalizers.text.matcher import trie

HAN = "\u4e00-\u9fff"
NUMERAL = "[一二三四五六七八九十百]"
_LONGEST_STEM = 9
_DIGIT = "[一二三四五六七八九十]"
_DISTANCE = r"[往向朝]?[前后左右里东南西北]{0,2}[走行约]?\d+米(?:左右|处)?"
"""How far from a place, and where to: 往右100米, 东北150米."""


class Rulebook(NamedTuple):
    """The endings of a folder, as patterns that match at a place."""

    name: re.Pattern[str]
    road: re.Pattern[str]
    door: re.Pattern[str]
    aside: re.Pattern[str]
    block: re.Pattern[str]
    estate: re.Pattern[str]
    bare: re.Pattern[str]
    """An ending without a name before it, or one of a character: 公寓 of 阳明公寓, where 阳明 is a town."""

    goes_on: re.Pattern[str]
    """What makes a short name the beginning of another one: 西湖 of 西湖公园, 和平 of 和平路."""

    version: str


@part("place.toml")
def rulebook(rules: Rules) -> Rulebook:
    """Compile the rules."""
    table: dict[str, Any] = rules.toml("place")
    words = {
        name: table[name].split()
        for name in ("towns", "communities", "zones", "roads", "estates", "bodies", "with_road", "with_estate")
    }
    others = _refused(table)
    longer = {
        "towns": (),
        "communities": ("estates",),
        "zones": ("towns", "roads"),
        "roads": ("with_road",),
        "estates": ("towns", "roads", "communities", "with_estate"),
    }
    kinds = {
        kind: _ending(words[kind], others, [word for one in after for word in words[one]])
        for kind, after in longer.items()
    }
    lanes = rf"(?:{trie(table['roads_before_number'].split())})(?=\s*[A-Za-z]?\d|$)"
    kinds["roads"] = rf"(?:{kinds['roads']}|{lanes}|(?<=[\d一二三四五六七八九十])(?:村民)?小?组)"
    numbered = r"[A-Za-z]?\d+号?(?=国道|省道|县道|大街|大道|路|街|高速|道|小?组|线)"
    stem = rf"(?P<stem>[{HAN}A-Za-z]{{1,{_LONGEST_STEM}}}?|[{HAN}]{{0,4}}?{numbered})"
    followed = [one for name in ("estates", "bodies", "with_estate") for one in words[name]]
    plain = rf"(?<=[{HAN}]{{2}})(?:(?<!社)区|站|苑)(?!{trie(followed)})"
    part_of = rf"(?![{HAN}]{{0,6}}(?:{trie(table['part_of_body'].split())}))"
    whole = _ending([one for one in words["bodies"] if one not in table["not_first"].split()], others, ()) + part_of
    doors, aside = table["doors"].split(), [*table["aside"].split(), *table["no_name"].split()]
    return Rulebook(
        name=precompiled.pattern(
            rf"{stem}(?:(?P<zone>{kinds['zones']})|(?P<town>{kinds['towns']})|(?P<community>{kinds['communities']})"
            rf"|(?P<poi>{kinds['estates']})|(?P<road>{kinds['roads']}))"
        ),
        road=precompiled.pattern(rf"{stem}{kinds['roads']}"),
        door=precompiled.pattern(
            rf"(?:地下|负)?(?:[A-Za-z]?\d+(?:[-—–~～、_/]+[A-Za-z]?\d+)*[A-Za-z]?|{NUMERAL}+|[A-Za-z甲乙丙丁]|地下|负)"
            rf"(?:{trie(doors)}|#|$|[\s\-—–/_]|一(?=\d))"
        ),
        aside=precompiled.pattern(rf"(?:(?!{trie(table['not_aside'].split())})(?:{_DISTANCE}|{trie(aside)}))+"),
        block=precompiled.pattern(rf"(?:[A-Za-z]?\d+|{NUMERAL}+)(?:栋|幢|座|号楼|单元|-\d+-\d)"),
        estate=precompiled.pattern(rf"[^\s]{{1,12}}?(?:{kinds['estates']}|{whole}|{plain})"),
        bare=precompiled.pattern(
            rf"[{HAN}]?{trie([*words['estates'], *words['bodies'], *words['communities'], *words['zones']])}"
        ),
        goes_on=precompiled.pattern(
            rf"[{HAN}]?[东西南北中]?(?:{_DIGIT}|\d{{1,2}})?(?:路|街|大道|巷)|(?:\d|{_DIGIT}|[东西南北])区(?!块)"
            rf"|[东西南北中]?{trie(table['behind_division'].split())}"
        ),
        version=table["version"],
    )


def _refused(table: dict[str, Any]) -> dict[str, str]:
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


def _ending(words: Iterable[str], others: dict[str, str], longer: Iterable[str]) -> str:
    """Return the pattern of endings, the longest first; not where they go on as another word or a longer name."""
    further = trie(longer) if (longer := list(longer)) else None
    alternatives = []
    for word in sorted(words, key=len, reverse=True):
        not_before = "|".join(filter(None, (others.get(word), further)))
        alternatives.append(f"{word}(?!{not_before})" if not_before else word)
    return f"(?:{'|'.join(alternatives)})"
