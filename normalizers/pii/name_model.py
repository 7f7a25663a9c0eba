"""Likely personal names (姓名) in a folded text, by their characters and neighbours.

No list has every name, or every verb that may follow one (和舒克明签了合同). Each character of a candidate, and of the
two before and behind it, therefore has a weight for or against a name (`rules/likely_names.csv`, tenths of a logit;
ADR 42 has their sources): the surname, characters of given names, words that the name would cut apart, and the other
characters that stand beside persons. A candidate that is neither likely nor unlikely (滑振邦, 上官若溪) is in doubt:
`name_tagger` judges it by the whole sentence, and both weights are added (ADR 55).
"""

import csv
import math
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from operator import mul
from typing import Any, NamedTuple

from normalizers.geo import divisions
from normalizers.pii.name_tagger import NameTagger, Odds, tagger
from normalizers.rules import precompiled
from normalizers.text.fold import Span
from normalizers.text.lexicon import words_of_two
from normalizers.text.matcher import one_of, trie

_HAN = "\u4e00-\u9fff"
_BEGINS = "^"
_ENDS = "$"
_LINE = "¶"
"""Symbols for the begin and end of a text or a line in the weights."""

LIKELY = 17
"""From here on it is a name, in tenths of a logit."""

_BEHIND_AT_BEST = 42
"""Most weight that the context before and behind adds in practice: candidates that would need more are skipped."""

_BEFORE_A_PERSON = 12
"""Weight of a word before a person: persons are mentioned there more often than in the training sentences."""

_BEFORE_A_TITLE = 12
"""Weight of a form of address or an office right behind (俞敏之主任), for the same reason."""

_SURNAME_AT_LEAST = 4
"""Lesser surnames (房, 时, 路) begin a third of the candidates and one name of 272: cues find the others."""

_NEVER = 999
_TOLD_BY_THEM = "某姓"
"""Characters after a surname alone, which other rules find."""

_SHORT = 2
_OF_WORDS = ("word", "cuts", "unknown", "belief")
"""Weights of words; all others are of characters."""

IN_DOUBT = -20
"""From here on a name is in doubt, in tenths of a logit; of ten of those below hardly one is a name."""

_AROUND_AT_BEST = 25
"""As `_BEHIND_AT_BEST`, for names in doubt."""

_KIN = "姐哥嫂婶姨叔伯爷"

_OF_TWO = 25
"""Weight of a surname of two characters: hardly any word begins like one."""

PARTS = ("weight", "begins", "goes_on", "ends", "of_two")
"""Values by which a name in doubt is decided."""

_NO_CHARACTER = Odds(-12.0, -12.0)
"""Odds behind the end of a text."""


class Likely(NamedTuple):
    """A span that is likely a name, and how likely."""

    weight: int
    start: int
    end: int


class InDoubt(NamedTuple):
    """A span that may be a name."""

    weight: int
    start: int
    end: int
    is_of_two: bool
    """Whether the surname is of two characters (上官)."""


