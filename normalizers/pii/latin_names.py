"""Names written by sound in Latin letters (Li Wei, liwei) in a folded text, without a cue.

A surname and a given name of one or two syllables are believed beside a mobile number, behind a label, between words of
another script, and where an English sentence goes on as one about a person does.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from normalizers.rules import precompiled
from normalizers.text.fold import Span
from normalizers.text.matcher import trie

# Names in what is written in English (I am Wang Xiaoming, Mr Smith), by the kinds of cues in `rules/names.toml`.
#
# The text is folded, so no capital tells a name from a word: a name written by Pinyin is known by its syllables,
# another by the cue, and by the word behind it that goes on.

SYLLABLE = (
    "(?:(?:[bpmf]|[dtnl]|[gkh]|[jqx]|[zcs]h?|[ryw])?"
    "(?:iang|iong|uang|ang|eng|ing|ong|ian|iao|uai|uan|ai|an|ao|ei|en|er|ia|ie|in|iu|ou|ua|ue|ui|un|uo|ve|a|e|i|o|u|v))"
)
GIVEN = f"{SYLLABLE}(?:[-' ]?{SYLLABLE})?"
LETTER = "[a-zß-öø-ž]"
_WORD = f"{LETTER}{{2,20}}"
_PART = f"{LETTER}{{1,20}}(?:['’-]{LETTER}{{1,20}})?"
"""O'Brien, Müller, Jean-Luc."""

ENDS = "(?![a-z0-9'-])"


