"""What people are called by (称呼) that is no full name, in a folded text: 苗某, 翟姓男子, 保安老耿, 兰姐, “往事随风”.

Each has a sign of its own: 某 or 姓 behind a surname, an office, 老 or 小 right behind a word for a person, a number
for a given name (张三), a label and a colon, a Japanese surname, quotes behind 群主, or a row of names.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from normalizers.geo import divisions
from normalizers.pii.short_names import STOPS
from normalizers.rules import precompiled
from normalizers.text.fold import Span
from normalizers.text.lexicon import is_word
from normalizers.text.matcher import one_of, trie

_HAN = "[\u4e00-\u9fff]"
_ADDRESSED = frozenset("敬进爱重")
"""Before 的 in a salutation (尊敬的)."""

_LEADS = "队"
"""What a leader of some is called by behind the surname (聂队): not by itself, as 大队 is."""


class CalledNames(NamedTuple):
    """What finds them; made of one section of `rules/names.toml`."""

    signed: tuple[tuple[str, re.Pattern[str]], ...]
    """By a character without which none of them stands; from the first group to the last is the name."""

    titled: re.Pattern[str]
    """A surname before an office or the like, behind what a word for a person or a place may end with."""

    familiar: re.Pattern[str]
    """老耿, 豆豆, 强子, as a sentence about a person goes on; a group holds the sign of those that are no words."""

    before: Mapping[str, tuple[str, ...]]
    """Words for persons, by their last character."""

    departments: tuple[str, ...]
    """Where somebody is who has an office."""

    adverbs: frozenset[str]
    row: re.Pattern[str]
    """Names with 、 between them."""

    counted: re.Pattern[str]
    """One of a list: before what they are owed, or behind its number."""

    relatives: re.Pattern[str]
    """One of a household: 父亲岳山,母亲童心."""

    words: re.Pattern[str]
    """Words and places that begin like a name."""

    @classmethod
    def of(
        cls, whole: Mapping[str, Any], before: Mapping[str, tuple[str, ...]], words: re.Pattern[str], goes_on: str
    ) -> "CalledNames":
        """Make the patterns of the lists; `goes_on` is what stands behind a name, `before` words for persons."""
        found, surname = whole["called_names"], one_of(_surnames(whole))
        given = rf"(?:(?!{one_of(whole['third_persons']['never_given'] + found['no_given'])}){_HAN})"
        departments, person = tuple(found["departments"].split()), one_of("".join(before))
        ends = one_of("".join(before) + "".join({one[-1] for one in departments}) + "的")
        sums, twice, nick = r"\s?:?\s?[0-9]{3,6}元?(?=[,;。、\s]|$)", one_of(found["twice"]), one_of(found["nick"])
        return cls(
            signed=tuple((sign, precompiled.pattern(one)) for sign, one in _signed(whole, surname, given, goes_on)),
            titled=precompiled.pattern(rf"({surname}(?<={ends}.){given}{{0,2}}?){_titles(whole)}"),
            familiar=precompiled.pattern(
                rf"[老小阿{found['twice']}{found['nick']}](?<={person}.)"
                rf"(?:(?<=老){surname}头?|(?<=[小阿]){given}|(?<=({twice}))\1|(?<={nick})子){goes_on}"
            ),
            before=before,
            departments=departments,
            adverbs=frozenset(found["adverbs"].split()),
            row=precompiled.pattern(
                rf"{surname}(?<!{_HAN}.){given}{{1,2}}(?:、{surname}{given}{{1,2}}){{2,}}(?=[{STOPS}等0-9]|$)"
            ),
            counted=precompiled.pattern(
                rf"{surname}(?:(?<=[,;。:、\s)].){given}{{1,2}}(?={sums})"
                rf"|(?:(?<=[0-9][.、)].)|(?<=[0-9][.、)]\s.)){given}{{1,2}}(?=[:,]))"
            ),
            relatives=precompiled.pattern(
                rf"{trie(found['relatives'].split())}:?({surname}{given}{{1,2}})(?=[,;。、(])"
            ),
            words=words,
        )

    def spans(self, text: str) -> Iterator[Span]:
        """Yield where somebody is called so."""
        for sign, pattern in self.signed:
            for found in pattern.finditer(text) if sign in text else ():
                groups = [found.span(one) for one, told in enumerate(found.groups(), 1) if told is not None]
                yield min(groups)[0], max(end for _, end in groups)
        for found in self.titled.finditer(text):
            if self._is_of_somebody(text, *found.span(1)):
                yield found.span()
        for found in self.familiar.finditer(text):
            if self._is_behind_a_person(text, found.start()) and self._is_no_word(found):
                yield found.span()
        for row in self.row.finditer(text) if "、" in text else ():
            yield from self._row(text, row)
        for pattern in (self.counted, self.relatives):
            yield from self._names_of([found.span(found.lastindex or 0) for found in pattern.finditer(text)], text)

    def _row(self, text: str, row: re.Match[str]) -> list[Span]:
        """Return the names of a row, none of which is a place."""
        told, start, items = row[0].split("、"), row.start(), list[Span]()
        for one in told:
            items.append((start, start + len(one)))
            start += len(one) + 1
        return [] if any(one in divisions.names() for one in told) else self._names_of(items, text)

    def _is_behind_a_person(self, text: str, at: int) -> bool:
        return text.endswith(self.before.get(text[at - 1 : at], ()), 0, at)

    def _is_of_somebody(self, text: str, start: int, end: int) -> bool:
        """Say whether what stands before an office is a name: behind another word for a person, or in its place."""
        if end - start > 1 and not self._is_unlike_words(text[start:end], text, start):
            return False
        if text.endswith("的", 0, start):
            return end - start > 1 and text[start - 2 : start - 1] not in _ADDRESSED
        return self._is_behind_a_person(text, start) or text.endswith(self.departments, 0, start)

    def _is_no_word(self, found: re.Match[str]) -> bool:
        called = found[0][:2]
        if called in divisions.names():
            return False
        return called not in self.adverbs and (found.lastindex is not None or not is_word(called))

    def _names_of(self, items: list[Span], text: str) -> list[Span]:
        """Return the items of a list if they are names: more than one, and half of them like no word."""
        unlike = [(start, end) for start, end in items if self._is_unlike_words(text[start:end], text, start)]
        return items if len(items) > 1 and 2 * len(unlike) >= len(items) else []

    def _is_unlike_words(self, one: str, text: str, start: int) -> bool:
        return not is_word(one[:2]) and self.words.match(text, start) is None


def _surnames(whole: Mapping[str, Any]) -> str:
    found = whole["called_names"]
    every = {*whole["third_persons"]["surnames"], *whole["role_names"]["surnames"], *whole["other_surnames"]}
    every |= {*whole["common_surnames"], *found["further_surnames"]}
    return "".join(sorted(every.difference(found["no_surnames"])))


def _titles(whole: Mapping[str, Any]) -> str:
    """Return the pattern of offices and the like behind a surname: an office goes with it, 老师 stays."""
    found, persons = whole["called_names"], whole["third_persons"]
    short = set(persons["short_titles"].split()).difference(found["no_titles"].split())
    offices, no_office = (*persons["titles"].split(), *short, _LEADS), trie(found["no_office"].split())
    others = trie(one for one in whole["addressed"]["others"].split() if one not in found["no_titles"].split())
    return rf"(?:(?={others}(?!{no_office}))|{trie(offices)}(?<![车连卫乐马班商]队)(?!{no_office}))"


def _signed(whole: Mapping[str, Any], surname: str, given: str, goes_on: str) -> Iterator[tuple[str, str]]:
    """Yield what finds them by a sign of one character."""
    found, two = whole["called_names"], trie(whole["two_surnames"].split())
    nick, ends = one_of(found["nick"]), one_of(found["before_nick"])
    called = trie(
        word for one in (*whole["addressed"].values(), whole["third_persons"]["titles"]) for word in one.split()
    )
    yield (
        "某",
        rf"某(?<![感多答]谢某)(?:(?<=({two})某)|(?<=({surname})某))某{{0,2}}(?!{trie(found['behind_some'].split())})",
    )
    yield "姓", rf"姓(?<=({surname})姓)的?{trie(found['behind_surname'].split())}"
    yield (
        ":",
        (
            rf"{trie(found['labels'].split())}(?:\([^()]{{1,6}}\))?:\s?(?!{trie(found['no_label'].split())})"
            rf"(?!{surname}{called})((?:{two}|{surname}){given}{{1,2}})(?=[,、;。()\s/|]|$)"
        ),
    )
    for sign in "老小":
        known = one_of("".join(one for one in found["familiar"] if not is_word(sign + one)))
        yield sign, rf"{sign}(?:(?<={ends}.)|(?<!.{{2}}))(?<=({sign}))({known}头?){goes_on}"
    yield "老", rf"老(?<=({surname})老)(大{goes_on}|[二三四五六七八九])"
    yield "阿", rf"阿(?<=(阿))({nick})(?:(?=家)|{goes_on})"
    for sign in "哥姐婶嫂妹爷":
        yield sign, rf"{sign}(?<=({nick}){sign})(?<=({sign}))(?<!军嫂)(?:(?<={ends}..)|(?<!.{{3}})){goes_on}"
    quoted = trie(found["on_line"].split())
    yield "“", rf"{quoted}[叫为是]?“([^”\n]{{1,12}})”"
    yield '"', rf'{quoted}[叫为是]?"([^"\n]{{1,12}})"'
    yield "*", rf"\*(?<=[收付款户名显示写的叫:(]\*)(?<=(\*))(\*?{given}{{1,2}})(?![*\u4e00-\u9fff])"
    yield (
        "",
        (
            rf"[三四五六七九](?<=({one_of(found['numbered'])}).)(?<=(.))(?<!{one_of(found['before_number'])}..)"
            rf"(?!{trie(found['behind_number'].split())}|[0-9])"
        ),
    )
    japanese = trie(found["japanese"].split())
    yield "", rf"({japanese}{one_of(found['japanese_given'])}{{1,2}}{one_of(found['japanese_ends'])})"