class Doubtful(NamedTuple):
    """Candidates for names that the tagger decides."""

    begins: re.Pattern[str]
    """A surname of any kind before Chinese characters."""

    surnames: Mapping[str, int]
    """The weight of every surname, of one character and of two."""

    unknown: Mapping[str, int]
    """The weight of a character that no given name is known with: `alone`, `first`, `last`."""

    no_given: frozenset[str]
    """Characters that no given name is made of."""

    no_end: frozenset[str]
    """Characters that places and things end with, and no given name."""

    words: re.Pattern[str]
    titles: re.Pattern[str]
    place: re.Pattern[str]
    """Suffixes of a firm, a place or a shop right behind its name."""

    called: re.Pattern[str]
    """Nicknames (老冀, 阿彭, 彩霞姐), or a run of sounds (宝音德力格尔)."""

    shops: re.Pattern[str]
    """Suffixes of a shop behind its owner's nickname: 小杨生煎."""

    kin: frozenset[str]
    """Forms of address for anybody: 阿姨, 小弟."""

    tagger: NameTagger

    belief_in: Mapping[str, int]
    """Factors of the weight and of the tagger's odds, in thousandths."""

    parts: tuple[int, ...]
    """Those of `PARTS`, in their order."""

    @classmethod
    def of(cls, whole: Mapping[str, Any], words: re.Pattern[str], place: re.Pattern[str]) -> "Doubtful":
        """Make it of the city's lists, of `words` that are no names, and of how firms and places go on behind one."""
        found, persons, table = whole["likely_names"], whole["third_persons"], _table()
        two = (*whole["two_surnames"].split(), *found["two_surnames"].split())
        surnames = {**table["rare_surname"], **table["surname"]}
        surnames.update(dict.fromkeys(two, _OF_TWO))
        first = "".join(sorted({one[0] for one in surnames}))
        familiar = "".join(one for one, weight in surnames.items() if len(one) == 1 and weight >= 0)
        no_names = (*found["words"].split(), *whole["short_names"]["words"].split())
        places = (*found["places"].split(), *whole["called_names"]["shops"].split(), *whole["peoples"]["firms"].split())
        called = (*whole["addressed"]["others"].split(), *whole["addressed"]["polite"].split())
        return cls(
            begins=precompiled.pattern(rf"{one_of(first)}(?=[{_HAN}])"),
            surnames=surnames,
            unknown=table["unknown"],
            no_given=frozenset(persons["never_given"] + _TOLD_BY_THEM + _KIN) - frozenset(found["given_too"]),
            no_end=frozenset(found["ends_of_places"] + found["no_end"]),
            words=precompiled.pattern(rf"{words.pattern}|{trie(no_names)}"),
            titles=precompiled.pattern(
                trie([*persons["titles"].split(), *called, *whole["full_names"]["no_little_names"].split()])
            ),
            place=precompiled.pattern(
                rf"{place.pattern.removeprefix('.{0,2}')}|{trie(places)}|{one_of(found['ends_of_places'])}"
                rf"|[{_HAN}]{{0,3}}[店馆铺摊]|班(?![主长上])|道(?![歉理德谢喜])"
                r"|.{0,8}[〔\[【(](?:19|20)[0-9]{2}"  # the number of a decision: 沈政办发〔2021〕
            ),
            called=precompiled.pattern(
                rf"(?P<familiar>[老小]{one_of(familiar)}头?|阿[{_HAN}])"
                rf"|(?P<sounds>{one_of(whole['transliterated'])}{{5,9}})|(?=(?P<kin>[{_HAN}]{{1,2}}[{_KIN}]))"
            ),
            shops=precompiled.pattern(trie(whole["other_names"]["shops"].split())),
            kin=frozenset((*whole["called_names"]["adverbs"].split(), *found["kin"].split())),
            tagger=tagger(),
            belief_in=table["belief"],
            parts=tuple(table["belief"][part] for part in PARTS),
        )

    def is_given(self, text: str, given: int, end: int) -> bool:
        """Return whether these may be the characters of a given name."""
        part = text[given:end]
        return (
            end <= len(text)
            and min(part) >= "\u4e00"
            and max(part) <= "\u9fff"
            and self.no_given.isdisjoint(part)
            and text[end - 1] not in self.no_end
        )

    def is_word(self, text: str, start: int, given: int, end: int) -> bool:
        """Return whether a word or a place begins like the name, or the name holds an office or a form of address."""
        if text[start:end] in self.surnames:
            return True
        word = self.words.match(text, start)
        if word and (word[0] not in divisions.names() or word.end() >= end):
            return True
        longer = text[start : end + 1]
        return longer in divisions.names() or longer[:-1] in divisions.names() or bool(self.titles.match(text, given))

    def values(self, one: InDoubt, odds: Mapping[int, Odds]) -> tuple[float, ...]:
        """Return the values of a candidate: its weight, the tagger's odds (begins, goes on, ends), and the kind of its
        surname.
        """
        inside = min([odds.get(at, _NO_CHARACTER).goes_on for at in range(one.start + 1, one.end)])
        begins, ends = odds.get(one.start, _NO_CHARACTER).begins, odds.get(one.end, _NO_CHARACTER).goes_on
        return one.weight / 10, begins, inside, ends, float(one.is_of_two)

    def nicks(self, text: str, words: Mapping[str, str]) -> Iterator[InDoubt]:
        """Yield nicknames, whose characters have no weight; `words` are those of two characters."""
        for found in self.called.finditer(text):
            kind = found.lastgroup or "kin"
            start, end = found.span(kind)
            first, last = text[start : start + 2], text[end - 2 : end]
            cut = () if kind == "sounds" else (text[max(0, start - 1) : start + 1], text[end - 1 : end + 1])
            whole = {"kin": (last,), "familiar": (first,)}.get(kind, ())
            given = {"kin": text[start : end - 1], "familiar": first[1:]}.get(kind, "")
            if not (
                any(two[1:] in words.get(two[:1], " ") for two in (*cut, *whole))
                or first in self.kin
                or last in self.kin
                or not self.no_given.isdisjoint(given)
                or any(self.words.match(text, at) for at in (start, max(0, start - 1)))
                or self.place.match(text, end)
                or self.shops.match(text, end)
            ):
                yield InDoubt(0, start, end, False)

    def belief(self, one: InDoubt, odds: Mapping[int, Odds]) -> float:
        """Return how likely it is a name, as a logit in thousandths."""
        return self.belief_in["always"] + math.fsum(map(mul, self.parts, self.values(one, odds)))


