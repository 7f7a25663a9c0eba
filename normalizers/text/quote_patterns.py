"""What mail clients put before the text that they repeat, and below what people write, by `rules/quotes.toml`."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from normalizers.rules import DEFAULT_RULES, Rules, part, precompiled
from normalizers.text.matcher import trie

MAX_OPENING = 400
"""Characters of one opening, however it is wrapped."""

MAX_HEADER_LINES = 12
SIGNATURE_WITHIN = 20
"""Lines from the end in which a signature is looked for."""

MAX_SIGNATURE_LINES = 6
MAX_SIGNATURE = 200
"""Characters of a signature; what says more is the matter itself, below a line somebody drew."""

QUOTED = precompiled.pattern(r"^[ \t\xa0]*[>＞]")
"""A line that is quoted by its first character."""

DELIMITER = precompiled.pattern(r"^--[ \xa0]?$|^－－$")
PROSE = precompiled.pattern(
    r"[。！？；，…]|[!?](?!\S)|[\u4e00-\u9fff],|[\u4e00-\u9fff][^\n]{29}|[^\n]{29}[\u4e00-\u9fff]|[^\n]{60}"
)
"""What stands in a sentence, not in a name, a number or an address."""

LINE = precompiled.pattern(r"^[ \t]*[-_—=*]{5,}[ \t]*$")
"""A drawn line, as Outlook puts above a repeated header."""

ADDRESS = precompiled.pattern(r"^[ \t\xa0]*[\w.+-]{1,64}@[\w.-]{1,253}[ \t\xa0]*$")
"""The writer's own address alone, as Foxmail puts above one."""

RULE = precompiled.pattern(r"^[-_—=*]{2,}\s*$|^\s*$")

_ADDRESSED = r"<[^<>\s]+@[^<>\s]+>"
_DATED = precompiled.pattern(r"\d.*[A-Za-z]{3}|[A-Za-z]{3}.*\d|\d{1,2}[:：.]\d{2}|@")
_TIMED = precompiled.pattern(r"\d{1,2}[:：]\d{2}|@")
_GAP = precompiled.pattern(r"…(\d*)")


class Marks(NamedTuple):
    """What finds them; made of one file of rules."""

    forward: re.Pattern[str]
    forward_subject: re.Pattern[str]
    separator: re.Pattern[str]
    may_attribute: re.Pattern[str]
    """A cheap look at a first line, so that ordinary ones cost no more."""

    attribution: re.Pattern[str]
    named: re.Pattern[str]
    in_chinese: re.Pattern[str]
    header: re.Pattern[str]
    may_open: re.Pattern[str]
    """A look at any line, so that those that open nothing cost no more."""

    device: re.Pattern[str]
    """A line that a device writes, not a person."""

    def is_attribution(self, text: str, quoted_below: bool) -> bool:
        """Say whether `text` announces a quotation.

        A client names a time of day or an address; "他在信中写道：" is a citizen's own sentence, unless lines with ">"
        follow.
        """
        if self.attribution.match(text) and (_TIMED if self.in_chinese.search(text) else _DATED).search(text):
            return True
        return quoted_below and self.named.match(text) is not None

    def header_kind(self, line: str) -> str | None:
        """Return which field of a repeated header a line is: from, date, to, cc, subject or other."""
        match = self.header.match(line.replace("\u3000", "")) if len(line) <= 2_000 else None
        return match.lastgroup if match else None


@part("quotes.toml")
def rulebook(rules: Rules = DEFAULT_RULES) -> Marks:
    """Return what finds quotations by the city's own file, or ours."""
    found = rules.toml("quotes")
    return Marks(**{name: precompiled.pattern(one, re.IGNORECASE) for name, one in _patterns(found)})


