"""Names of third persons (第三人) in a folded text: by characters, by a word before, by what follows."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from normalizers.geo import divisions
from normalizers.pii.latin_names import western
from normalizers.pii.name_model import LikelyNames
from normalizers.pii.name_patterns import HAN, Surnames
from normalizers.pii.nicknames import CalledNames
from normalizers.pii.other_names import OtherNames
from normalizers.pii.short_names import STOPS, ShortNames
from normalizers.rules import DEFAULT_RULES, Rules, part, precompiled
from normalizers.text.fold import Span
from normalizers.text.lexicon import is_word, words_of_two, words_with
from normalizers.text.matcher import one_of, trie

# Full names of three characters (姓名) in a folded text that are like no other words, wherever they stand.
#
# A surname and two characters that given names are made of (李秀珍, 谭文建), or 小 and one of those behind it (李小明).
# No such name is what begins within a word (责任|明晰, 对方|明确), whose two characters are a word (文明, 光明), or
# that goes on as a firm's or a place's does.


class FullNames(NamedTuple):
    """What finds them; made of one section of `rules/names.toml`."""

    names: re.Pattern[str]
    words: re.Pattern[str]
    """Words and places that begin like a name."""

    begun: frozenset[str]
    """Two characters: the end of a word, which a surname looks like, and what stands before it there."""

    given: frozenset[str]
    """Words of two characters that given names are made of."""

    @classmethod
    def of(cls, found: Mapping[str, str], surnames: str, two: Sequence[str], words: re.Pattern[str]) -> "FullNames":
        """Make the pattern of the lists; of none it finds nothing."""
        given, places = found["given"], trie(found["goes_on_as_a_place"].split())
        little = rf"(?!{trie(found['no_little_names'].split())})小{one_of(found['behind_little'])}"
        no_surnames = found["no_surnames"].split()
        own = "".join(one for one in surnames if one not in no_surnames)
        longer = [one for one in two if one not in no_surnames]
        begun = "".join(sorted({one[0] for one in longer}))
        behind = "|".join(
            f"(?<={first}){trie(one[1:] for one in longer if one[0] == first)}[{given}]{{1,2}}" for first in begun
        )
        ends = (line.split(":") for line in found["ends_of_words"].split())
        return cls(
            names=precompiled.pattern(
                rf"[{own}{begun}](?:(?<=[{own}])(?:[{given}][{given}]|{little})|{behind})(?!{places})"
                if given
                else "(?!)"
            ),
            words=words,
            begun=frozenset(before + surname for surname, all_before in ends for before in all_before),
            given=frozenset(found["no_given_names"].split()),
        )

    def spans(self, text: str) -> Iterator[Span]:
        """Yield where a full name stands."""
        for found in self.names.finditer(text):
            start, end = found.span()
            is_word = text[start - 1 : start + 1] in self.begun or text[start + 1 : end] in self.given
            if not is_word and not self.words.match(text, start):
                yield start, end


# Names of persons (姓名) right behind a word for a person in a folded text, whatever the sentence goes on with.
#
# 法人毕福林失联, 公司法人叫于得水, 我朋友仁青卓玛被骗, 外教Andrew: behind such a word more is believed than elsewhere:
# surnames that other words begin with as well, names by the sounds of other peoples, and names in Latin letters.

_FILLER = re.compile("[ :(]{0,2}(?:名?字?叫做?|名为|[是为])?[ :]{0,2}$")
_ENDS_OF_FILLERS = frozenset(" :(叫做是为")
_LONGEST_FILLER = 8
_ROLE_NAMES_OF_A_DIVISION = "[省市县区镇乡村州盟旗人籍路街道]"

_SURELY_I = re.compile("(?:现?实名|来信|今反映)")
"""What only whoever writes goes on with behind their own name: 我孙小武实名举报."""


class RoleNames(NamedTuple):
    """What finds them; made of one section of `rules/names.toml`."""

    begins: re.Pattern[str]
    """The first character of a name, behind one that a word for a person ends with."""

    name: re.Pattern[str]
    another: re.Pattern[str]
    """A surname, and what may be the first character of a given name."""

    rare: frozenset[str]
    """Surnames that other words begin with as often."""

    given: frozenset[str]
    goes_on: re.Pattern[str]
    ends: re.Pattern[str]
    """What no name goes on with."""

    place: re.Pattern[str]
    """How firms and places go on behind a name."""

    words: re.Pattern[str]
    """Words that begin like such a name."""

    before: Mapping[str, tuple[str, ...]]
    """Words for persons, by their last character."""

    verbs: tuple[str, ...]
    """Words before a person and before much else."""

    behind: re.Pattern[str]
    """One of them in brackets: 牛莉（房东）."""

    whole: re.Pattern[str]
    """A name of any kind right before such a place."""

    @classmethod
    def of(cls, whole: Mapping[str, Any], words: re.Pattern[str], goes_on: str) -> "RoleNames":
        """Make the patterns of the lists; `goes_on` is what stands behind a name of two characters."""
        found, persons, surnames = whole["role_names"], whole["third_persons"]["persons"].split(), _surnames(whole)
        known = Surnames.of(whole)
        place, never = _place(whole), whole["third_persons"]["never_given"]
        verbs = tuple(found["verbs"].split())
        before: dict[str, tuple[str, ...]] = {}
        words_before = {"我", *persons, *found["persons"].split(), *verbs} - set(found["bodies"].split())
        for word in sorted(words_before):
            before[word[-1]] = (*before.get(word[-1], ()), word)
        places = {one for one in divisions.names() if len(one) > 1 and one[0] in surnames}
        two, sounds = "".join(whole["two_surnames"].split()), whole["transliterated"]
        first = f"a-z{surnames}{two}{sounds}"
        verbs = tuple(found["verbs"].split())
        ends = "".join(before) + "".join(sorted({verb[-1] for verb in verbs})) + "".join(sorted(_ENDS_OF_FILLERS))
        return cls(
            begins=precompiled.pattern(
                rf"[{first}](?<=[{ends}].)(?<![a-z0-9.,] .)(?=[a-z·\u4e00-\u9fff])(?![{never}])"
                if found["given"]
                else "(?!)"
            ),
            name=precompiled.pattern(_name(whole, goes_on, place) if found["given"] else "(?!)"),
            another=precompiled.pattern(
                rf"{one_of(surnames)}(?<!{one_of(found['words_too'])})(?![{never}])[\u4e00-\u9fff]"
                if found["given"]
                else "(?!)"
            ),
            rare=frozenset(found["surnames"] + found["rarer"]),
            given=frozenset(found["given"]),
            goes_on=precompiled.pattern(goes_on),
            ends=precompiled.pattern(rf"[{never}]|[^\u4e00-\u9fff]|$"),
            place=precompiled.pattern(rf"{place}|{_ROLE_NAMES_OF_A_DIVISION}"),
            words=precompiled.pattern(
                rf"{words.pattern}|{trie([*found['words'].split(), *words_with(found['rarer']), *places])}"
            ),
            before=before,
            verbs=verbs,
            behind=precompiled.pattern(rf"\((?={trie(word for words in before.values() for word in words)}\))"),
            whole=precompiled.pattern(rf"(?<!{HAN})({known.name}|{known.rare_name})$"),
        )

    def spans(self, text: str) -> Iterator[Span]:
        """Yield where such a name stands."""
        for begun in self.begins.finditer(text):
            start = begun.start()
            if not self._is_behind_a_word(text, start):
                continue
            named = self.name.match(text, start)
            if named and self._is_no_word(text, named):
                yield named.span()
            elif end := self._end_of_another(text, start):
                yield start, end
        for bracket in self.behind.finditer(text) if "(" in text else ():
            if named := self.whole.search(text, max(0, bracket.start() - 5), bracket.start()):
                yield named.span(1)

    def _end_of_another(self, text: str, start: int) -> int:
        """Return the end of what is none of these and no word either (牛莉|诱导, 江疏影|插队), or 0."""
        if self.another.match(text, start) is None or self.words.match(text, start):
            return 0
        if text.endswith(self.verbs, 0, start):
            return 0
        if text[start - 1] == "我":
            return next((end for end in (start + 2, start + 3) if _SURELY_I.match(text, end)), 0)
        first, second, third = text[start : start + 2], text[start + 1 : start + 3], text[start + 2 : start + 4]
        is_given = first[1] in self.given or first[1] not in words_of_two()
        if is_word(first) or (not is_given and (first[0] in self.rare or is_word(second))):
            return 0
        is_short = self.goes_on.match(text, start + 2) is not None or self.ends.match(text, start + 2) is not None
        if not is_short and self.goes_on.match(text, start + 3) is None:
            is_short = is_word(third)
        end = start + (2 if is_short else 3)
        return 0 if (is_short and not is_given) or self.place.match(text, end) else end

    def _is_behind_a_word(self, text: str, start: int) -> bool:
        before = text[start - 1]
        if before in _ENDS_OF_FILLERS:
            filler = _FILLER.search(text, max(0, start - _LONGEST_FILLER), start)
            start = filler.start() if filler else start
            before = "" if text[start - 1] == "我" else text[start - 1]
        return text.endswith(self.before.get(before, ()), 0, start)

    def _is_no_word(self, text: str, named: re.Match[str]) -> bool:
        start, end = named.span()
        if text[start - 1] == "我" and _SURELY_I.match(text, end) is None:
            return False
        if text.endswith(self.verbs, 0, start) and (named.lastgroup != "chinese" or not self.goes_on.match(text, end)):
            return False
        if named.lastgroup != "chinese":
            return True
        word = self.words.match(text, start)
        return word is None or (word[0] in divisions.names() and word.end() < end)


def _surnames(whole: Mapping[str, Any]) -> str:
    return "".join((whole["third_persons"]["surnames"], whole["role_names"]["surnames"], whole["role_names"]["rarer"]))


def _place(whole: Mapping[str, Any]) -> str:
    """Return the pattern of how firms and places go on."""
    places = {*whole["full_names"]["goes_on_as_a_place"].split(), *whole["short_names"]["goes_on_as_a_firm"].split()}
    return trie(places - set(whole["role_names"]["no_places"].split()))


def _name(whole: Mapping[str, Any], goes_on: str, place: str) -> str:
    """Return the pattern of a name; of one character behind its surname only with what it goes on with."""
    found, known, surname = whole["role_names"], Surnames.of(whole), one_of(_surnames(whole))
    given, last = f"[{found['given']}]", rf"(?!{trie(found['goes_on'].split())})[{found['given']}]"
    chinese = rf"(?:{known.two}{given}(?:{last})?|{surname}{given}{last})(?!{place}|{_ROLE_NAMES_OF_A_DIVISION})"
    run = f"{one_of(whole['transliterated'])}{{0,9}}"
    sound = rf"{known.foreign}(?<![让来都才再则其那])(?!{run}{place})"
    latin = western(whole, sure=True)
    return rf"(?P<sound>{sound})|(?P<chinese>{chinese}|{surname}{given}{goes_on})|(?P<latin>{latin})"


# Third persons (第三人) in a folded text: names that stand between what people say around a name.
#
# A name of two or three characters looks like any other word. It is believed if a word for a person stands before it
# (房东, 校长: , 举报, 楼上的, 702的) and the sentence goes on after it, or if the sentence begins with it and goes on
# as only one about a person does (的妈妈, 殴打, 等人). Words and places that begin like a name are no names.

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


@part("names.toml")
def rulebook(rules: Rules = DEFAULT_RULES) -> Persons:
    """Return what finds persons by the city's own file, or ours; raises KeyError or TypeError for no such file."""
    whole = rules.toml("names")
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
    words = precompiled.pattern(trie([*found["words"].split(), *begun]))
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
        names=precompiled.pattern(names),
        words=words,
        offices=precompiled.pattern(offices),
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
        return precompiled.pattern("(?!)")
    return precompiled.pattern(
        rf"[老小阿{surnames}{further}](?<![^{_BEFORE_FAMILIAR}].)"
        rf"(?:(?<=[老小])[{surnames}](?!家[湾庄村坪沟堡屯店坡园巷寨])头?(?={behind}|{trie(titles)})"
        rf"|(?<=[老小])[{surnames}{further}](?=家[的里养在])|(?<=阿){one_of(given)}(?={behind})"
        rf"|(?<=[{surnames}]){trie(titles)}(?={behind})|(?<![老小阿]){kin}(?={behind}))"
    )


def _given(found: Mapping[str, str], before: Iterable[str], behind: str) -> re.Pattern[str]:
    """Return what finds given names (浩然, 小芳) right behind what may be the end of a word for a person."""
    first, second = found["given_first"], found["given_second"]
    if not first or not second:
        return precompiled.pattern("(?!)")
    places = {name for name in divisions.names() if len(name) == 2 and name[0] in first and name[1] in second}
    words = "|".join(sorted({*found["given_words"].split(), *places}))
    relative = r"(?:的(?:妈妈|爸爸|妈|爸|家长|奶奶|爷爷|外婆|外公|班主任))|妈妈|爸爸|家长"
    return precompiled.pattern(
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