class LikelyNames(NamedTuple):
    """The search for likely names."""

    begins: re.Pattern[str]
    """A surname before a possible first character of a given name."""

    weights: Mapping[str, Mapping[str, int]]
    """Weights by kind and characters."""

    two: Mapping[str, str]
    """Words of two characters."""

    before: frozenset[str]
    """Words before persons: 和, 被, 找."""

    known: frozenset[str]
    """Words of two and three characters that begin like such a name, rarer than `words_of_two`."""

    words: re.Pattern[str]
    """Words and places that begin like a name."""

    place: re.Pattern[str]
    """Suffixes of firms and places behind a name."""

    titles: frozenset[str]
    """Forms of address that other rules find behind a surname (叔叔): no given name."""

    titled: re.Pattern[str]
    """A form of address or an office."""

    addressed: re.Pattern[str]
    """An office behind a name, as in a salutation."""

    doubtful: Doubtful

    @classmethod
    def of(cls, whole: Mapping[str, Any], words: re.Pattern[str], place: re.Pattern[str]) -> "LikelyNames":
        """Make it of the city's lists, of `words` that are no names, and of how firms and places go on behind one."""
        found, persons = whole["likely_names"], whole["third_persons"]
        never = {*persons["never_given"], *found["ends_of_places"], *_TOLD_BY_THEM}
        weights = {kind: dict(of) for kind, of in _table().items()}
        for kind in ("alone", "first", "last"):
            weights[kind] = {one: weight for one, weight in weights[kind].items() if one not in never}
        weights["surname"] = {one: weight for one, weight in weights["surname"].items() if weight >= _SURNAME_AT_LEAST}
        given = "".join({*weights["alone"], *weights["first"]})
        return cls(
            begins=precompiled.pattern(rf"{one_of(''.join(weights['surname']))}(?=[{given}])"),
            weights=weights,
            two=words_of_two(),
            before=frozenset(found["before"]),
            known=frozenset(weights["word"]),
            words=precompiled.pattern(
                rf"{words.pattern}|{trie([*found['words'].split(), *_places(weights['surname'])])}"
            ),
            place=precompiled.pattern(rf"{place.pattern}|.{{0,2}}{trie(found['places'].split())}"),
            titles=frozenset((*whole["addressed"]["others"].split(), *whole["addressed"]["polite"].split())),
            titled=precompiled.pattern(
                trie([*persons["titles"].split(), *whole["addressed"]["others"].split(), "小朋友", "同学"])
            ),
            addressed=precompiled.pattern(rf"{trie(persons['titles'].split())}[:,\s]*(?:[您你]好|:)"),
            doubtful=Doubtful.of(whole, words, place),
        )

    def confirmed(self, text: str, hidden: Iterable[Span]) -> Iterator[Span]:
        """Yield the names in doubt that the tagger confirms, the likeliest first, outside of `hidden` spans."""
        taken = {at for span in hidden for at in range(*span)}
        asked = [one for one in self.in_doubt(text) if taken.isdisjoint(range(one.start, one.end))]
        if not asked:
            return
        odds = self.doubtful.tagger.odds(text, sorted({one.start for one in asked}))
        believed = ((self.doubtful.belief(one, odds), one) for one in asked)
        for _, one in sorted(((belief, one) for belief, one in believed if belief > 0), reverse=True):
            places = range(one.start, one.end)
            if taken.isdisjoint(places):
                taken.update(places)
                yield one.start, one.end

    def in_doubt(self, text: str) -> Iterator[InDoubt]:
        """Yield candidates by their weight, except words, places and addressees."""
        weights, words, cuts, doubtful = self.weights, self.two, self.weights["cuts"], self.doubtful
        firsts, lasts, alone = weights["first"], weights["last"], weights["alone"]
        told, behind = dict[str, bool](), dict[int, int]()
        for begun in doubtful.begins.finditer(text):
            start = begun.start()
            before, further = text[start - 1] if start else _BEGINS, text[start - 2] if start > 1 else _BEGINS
            around = (
                weights["before"].get(before, 0)
                + _BEFORE_A_PERSON * (before in self.before)
                + weights["two_before"].get(further + before, 0)
                + cuts["into"] * (text[start] in words.get(before, ""))
                + cuts["before"] * (before in words.get(further, ""))
            )
            for size in (1, 2):
                surname, given = doubtful.surnames.get(text[start : start + size]), start + size
                if surname is None or around + surname + _AROUND_AT_BEST < IN_DOUBT:
                    continue
                two, three = text[given : given + 1], text[given + 1 : given + 2]
                is_word = two in words.get(text[given - 1], "")
                for end, inside in (
                    (given + 1, -_NEVER if is_word else alone.get(two, doubtful.unknown["alone"])),
                    (
                        given + 2,
                        firsts.get(two, doubtful.unknown["first"])
                        + lasts.get(three, doubtful.unknown["last"])
                        + cuts["begins"] * is_word
                        + cuts["given"] * (three in words.get(two, "")),
                    ),
                ):
                    weight = around + surname + inside
                    if weight + _AROUND_AT_BEST < IN_DOUBT or not doubtful.is_given(text, given, end):
                        continue
                    if end not in behind:
                        behind[end] = self._behind(text, end)
                    weight += behind[end]
                    if weight >= IN_DOUBT and not self._is_something_else(text, start, given, end, told):
                        yield InDoubt(weight, start, end, size > 1)
        yield from doubtful.nicks(text, words)

    def _is_something_else(self, text: str, start: int, given: int, end: int, told: dict[str, bool]) -> bool:
        """Return whether a candidate is a word, a place, a firm, an office or an addressee."""
        name = text[start:end]
        if (
            name in self.known
            or name[1:] in self.titles
            or self.doubtful.is_word(text, start, given, end)
            or text.endswith("尊敬的", 0, start)
            or self.addressed.match(text, end)
            or self.addressed.match(text, end + 1)
        ):
            return True
        if name not in told:
            told[name] = _is_told_before(self.doubtful.place, text, name)
        return told[name]

    def spans(self, text: str) -> Iterator[Span]:
        """Yield the spans of likely names of two or three characters; of two that overlap the likelier one."""
        last: Likely | None = None
        told = dict[str, bool]()
        for start, weight in self._begun(text):
            one = self._likelier(text, start, weight, told)
            if one is None:
                continue
            if last is not None and one.start >= last.end:
                yield last.start, last.end
            elif last is not None and one.weight <= last.weight:
                continue
            last = one
        if last is not None:
            yield last.start, last.end

    def _begun(self, text: str) -> list[tuple[int, int]]:
        """Return the begin of each candidate, with the weight of its surname and of the context before it."""
        surname, before, persons = self.weights["surname"], self.weights["before"], self.before
        alone, firsts, lasts = self.weights["alone"], self.weights["first"], self.weights["last"]
        found = list[tuple[int, int]]()
        for begun in self.begins.finditer(text):
            start = begun.start()
            left, two = text[start - 1] if start else _BEGINS, text[start + 1]
            weight = surname[text[start]] + before.get(left, 0) + (_BEFORE_A_PERSON if left in persons else 0)
            least = LIKELY - _BEHIND_AT_BEST - weight
            if alone.get(two, -_NEVER) >= least or (
                firsts.get(two, -_NEVER) + lasts.get(text[start + 2 : start + 3], -_NEVER) >= least
            ):
                found.append((start, weight))
        return found

    def _likelier(self, text: str, start: int, weight: int, told: dict[str, bool]) -> Likely | None:
        """Return the likelier of the names that begin there, if one is likely and no word, place or addressee."""
        weights, words, cuts = self.weights, self.two, self.weights["cuts"]
        first, two, three = text[start], text[start + 1], text[start + 2 : start + 3]
        before, further = text[start - 1] if start else _BEGINS, text[start - 2] if start > 1 else _BEGINS
        weight += weights["two_before"].get(further + before, 0)
        weight += cuts["into"] * (first in words.get(before, "")) + cuts["before"] * (before in words.get(further, ""))
        second = two in words.get(first, "")
        short = -_NEVER if second else weights["alone"].get(two, -_NEVER)
        long = weights["first"].get(two, -_NEVER) + weights["last"].get(three, -_NEVER)
        long += cuts["begins"] * second + cuts["given"] * (three in words.get(two, ""))
        found: Likely | None = None
        for inside, end in ((long, start + 3), (short, start + 2)):
            if inside + weight + _BEHIND_AT_BEST > LIKELY:
                one = Likely(inside + weight + self._behind(text, end), start, end)
                if one.weight > max(LIKELY, found.weight if found else LIKELY) and not self._is_another(
                    text, one, told
                ):
                    found = one
        return found

    def _behind(self, text: str, end: int) -> int:
        """Return the weight of the context behind a name."""
        weights, words, cuts = self.weights, self.two, self.weights["cuts"]
        behind, beyond = text[end : end + 1] or _ENDS, text[end + 1 : end + 2] or _ENDS
        weight = weights["behind"].get(behind, 0) + weights["two_behind"].get(behind + beyond, 0)
        return (
            weight
            + cuts["out"] * (behind in words.get(text[end - 1], ""))
            + cuts["behind"] * (beyond in words.get(behind, ""))
            + _BEFORE_A_TITLE * (self.titled.match(text, end) is not None)
        )

    def _is_another(self, text: str, one: Likely, told: dict[str, bool]) -> bool:
        """Return whether it is a word, a place, a firm or an addressee; `told` caches the names that were looked up."""
        name = text[one.start : one.end]
        if (
            name in self.known
            or name[1:] in self.titles
            or self.words.match(text, one.start)
            or text.endswith("尊敬的", 0, one.start)
        ):
            return True
        if name not in told:
            told[name] = _is_told_before(self.place, text, name)
        return told[name] or self.addressed.match(text, one.end) is not None


