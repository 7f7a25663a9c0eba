"""Footers: who signs for an office, how to reach them, and what a mail says of itself (此邮件仅供收件人…).

They stand below every letter of an office and tell nothing of its matter: two letters are not compared by them. No word
goes from the text. Where somebody lives may be where it happens: an address is one of a footer only in an office's.
What stands above may be a word or two (停水) and the place stand in what looks like a footer: then two letters have a
ticket each. The words are those of `rules/footers.toml`, surnames those of `rules/names.toml`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from normalizers.pii.name_patterns import HAN
from normalizers.rules import DEFAULT_RULES, Rules, part, precompiled
from normalizers.text import quote_patterns
from normalizers.text.fold import nfkc
from normalizers.text.matcher import trie

# Dialogue: of a call's transcript (通话转写) what the citizen says; what agents say is much the same in every call.
#
# Who speaks and what agents say stands in `rules/dialogue.toml`.

_PART = re.compile(r"(…)([0-9]*)|(\S+?)([?*+]?)(?:\s|$)")
_GAP = "12"
_STOP = "[,:。!?]?"
_DIALOGUE_NUMBER = "[0-9一二三四五六七八九零〇幺]{1,8}"


class Dialogue(NamedTuple):
    """What finds who speaks, and what agents say; made of one file of rules."""

    turn: re.Pattern[str]
    """Of an agent by its first group; of either."""

    call: re.Pattern[str]
    """What stands in every text that was heard in a call."""

    phrases: re.Pattern[str]
    """Of an agent; each may end where speech recognition put a stop."""


def without_phrases(folded: str, rules: Rules = DEFAULT_RULES) -> str:
    """Return a folded text without what agents say in every call, if it is what was said in one."""
    known = dialogue_rulebook(rules)
    return known.phrases.sub("", folded) if known.call.search(folded) is not None else folded


def own_words(text: str, rules: Rules = DEFAULT_RULES) -> str:
    """Return a text without the turns of an agent, and without the citizen's name before each of theirs.

    One in which not both of them speak stays as it is.
    """
    if ":" not in text and "：" not in text:
        return text
    turns = list(dialogue_rulebook(rules).turn.finditer(text))
    if len({turn[1] is None for turn in turns}) < 2:
        return text
    ends = [turn.start() for turn in turns[1:]] + [len(text)]
    said = [text[turn.end() : end] for turn, end in zip(turns, ends, strict=True) if turn[1] is None]
    return text[: turns[0].start()] + "".join(said)


@part("dialogue.toml")
def dialogue_rulebook(rules: Rules = DEFAULT_RULES) -> Dialogue:
    """Return what finds both by the city's own file, or ours."""
    found = rules.toml("dialogue")
    agents, citizens, calls = (trie(found[name].split()) for name in ("agents", "citizens", "calls"))
    return Dialogue(
        turn=precompiled.pattern(rf"(?:^|(?<=[\s。？！?!，,]))(?:({agents})|{citizens})[:：]", re.IGNORECASE),
        call=precompiled.pattern(calls),
        phrases=precompiled.pattern("|".join(map(_phrase, found["phrases"])) or "(?!)"),
    )


def _phrase(written: str) -> str:
    return "".join(map(_part, _PART.finditer(written)))


def _part(part: re.Match[str]) -> str:
    gap, most, words, how_often = part.groups()
    if gap:
        return f"[^,。!?]{{0,{most or _GAP}}}"
    told = "|".join(map(re.escape, sorted(words.split("|"), key=len, reverse=True)))
    return rf"(?:{told}){how_often}".replace(r"\~", _STOP).replace(r"\#", _DIALOGUE_NUMBER)


_DRAWN = r"[-_—=*~|+·\s]*"
_REACHES = r"[^。!?;,:]{0,30}?(?:[0-9]{5}|@|www\.)[^。!?;]{0,60}"
_NUMBER = r"[+0-9][0-9 ()/、-]{6,40}|[\w.+-]+@[\w.-]+"


class Footers(NamedTuple):
    """What finds them; made of one file of rules."""

    lines: int
    may_be: re.Pattern[str]
    """What stands in every text that has one."""

    notice: re.Pattern[str]
    made: re.Pattern[str]
    """What a client puts around a signature."""

    device: re.Pattern[str]

    name: re.Pattern[str]
    own: re.Pattern[str]
    """How anybody is reached, or named."""

    offices: re.Pattern[str]
    address: re.Pattern[str]
    body: re.Pattern[str]
    """The name of an office."""


