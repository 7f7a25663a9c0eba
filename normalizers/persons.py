"""Third persons (第三人) in a folded text: names that stand between what people say around a name.

A name of two or three characters looks like any other word. It is believed where a word for a person stands before it
(房东, 校长: , 举报, 楼上的, 702的) and the sentence goes on behind it, or where the sentence begins with it and goes on
as only one about a person does (的妈妈, 殴打, 等人). Words and places that begin like a name are none.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from normalizers import rules
from normalizers.called_names import CalledNames
from normalizers.findings import divisions
from normalizers.findings.words import one_of, trie
from normalizers.full_names import FullNames
from normalizers.likely_names import LikelyNames
from normalizers.other_names import OtherNames
from normalizers.role_names import RoleNames
from normalizers.short_names import STOPS, ShortNames
from normalizers.text import Span

_HAN = "\u4e00-\u9fff"
_BEFORE_SURE = f"是和与跟对把给让找由替帮因像{STOPS}"
_BEFORE_TITLED = f"与跟对把给让找由的是向被{STOPS}"

_BEFORE_FAMILIAR = (
    f"的是和与跟对把给让找由叫被向问请上下壁门业区会村队居人友工事机主长住员介理师傅警生客司我他她家{STOPS}"
)

_ENDED: Mapping[str, str] = {"方": "主告介户人客包校院业区会委所售租承施供需买卖监", "程": "工"}
"""Behind such a character what looks like a surname is the end of a word: 业主方, 水电工程."""

_OF_A_DIVISION = "市县区镇乡"
"""市长 may be the end of one name and the beginning of the next: 海宁市长安镇."""

_AND = "、和与及"
"""Between two persons that are told of together: 老乡曹宝柱、田二喜."""

_OF_A_DOOR = re.compile("(?<![0-9.])[1-9][0-9]?(?:0[1-9]|[12][0-9])[室房户]?的?$")
_DOORS = "室房户的0123456789"
_SALUTATION = re.compile(r"[:,\s]*[您你]好")


class Persons(NamedTuple):
    """What finds third persons; made of one file of rules."""

    names: re.Pattern[str]
    """Names with what stands behind them."""

    words: re.Pattern[str]
    """Words and places that begin like one."""

    offices: re.Pattern[str]
    """A surname that other words begin with as well right before an office: 姬警官."""

    familiar: re.Pattern[str]
    """老王, 小张, 张姐, with what stands behind them."""

    given: re.Pattern[str]
    """Given names alone (浩然, 小芳), with what stands behind them."""

    full: FullNames
    short: ShortNames
    roles: RoleNames
    likely: LikelyNames
    called: CalledNames
    other: OtherNames

    before: Mapping[str, tuple[str, ...]]
    """Words for persons, by their last character."""

    def spans(self, text: str) -> Iterator[Span]:
        """Yield where a third person is named in a folded text, by what stands before and behind the name."""
        found, listed = self.names.search(text), -2
        while found:
            start, end = found.span()
            is_next = start == listed + 1 and text[listed] in _AND
            if (is_next or self._stands_right(text, found)) and not self.words.match(text, start):
                yield start, end
                listed = end
            else:  # the name may begin within the word: 班主任李倩
                end = start + 1
            found = self.names.search(text, end)
        yield from [found.span() for found in self.offices.finditer(text) if self._stands_right(text, found)]
        yield from [found.span() for found in self.familiar.finditer(text)]
        yield from self.full.spans(text)
        yield from self.short.spans(text)
        yield from self.roles.spans(text)
        yield from self.likely.spans(text)
        yield from self.called.spans(text)
        yield from self.other.spans(text)
        for found in self.given.finditer(text):
            start = found.start()
            if found["child"] or text.endswith(self.before.get(text[start - 1 : start], ()), 0, start):
                yield found.span()

    def _stands_right(self, text: str, found: re.Match[str]) -> bool:
        """Say whether what stands before the name goes with what stands behind it.

        业主方 is no name but one side of two. Who is addressed (尊敬的…, …您好) is no third person.
        """
        at, kind = found.start(), found.lastgroup
        before = text[at - 1 : at]
        if kind == "titled":
            addressed = text.endswith("尊敬的", 0, at) or _SALUTATION.match(text, found.end())
            return before in _BEFORE_TITLED and not addressed
        if kind == "sure" and before in _BEFORE_SURE:
            return True
        if before in _DOORS and found[0][0] not in "万余" and _OF_A_DOOR.search(text, max(0, at - 6), at):
            return True
        ends_a_word = before != "" and before in _ENDED.get(found[0][0], "")
        at -= _blanks_before(text, at)  # 房东: 王喆
        return text.endswith(self.before.get(text[at - 1 : at], ()), 0, at) and not ends_a_word


def _blanks_before(text: str, at: int) -> int:
    """Return how many blanks stand before a place, of two at most."""
    before = text[max(0, at - 2) : at]
    return len(before) - len(before.rstrip(" "))


@rules.of_files("names.toml")
def rulebook(folder: Path | None = None) -> Persons:
    """Return what finds persons by the city's own file, or ours; raises KeyError or TypeError for no such file."""
    whole = rules.load("names", folder)
    found, two_surnames = whole["third_persons"], whole["two_surnames"].split()
    lists = {name: found[name].split() for name in ("surely_goes_on", "goes_on", "at_once", "titles", "persons")}
    given = f"(?:(?![{found['never_given']}])[{_HAN}])"
    sure, behind = trie(lists["surely_goes_on"]), rf"(?={trie(lists['goes_on'])}|[{STOPS}0-9+]|$)"
    at_once = rf"{given}(?={sure}|{trie(lists['at_once'])}|[{STOPS}0-9+]|$)"
    before: dict[str, tuple[str, ...]] = {}
    called = (*lists["persons"], *(title for title in lists["titles"] if title[0] not in _OF_A_DIVISION))
    for word in (*called, *found["said_of"].split(), *(f"{word}:" for word in called)):
        before[word[-1]] = (*before.get(word[-1], ()), word)
    surname = _surname(found["surnames"], two_surnames, after="".join(before) + _BEFORE_SURE + _BEFORE_TITLED + _DOORS)
    names = (
        rf"{surname}(?:(?P<sure>{given}{{1,2}}?(?={sure}))|(?P<titled>{given}{{0,2}}?(?:{trie(lists['titles'])}))"
        rf"|(?P<told>{at_once}|{given}{{2}}{behind}|{given}{behind}))"
    )
    offices = rf"(?P<titled>{one_of(whole['role_names']['before_offices'])}{trie(lists['titles'])})"
    begun = _places((*found["surnames"], *two_surnames))
    familiar = _familiar(found, rf"(?:{sure}|{behind})")
    words = re.compile(trie([*found["words"].split(), *begun]))
    given_alone = _given(found, before, rf"(?:{sure}|{behind})")
    full = FullNames.of(whole["full_names"], found["surnames"], two_surnames, words)
    short = ShortNames.of(whole["short_names"], found["surnames"], words, full.begun, _goes_on(whole))
    roles = RoleNames.of(whole, words, behind)
    likely, called = (
        LikelyNames.of(whole, words, short.firm),
        CalledNames.of(whole, roles.before, words, _goes_on(whole)),
    )
    other = OtherNames.of(whole, words, short.firm)
    return Persons(
        names=re.compile(names),
        words=words,
        offices=re.compile(offices),
        familiar=familiar,
        given=given_alone,
        full=full,
        short=short,
        roles=roles,
        likely=likely,
        called=called,
        other=other,
        before=before,
    )