def _is_told_before(place: re.Pattern[str], text: str, name: str) -> bool:
    """Return whether a firm or a place has this name anywhere in the text: 华颖公司."""
    at = text.find(name)
    while at >= 0:
        if place.match(text, at + len(name)):
            return True
        at = text.find(name, at + len(name))
    return False


def _places(surnames: Container[str]) -> Iterator[str]:
    """Yield the names of divisions, and their ends, that begin like a name: 岳阳, 鲁木齐."""
    for one in divisions.names():
        if len(one) > 1 and one[0] in surnames:
            yield one
        yield from (one[at:] for at in range(1, len(one) - _SHORT) if one[at] in surnames)


@cache
def _table() -> Mapping[str, Mapping[str, int]]:
    """Return the weights by kind: `surname`, `alone`, `first`, `last`, `before` …, and the words (0)."""
    found: dict[str, dict[str, int]] = {}
    with resources.files("normalizers.rules").joinpath("likely_names.csv").open(encoding="utf-8") as table:
        for line in csv.DictReader(table):
            kind, weight, signs = line["kind"], int(line["tenths"]), line["signs"].replace(_LINE, "\n")
            size = _SHORT if kind.startswith("two_") else 1
            each = signs.split() if kind in _OF_WORDS else map("".join, zip(*[iter(signs)] * size, strict=True))
            found.setdefault(kind, {}).update((one, weight) for one in each)
    return found