class _Line(NamedTuple):
    """Whether a line may be of a footer, by whether it tells how to reach somebody, and whether that is an office."""

    is_footer: bool
    reaches: bool = False
    is_office: bool = False


def without_footer(text: str, rules: Rules = DEFAULT_RULES) -> str:
    """Return a text without what stands below it as a footer; all of it where nothing else is there."""
    return _split(text, rulebook(rules))[0]


def without_office(text: str, rules: Rules = DEFAULT_RULES) -> str:
    """Return a text without a footer that is an office's: how to reach that tells nothing of who asks."""
    body, is_office = _split(text, rulebook(rules))
    return body if is_office else text


def _split(text: str, known: Footers) -> tuple[str, bool]:
    if "\n" not in text or known.may_be.search(text) is None:
        return text, False
    lines = text.split("\n")
    first, end, is_office = max(1, len(lines) - known.lines), len(lines), False
    while end > first:
        block = [nfkc(line).strip() for line in lines[_start(lines, first, end) : end]]
        told = [_line(line, known) for line in block]
        if known.notice.match(block[0]):
            size, is_office = len(block), True
        else:
            is_office = is_office or any(one.is_office for one in told)
            size = _size(block, told, known, is_office=is_office)
        end -= size
        if size < len(block):
            break
    body = "\n".join(lines[:end]).rstrip()
    return (body, is_office) if end < len(lines) and any(map(str.isalnum, body)) else (text, False)


def _start(lines: list[str], first: int, end: int) -> int:
    """Return where the last paragraph begins, with the blank lines below it."""
    at = end - 1
    while at > first and not lines[at].strip():
        at -= 1
    while at > first and lines[at - 1].strip():
        at -= 1
    return at


def _line(line: str, known: Footers) -> _Line:
    if _is_made(line, known):
        return _Line(is_footer=True)
    if known.offices.fullmatch(line):
        return _Line(is_footer=True, reaches=True, is_office=True)
    if known.body.fullmatch(line):
        return _Line(is_footer=True, is_office=True)
    reaches = known.own.fullmatch(line) is not None
    return _Line(is_footer=reaches, reaches=reaches)


def _is_made(line: str, known: Footers) -> bool:
    return known.made.fullmatch(line) is not None or known.device.match(line) is not None


def _size(block: list[str], told: list[_Line], known: Footers, *, is_office: bool) -> int:
    """Return how many of a paragraph's last lines are a footer: all with a name in it, or those that surely are."""
    fits = [
        one.is_footer or (is_office and known.address.fullmatch(line) is not None)
        for line, one in zip(block, told, strict=True)
    ]
    if not any(one.reaches for one in told):
        return len(block) if all(_is_made(line, known) for line in block) else 0
    if all(fit or known.name.fullmatch(line) for line, fit in zip(block, fits, strict=True)):
        return len(block)
    size = next(number for number, fit in enumerate(reversed(fits)) if not fit)
    return size if any(one.reaches for one in told[len(told) - size :]) else 0


@part("footers.toml", "names.toml", "quotes.toml")
def rulebook(rules: Rules = DEFAULT_RULES) -> Footers:
    """Return what finds footers by the city's own files, or ours."""
    found = rules.toml("footers")
    surnames = rules.toml("names")["common_surnames"]
    patterns = {name: precompiled.pattern(one, re.IGNORECASE) for name, one in _patterns(found, surnames)}
    return Footers(lines=found["lines"], device=quote_patterns.rulebook(rules).device, **patterns)


def _patterns(found: Mapping[str, Any], surnames: str) -> Iterator[tuple[str, str]]:
    words = {name: trie(one.split()) for name, one in found.items() if isinstance(one, str)}
    notices = {name: trie(one.split()) for name, one in found["notices"].items()}
    named = rf"[{surnames}]{HAN}{{1,2}}(?:[ /|,]{{0,3}}{HAN}{{0,4}}{words['titles_end']})?"
    yield "may_be", rf"@|[0-9０-９]{{7}}|{words['known_by']}"
    yield "notice", "|".join(_notices(**notices))
    yield "made", rf"{words['signatures']}(?::?|由.{{1,20}}{words['made']})|{_DRAWN}"
    yield "name", named
    yield (
        "own",
        (
            rf"{words['own_labels']}[: /]{{0,3}}{_REACHES}|{words['person_labels']}[: ]{{1,3}}[^。!?;,0-9]{{2,20}}"
            rf"|{named}[ :(/|,]{{1,3}}\+?[0-9][0-9 ()-]{{6,20}}|{_NUMBER}"
        ),
    )
    yield "offices", rf"{words['office_labels']}[: /.]{{0,3}}{_REACHES}|(?:https?://|www\.)\S+"
    yield (
        "address",
        (
            rf"{words['address_labels']}[: ]{{1,3}}[^。!?;,]{{4,60}}"
            rf"|{words['address_labels_in_english']}[: .]{{1,3}}.{{4,80}}"
        ),
    )
    yield (
        "body",
        (
            rf"(?!.{{0,8}}{words['no_offices']})[\u4e00-\u9fff()]{{2,24}}{words['offices_end']}"
            rf"(?:[ /|,]{{1,3}}{named})?"
        ),
    )


