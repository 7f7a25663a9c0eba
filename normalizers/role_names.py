"""Names of persons (姓名) right behind a word for a person in a folded text, whatever the sentence goes on with.

法人毕福林失联, 公司法人叫于得水, 我朋友仁青卓玛被骗, 外教Andrew: behind such a word more is believed than elsewhere:
surnames that other words begin with as well, names by the sounds of other peoples, and names in Latin letters.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from normalizers.english_names import western
from normalizers.findings import divisions
from normalizers.findings.words import one_of, trie
from normalizers.name_cues import HAN, Surnames
from normalizers.text import Span
from normalizers.words_of_two import is_word, words_of_two, words_with

_FILLER = re.compile("[ :(]{0,2}(?:名?字?叫做?|名为|[是为])?[ :]{0,2}$")
_ENDS_OF_FILLERS = frozenset(" :(叫做是为")
_LONGEST_FILLER = 8
_OF_A_DIVISION = "[省市县区镇乡村州盟旗人籍路街道]"

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
            begins=re.compile(
                rf"[{first}](?<=[{ends}].)(?<![a-z0-9.,] .)(?=[a-z·\u4e00-\u9fff])(?![{never}])"
                if found["given"]
                else "(?!)"
            ),
            name=re.compile(_name(whole, goes_on, place) if found["given"] else "(?!)"),
            another=re.compile(
                rf"{one_of(surnames)}(?<!{one_of(found['words_too'])})(?![{never}])[\u4e00-\u9fff]"
                if found["given"]
                else "(?!)"
            ),
            rare=frozenset(found["surnames"] + found["rarer"]),
            given=frozenset(found["given"]),
            goes_on=re.compile(goes_on),
            ends=re.compile(rf"[{never}]|[^\u4e00-\u9fff]|$"),
            place=re.compile(rf"{place}|{_OF_A_DIVISION}"),
            words=re.compile(
                rf"{words.pattern}|{trie([*found['words'].split(), *words_with(found['rarer']), *places])}"
            ),
            before=before,
            verbs=verbs,
            behind=re.compile(rf"\((?={trie(word for words in before.values() for word in words)}\))"),
            whole=re.compile(rf"(?<!{HAN})({known.name}|{known.rare_name})$"),
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
    chinese = rf"(?:{known.two}{given}(?:{last})?|{surname}{given}{last})(?!{place}|{_OF_A_DIVISION})"
    run = f"{one_of(whole['transliterated'])}{{0,9}}"
    sound = rf"{known.foreign}(?<![让来都才再则其那])(?!{run}{place})"
    latin = western(whole, sure=True)
    return rf"(?P<sound>{sound})|(?P<chinese>{chinese}|{surname}{given}{goes_on})|(?P<latin>{latin})"