def _patterns(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    words = {name: trie(one) for name, one in found.items() if isinstance(one, list)}
    begins, named, han = words["begins"], words["wrote_by_name"], trie(filter(_is_chinese, found["wrote"]))
    yield (
        "forward",
        (
            rf"^[ \t>]*[-_=]{{2,}}[ \t]*{words['forwarded']}|^[ \t]*{words['forwarded_alone']}"
            rf"|^[ \t]*{words['forwarded_alone_with_a_colon']}[:：]"
        ),
    )
    yield "forward_subject", rf"^\s*{words['forwarded_subjects']}\s*[:：]|^\s*\[fwd:"
    yield (
        "separator",
        (
            rf"^[ \t]*(?:[-_=*]{{2,}}[ \t\xa0]*{words['originals']}[ \t\xa0]*[-_=*]{{0,}}[ \t]*$"
            rf"|[-_=]{{2,}}[ \t]*On .{{3,120}} wrote[ \t]*[-_=]{{2,}}"
            rf"|[-_=]{{2,}}[ \t]*.{{1,80}} {named}[ \t]*[:：]?[ \t]*[-_=]{{2,}}[ \t]*$"
            r"|在原始邮件中.{0,80}[:：]$)"
        ),
    )
    may_attribute = (
        rf"^[ \t>-]*(?:{begins}|\d|[-_]{{2,}}|在|于|星期|周|Sent from)|@|{words['wrote_at_sight']}|[12]\d{{3}}年"
    )
    yield "may_attribute", may_attribute
    yield "attribution", rf"^[- \t]*(?:{'|'.join(_attributions(begins, words['wrote'], han, named))})[ \t\xa0]*$"
    yield "named", rf"^.{{1,80}}(?:{named}|{words['wrote_above_quoted']})[ \t]*[:：]$"
    yield "in_chinese", han
    kinds = "|".join(f"(?P<{kind}>{trie(labels)})" for kind, labels in found["headers"].items())
    header = rf"^[ \t\xa0>＞*|]*(?:{kinds})[ \t\xa0*]*[:：]"
    yield "header", header
    yield "may_open", rf"{may_attribute}|^[ \t]*[-_=*—]{{2}}|{header}"
    yield "device", rf"^(?:[\[(（<【]?(?:{'|'.join(_devices(**found['devices']))})[\])）>】]?(?:\s*<https?://\S+>)?)$"


def _attributions(begins: str, wrote: str, han: str, named: str) -> Iterator[str]:
    yield rf"{begins}\b.{{3,300}}?\b{wrote}(?:[ \t].{{0,80}})?[ \t]*[:：]"
    yield r"(?:On|Am)\b.{3,300}\b(?:wrote|schrieb)[^\w]{0,6}"
    yield rf"[在于]?[ \t]*(?:\d|星期|周).{{2,300}}?{wrote}[ \t]*[:：,，]?"
    yield rf".{{1,120}}(?:于|在)[ \t]*\d{{4}}[-/年].{{0,120}}{han}[ \t]*[:：]?"
    yield rf"\d{{4}}[-/.年]\d{{1,2}}[-/.月]\d{{1,2}}日?[ \t].{{0,80}}{_ADDRESSED}[:：]?"
    yield rf".{{0,40}}\d.{{3,200}}\d{{1,2}}:\d{{2}}.{{0,150}}{_ADDRESSED}[ \t]*[:：]"
    yield rf"Sent from Samsung .{{0,80}}{_ADDRESSED} wrote:"
    yield rf"\S.{{0,80}}{_ADDRESSED}[ \t]*{named}[ \t]*[:：]"


def _devices(lines: Iterable[str], sent_from: Iterable[str]) -> Iterator[str]:
    yield rf"sent (?:from|via|with|using) {trie(sent_from)}\b.{{0,70}}"
    for line in lines:
        words = _GAP.split(line)
        gaps = (f".{{0,{most or 30}}}" for most in words[1::2])
        yield "".join(word + gap for word, gap in zip(map(re.escape, words[::2]), [*gaps, ""], strict=True))


def _is_chinese(word: str) -> bool:
    return re.fullmatch("[\u4e00-\u9fff]+", word) is not None
