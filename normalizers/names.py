"""Names of persons (姓名) in a folded text, by what stands before or behind them, as `rules/names.toml` lists it.

Behind a cue (我叫, 联系人：), before a form of address (先生), below a letter. What follows some cues is no name, but
an account or the number of a document. Third persons are found by `normalizers/persons.py`.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from normalizers import rules
from normalizers.findings.words import trie

Span = tuple[int, int]

_HAN = r"[\u4e00-\u9fff]"
_PUNCTUATION = r"""[,，。.;；、:：!！?？\s()（）"“”'0-9+]"""
_ENDS = rf"(?={_PUNCTUATION}|$)"
_NO_PLACE = "(?<![区县市镇乡村街路巷校厂店站司局院园里号楼边旁口道桥])"
_RELATIVE = "[妈爸父母儿女孩丈妻老邻朋同家哥姐弟妹爷奶外]"
_FILLER = r"[:：是为叫\s]{0,3}"
_FOREIGN_NAME = rf"{_HAN}{{2,8}}·{_HAN}{{1,8}}|[a-z]{{2,20}}(?: [a-z]{{2,20}})?"

_ACCOUNTS: Mapping[str, str] = {
    "qq": r"[号码群:：是为\s]{0,4}([1-9][0-9]{4,11})",
    "wechat": r"(?:\s?(?:号码?|id|同号))?[:：是为\s]{0,3}([a-z][a-z0-9_-]{5,19}|[0-9][0-9a-z_-]{5,19})",
    "v": r"(?<![a-z0-9]v:)\s?([a-z][a-z0-9_-]{5,19})",
    "document": r"[号码证:：是为\s]{0,5}([a-z]{0,3}[0-9]{6,10}[a-z]?)",
}
"""What follows a cue that is an account's or a document's."""

_HOME = re.compile(
    "家(?<!大家|回家|国家|专家|商家|住家|厂家|每家|一家|人家|全家|独家|自家|我家|店家|买家|卖家|居家|在家|到家|搬家)"
    r"(?=里|中|门|[^\u4e00-\u9fff]|$)"
)
_TAIL = 60


class Names(NamedTuple):
    """What finds names; made of one file of rules."""

    cue: re.Pattern[str]
    after: Mapping[str, re.Pattern[str]]
    """What may stand behind each cue; its last group is the name."""

    address: re.Pattern[str]
    polite: frozenset[str]
    named: re.Pattern[str]
    addressed: re.Pattern[str]
    owner: re.Pattern[str]
    last_line: re.Pattern[str]

    def spans(self, text: str) -> Iterator[Span]:
        """Yield where somebody is named in a folded text; spans may overlap."""
        for cue in self.cue.finditer(text):
            match = self.after[cue[0]].match(text, cue.end())
            if match:
                yield match.span(match.lastindex or 0)
        for form in self.address.finditer(text):
            yield from _before(self.addressed if form[0] in self.polite else self.named, text, form.start(), 3)
        if "家" in text:
            for home in _HOME.finditer(text):
                yield from _before(self.owner, text, home.start(), 5)
        last = self.last_line.search(text, max(0, len(text) - _TAIL))
        if last:
            yield last.span(1)


def _before(pattern: re.Pattern[str], text: str, end: int, characters: int) -> Iterator[Span]:
    start = max(0, end - characters)
    named = pattern.search(text[start:end])
    if named:
        yield start + named.start(), end


@cache
def rulebook(folder: Path | None = None) -> Names:
    """Return what finds names by the city's own file, or ours; raises KeyError or TypeError for no such file."""
    found = rules.load("names", folder)
    surnames = _Surnames.of(found)
    patterns = {name: re.compile(pattern) for name, pattern in (*_ACCOUNTS.items(), *_after(surnames))}
    after = {word: patterns[name] for name, words in found["cues"].items() for word in words.split()}
    polite, others = (found["addressed"][name].split() for name in ("polite", "others"))
    return Names(
        cue=re.compile(trie(after)),
        after=after,
        address=re.compile(trie([*polite, *others])),
        polite=frozenset(polite),
        named=re.compile(rf"(?!向$){surnames.common}{_HAN}{{0,2}}$"),
        addressed=re.compile(rf"(?:{surnames.two}|{surnames.one}){_HAN}{{0,2}}$"),
        owner=re.compile(rf"(?:^|(?<={_PUNCTUATION}))({surnames.name})$"),
        last_line=re.compile(
            rf"(?:[\s。!]|(?<![a-z0-9\u4e00-\u9fff])--)({surnames.name}){_NO_PLACE}\s*[\s0-9年月日时分:：.,/()-]*$"
        ),
    )


class _Surnames(NamedTuple):
    """Patterns of a surname, and of whole names: one that is likely, one behind a surer cue."""

    common: str
    one: str
    two: str
    words: str
    name: str
    any_name: str

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "_Surnames":
        common, others = found["common_surnames"], found["other_surnames"]
        one, two = f"[{common}{others}]", trie(found["two_surnames"].split())
        words = f"(?!{trie(found['words'].split())})" if found["words"].split() else ""
        return cls(
            common=f"[{common}]",
            one=one,
            two=two,
            words=words,
            name=rf"{words}(?:{two}{_HAN}{{1,2}}|[{common}] ?{_HAN}{{1,2}})",
            any_name=rf"(?:{two}{_HAN}{{1,2}}|{one} ?{_HAN}{{1,2}})",
        )


def _after(known: _Surnames) -> Iterator[tuple[str, str]]:
    """Yield what stands behind the cues of each kind in the file."""
    name, any_name = known.name, known.any_name
    yield (
        "calls_itself",
        (
            rf"{_FILLER}(?:({_FOREIGN_NAME})|({any_name})(?={_PUNCTUATION}|[电手联住家在的是系反称]|$)"
            rf"|(?![了他她它你您过来去上不人])({_HAN}{{2,4}}){_ENDS}|({any_name}))"
        ),
    )
    yield (
        "labelled",
        (
            rf"\s?[:：]\s?(?:({_FOREIGN_NAME})|({any_name})(?={_PUNCTUATION}|[电手联住家在]|$)|({name}))"
            rf"|[是为\s]{{0,2}}({name}){_NO_PLACE}(?={_PUNCTUATION}|[电手联住家系是]|$)"
        ),
    )
    yield "named_as", rf"[:是为\s]{{0,3}}{known.words}({any_name}){_NO_PLACE}{_ENDS}"
    yield "is", rf"[:：是为\s]{{0,3}}({name}){_NO_PLACE}(?={_PUNCTUATION}|[电手联住家系是]|$|的{_RELATIVE})"
    yield "says", rf"(?!方)({name})(?=反映|投诉|来电|来信|致电|求助|举报|表示|称|说)"
    yield "is_called", rf"({any_name})(?={_PUNCTUATION}|的|$)"
    yield "signs", rf"[!！。.,，~\s]{{0,4}}({any_name}){_NO_PLACE}{_ENDS}"
    yield "signs_after_thanks", rf"[!！。.~\s]{{1,4}}({name}){_NO_PLACE}(?=[\s0-9]|$)"
    yield "surnamed", rf"({known.one})(?![名氏])"