def after(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each kind of English cue and the pattern of what may stand behind it."""
    words, surnames = found["english"], found["english"]["pinyin_surnames"].split()
    pinyin = _by_pinyin(trie(surnames))
    sure = _by_pinyin(trie(set(surnames) - set(words["surnames_like_words"].split())))
    no_name = rf"(?!{trie(words['no_name'].split())}{ENDS})"
    name = rf"{no_name}{_WORD}(?: {no_name}{_WORD}){{0,2}}"
    goes_on = rf"(?: {no_name}{_WORD})?"
    yield (
        "introduces_in_english",
        rf"[\s:,]{{1,3}}(?:(?:mr|mrs|ms|miss|dr)\.? )?({sure}|{western(found)})"
        rf"|[\s:,]{{1,3}}({name}) (?:speaking|calling){ENDS}",
    )
    yield "labelled_in_english", rf"\s{{0,2}}(?:({pinyin})|({name})(?=[.,;\s]|$)|([\u4e00-\u9fff·]{{2,8}})(?=[,;\s]|$))"
    yield "titled_in_english", rf"(?:\.\s?|\s)({pinyin}|{no_name}{_WORD}{goes_on})"
    yield "calls_itself_in_english", rf"[\s:：,.!是为]{{0,4}}({name})(?=[.,;!\s]|$)"


def western(found: Mapping[str, Any], *, sure: bool = False) -> str:
    """Return the pattern of a name in Latin letters that begins with a foreigner's given name.

    Where it is `sure` that somebody is named, any two words are a name.
    """
    words = found["english"]
    no_name = rf"(?!{trie([*words['no_name'].split(), *words['tells'].split()])}{ENDS})"
    further = rf" {no_name}{_PART}{ENDS}"
    named = rf"{trie(words['given_names'].split())}{ENDS}(?:{further}(?:{further}(?=[.,;!()\s]|$))?)?"
    return rf"(?:{named}|{no_name}{_PART}(?:{further}){{1,2}})" if sure else rf"(?:{named})"


def _foreign(found: Mapping[str, Any]) -> str:
    words = found["english"]
    given = trie(words["given_names"].split())
    no_name = trie([*words["no_name"].split(), *words["tells"].split(), *words["no_surnames"].split()])
    further = rf" (?!{no_name}{ENDS}){_PART}{ENDS}"
    first = rf"(?!{no_name}{ENDS}){_PART}{ENDS} "
    titled = rf"(?!{no_name}{ENDS}){LETTER}{{2,20}}(?:{further}){{0,2}}(?= ?(?:先生|女士|小姐|老师|医生|同学)(?![a-z]))"
    return (
        rf"{given}(?:-{given})?{ENDS}{further}(?:{further}(?!\s?[a-z]))?"
        rf"|{first}(?:{first})?{given}{ENDS}(?!\s?[a-z])|{titled}"
    )


def _by_pinyin(surname: str) -> str:
    return rf"(?:{surname} {GIVEN}|{SYLLABLE}{{1,2}} {surname}){ENDS}"


_NEAR = 36
"""Characters before a number in which a name and what stands between may begin."""

_BEGINS = "(?<![a-z0-9@._/-])"
_LATIN_BEFORE = precompiled.pattern("[a-z0-9][ .'-]$")
_TWO_WORDS = precompiled.pattern(r"[a-z](?<![a-z0-9@._/-].)[a-z]{1,5}(?= [a-z])")
_GOES_ON = precompiled.pattern("[a-z] (?:[a-z]{2}|[先女小老医同])|[a-z](?:先生|女士|小姐)")
_LATIN_BEHIND = "(?![ .'-]{0,2}[a-z0-9])"


class PinyinNames(NamedTuple):
    """What finds them; made of one section of `rules/names.toml`."""

    before_phone: re.Pattern[str]
    behind_phone: re.Pattern[str]
    labelled: re.Pattern[str]
    alone: re.Pattern[str]
    """Between words of another script: Zhang Lei 反映路灯不亮."""

    tells: re.Pattern[str]
    """Of whom an English sentence tells: Zhou Min keeps dumping."""

    foreign: re.Pattern[str]
    """A foreigner's given name and one or two more words: 工程师Sergei Ivanchenko, Jean-Pierre Moreau."""

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "PinyinNames":
        """Make the patterns of the lists."""
        words = found["english"]
        every = words["pinyin_surnames"].split()
        sure = trie(set(every) - set(words["surnames_like_words"].split()))
        no_name = rf"(?!{trie([*words['no_name'].split(), *words['pinyin_words'].split('/')])}{ENDS})"
        joined = rf"{trie(every)}(?:{SYLLABLE}){{1,2}}{ENDS}"
        apart = rf"{trie(every)} {no_name}{GIVEN}{ENDS}|{SYLLABLE}{{1,2}} {trie(every)}{ENDS}"
        name = rf"{_BEGINS}{no_name}({apart}|{joined})"
        alone = rf"{sure} {no_name}{GIVEN}{ENDS}"
        between = r"[\s:,、(/-]{0,3}(?:(?:at|on|tel|phone|mobile|电话|手机|联系电话)[.: ]{0,3})?(?:\(?\+?86\)?[ -]?)?"
        return cls(
            before_phone=precompiled.pattern(rf"{name}{between}$"),
            behind_phone=precompiled.pattern(rf"[\s,、(/-]{{0,3}}{name}"),
            labelled=precompiled.pattern(rf"{trie(found['cues']['labelled'])}[\s:是为]{{1,3}}{name}"),
            alone=precompiled.pattern(rf"{no_name}({alone}){_LATIN_BEHIND}"),
            tells=precompiled.pattern(rf"{no_name}({alone})(?= {trie(words['tells'].split())}{ENDS})"),
            foreign=precompiled.pattern(rf"{_BEGINS}({_foreign(found)})"),
        )

    def spans(self, text: str, phones: re.Pattern[str]) -> Iterator[Span]:
        """Yield where such a name stands, in a text in which `phones` finds the mobile numbers."""
        yield from [found.span(1) for found in self.labelled.finditer(text)]
        if _GOES_ON.search(text):
            yield from [found.span(1) for found in self.foreign.finditer(text)]
        for first in _TWO_WORDS.finditer(text):
            start = first.start()
            is_latin = _LATIN_BEFORE.search(text, max(0, start - 2), start) is not None
            if named := self.tells.match(text, start) or (None if is_latin else self.alone.match(text, start)):
                yield named.span(1)
        for phone in phones.finditer(text):
            start, end = phone.span()
            for named in (
                self.before_phone.search(text, max(0, start - _NEAR), start),
                self.behind_phone.match(text, end),
            ):
                if named:
                    yield named.span(1)