def _notices(
    headings: str, headed: str, mails: str, are: str, astray: str, addressed: str, environment: str
) -> Iterator[str]:
    """Yield how a notice begins."""
    yield rf"[【\[(*]*{headed}?{headings}"
    yield rf"[此本该][封份]?{mails}[^。]{{0,40}}?{are}"
    yield rf"(?:如果?|若)?[您你]?{astray}[^。]{{0,20}}{addressed}"
    yield rf".{{0,6}}打印[本此该]?{mails}|请.{{0,6}}{environment}"
    yield rf"th(?:is|e information (?:contained )?in this) {mails}[^.]{{0,120}}{are}"


# Greetings: what stands before the matter in a message without a title, and is none of it (您好, 转发, 来电人反映).
#
# The same text is passed on under another greeting; so its head begins behind it. What a first line is, and how a
# letter begins behind its greeting, is told here as well.

_PAUSE = r"[,，.。!?~:;、\s]"
_MOST = 3
"""So many of them stand one behind the other: 【转发】尊敬的领导:您好!"""


LETTER_CHARACTERS, OPENING_LETTERS = 60, 12
"""Shorter texts have no opening, and so many letters are one."""

_NO_LETTERS = re.compile(r"[\W_]+")


class Greetings(NamedTuple):
    """The lists of `matters.toml`, ready to be asked."""

    greeting: re.Pattern[str]
    """All that a folded text greets with."""
    heading: re.Pattern[str]
    """A first line that nobody is greeted in: what an SMS or a chat has in place of a title."""
    says_who: re.Pattern[str]
    """Whoever writes says so in a letter's opening, where it does not tell of the matter itself."""


def greetings_in(table: Mapping[str, Any]) -> Greetings:
    """Return the lists of a folder's `matters.toml`."""
    greeted = rf"{trie(table['no_heading'].split())}|.{{0,10}}[您你]好"
    return Greetings(
        greeting=_greeting(table),
        heading=precompiled.pattern(rf"\s*((?!{greeted})[^\n]{{4,60}}?(?<![\s,，。:：;；!！?？、…]))[ \t\r]*\n\s*\S"),
        says_who=precompiled.pattern(trie(table["says_who"].split())),
    )


def behind_greeting(text: str, lists: Greetings) -> str:
    """Return a folded text without what it greets with."""
    greeting = lists.greeting.match(text)
    return text[greeting.end() :] if greeting is not None else text


def opening(text: str, most: int, lists: Greetings) -> tuple[str, str]:
    """Return with which letters a letter's text begins, where they say who writes, and what comes behind, of `most`."""
    text = behind_greeting(text, lists)[:most]
    letters = _NO_LETTERS.sub("", text[: 2 * OPENING_LETTERS])[:OPENING_LETTERS]
    is_one = len(text) >= LETTER_CHARACTERS and lists.says_who.search(letters) is not None
    return (letters, text[2 * OPENING_LETTERS :]) if is_one else ("", "")


def _greeting(table: Mapping[str, Any]) -> re.Pattern[str]:
    names = ("greeted", "hello", "passed_on", "on_behalf")
    whom, hello, passed_on, for_whom = (trie(table[name].split()) for name in names)
    greeted = rf"(?:(?:(?:尊敬|敬爱|亲爱)的?|各位)[^,。!?;:]{{0,4}}?)?{whom}们?{_PAUSE}*(?:{hello}|(?={_PAUSE}))"
    told = rf"(?:{for_whom}){{0,3}}(?:{passed_on}[^,。!?;:]{{0,4}}|转)[:】\]]"
    return precompiled.pattern(rf"(?:[【\[(]?(?:{told}|{greeted}|{hello}(?={_PAUSE})){_PAUSE}*){{0,{_MOST}}}")
