"""Dialogue: of a call's transcript (通话转写) what the citizen says; what agents say is much the same in every call.

Who speaks and what agents say stands in `rules/dialogue.toml`.
"""

import re
from pathlib import Path
from typing import NamedTuple

from normalizers import rules
from normalizers.findings.words import trie

_PART = re.compile(r"(…)([0-9]*)|(\S+?)([?*+]?)(?:\s|$)")
_GAP = "12"
_STOP = "[,:。!?]?"
_NUMBER = "[0-9一二三四五六七八九零〇幺]{1,8}"


class Dialogue(NamedTuple):
    """What finds who speaks, and what agents say; made of one file of rules."""

    turn: re.Pattern[str]
    """Of an agent by its first group; of either."""

    call: re.Pattern[str]
    """What stands in every text that was heard in a call."""

    phrases: re.Pattern[str]
    """Of an agent; each may end where speech recognition put a stop."""


def without_phrases(folded: str, rules_folder: Path | None = None) -> str:
    """Return a folded text without what agents say in every call, if it is what was said in one."""
    known = rulebook(rules_folder)
    return known.phrases.sub("", folded) if known.call.search(folded) is not None else folded


def own_words(text: str, rules_folder: Path | None = None) -> str:
    """Return a text without the turns of an agent, and without the citizen's name before each of theirs.

    One in which not both of them speak stays as it is.
    """
    if ":" not in text and "：" not in text:
        return text
    turns = list(rulebook(rules_folder).turn.finditer(text))
    if len({turn[1] is None for turn in turns}) < 2:
        return text
    ends = [turn.start() for turn in turns[1:]] + [len(text)]
    said = [text[turn.end() : end] for turn, end in zip(turns, ends, strict=True) if turn[1] is None]
    return text[: turns[0].start()] + "".join(said)


@rules.of_files("dialogue.toml")
def rulebook(folder: Path | None = None) -> Dialogue:
    """Return what finds both by the city's own file, or ours."""
    found = rules.load("dialogue", folder)
    agents, citizens, calls = (trie(found[name].split()) for name in ("agents", "citizens", "calls"))
    return Dialogue(
        turn=re.compile(rf"(?:^|(?<=[\s。？！?!，,]))(?:({agents})|{citizens})[:：]", re.IGNORECASE),
        call=re.compile(calls),
        phrases=re.compile("|".join(map(_phrase, found["phrases"])) or "(?!)"),
    )


def _phrase(written: str) -> str:
    return "".join(map(_part, _PART.finditer(written)))


def _part(part: re.Match[str]) -> str:
    gap, most, words, how_often = part.groups()
    if gap:
        return f"[^,。!?]{{0,{most or _GAP}}}"
    told = "|".join(map(re.escape, sorted(words.split("|"), key=len, reverse=True)))
    return rf"(?:{told}){how_often}".replace(r"\~", _STOP).replace(r"\#", _NUMBER)
