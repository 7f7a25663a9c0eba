"""Names in what is written in English (I am Wang Xiaoming, Mr Smith), by the kinds of cues in `rules/names.toml`.

The text is folded, so no capital tells a name from a word: a name written by Pinyin is known by its syllables, another
by the cue, and by the word behind it that goes on.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from normalizers.findings.words import trie

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


def _by_pinyin(surname: str) -> str:
    return rf"(?:{surname} {GIVEN}|{SYLLABLE}{{1,2}} {surname}){ENDS}"