def _goes_on(whole: Mapping[str, Any]) -> str:
    """Return the pattern of what stands behind a name of two characters that no cue announces."""
    found = whole["third_persons"]
    lists = (found["surely_goes_on"], found["goes_on"], whole["short_names"]["goes_on"])
    return rf"(?={trie(word for one in lists for word in one.split())}|[{STOPS}0-9+]|$)"


def _familiar(found: Mapping[str, str], behind: str) -> re.Pattern[str]:
    """Return what finds persons by 老 or 小 and a surname, by 阿 and a given name, or by a surname and 哥 or 总."""
    surnames, titles = found["familiar"], found["short_titles"].split()
    given, further, kin = found["given_second"], found["familiar_by_kin"], trie(found["kin"].split())
    if not surnames or not titles:
        return re.compile("(?!)")
    return re.compile(
        rf"[老小阿{surnames}{further}](?<![^{_BEFORE_FAMILIAR}].)"
        rf"(?:(?<=[老小])[{surnames}](?!家[湾庄村坪沟堡屯店坡园巷寨])头?(?={behind}|{trie(titles)})"
        rf"|(?<=[老小])[{surnames}{further}](?=家[的里养在])|(?<=阿){one_of(given)}(?={behind})"
        rf"|(?<=[{surnames}]){trie(titles)}(?={behind})|(?<![老小阿]){kin}(?={behind}))"
    )


def _given(found: Mapping[str, str], before: Iterable[str], behind: str) -> re.Pattern[str]:
    """Return what finds given names (浩然, 小芳) right behind what may be the end of a word for a person."""
    first, second = found["given_first"], found["given_second"]
    if not first or not second:
        return re.compile("(?!)")
    places = {name for name in divisions.names() if len(name) == 2 and name[0] in first and name[1] in second}
    words = "|".join(sorted({*found["given_words"].split(), *places}))
    relative = r"(?:的(?:妈妈|爸爸|妈|爸|家长|奶奶|爷爷|外婆|外公|班主任))|妈妈|爸爸|家长"
    return re.compile(
        rf"[小阿{first}](?:(?<=[{''.join(before)}].)[{second}](?<!{words})(?={behind})"
        rf"|(?P<child>(?<![^{_BEFORE_SURE}].)[{second}](?<!{words})(?={relative})))"
    )


def _surname(one: str, two: Sequence[str], after: str) -> str:
    """Return the pattern of a surname at the beginning of the text, or behind one of these characters.

    It begins with the surname, so that the search stops at nothing else.
    """
    begun = "".join(sorted({name[0] for name in two}))
    further = "|".join(f"(?<={first}){trie(name[1:] for name in two if name[0] == first)}" for first in begun)
    return f"[{one}{begun}](?<![^{after}].)(?:(?:{further})|(?<=[{one}]))"


def _places(surnames: tuple[str, ...]) -> list[str]:
    """Return the names of divisions that begin like a name: 金华 is a city, and so is whoever is called so."""
    return sorted({one for one in divisions.names() if one.startswith(surnames) and len(one) > 1})
