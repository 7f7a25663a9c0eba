"""What the hotline does not take (不予受理): the reason a message tells, and what its sender is told."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from normalizers import rules
from normalizers.draft import Draft
from normalizers.findings.cues import Cues
from normalizers.findings.words import trie
from normalizers.identity import contacts_in
from normalizers.text import Span
from schemas import words
from schemas.records import Finding

NOT_ACCEPTED = "not_accepted"

MOST_LETTERS = 40
"""Of a text that says nothing, however often it is said: a longer one is somebody's words."""


class Rulebook(NamedTuple):
    """The rules, ready to be asked: cues of a reason and a level."""

    cues: Cues[tuple[str, str]]
    scores: dict[str, float]
    texts: dict[str, str]
    without_contact: bool
    least_letters: int
    nothing: re.Pattern[str]
    version: str


def not_accepted(draft: Draft, folded: str, rules_folder: Path | None = None) -> Finding | None:
    """Return the likeliest reason not to take a message; `folded` is its title and text. Spans are in its text."""
    known = rulebook(rules_folder)
    if known.cues.may_tell(folded) and (told := _told(draft, known)) is not None:
        return told
    if _says_nothing(draft, folded, known):
        return _finding("no_request_content", known.scores["sure"], None, known)
    if known.without_contact and _is_nobody(draft):
        return _finding("no_valid_contact", known.scores["sure"], None, known)
    return None


def text_for(reason: str | None, rules_folder: Path | None = None) -> str | None:
    """Return what the citizen is told (告知用语); None for a reason of a later version."""
    return rulebook(rules_folder).texts.get(reason or "")


def _told(draft: Draft, known: Rulebook) -> Finding | None:
    """Return the best reason; of equal ones the first that is told, rather with its place in the text."""
    best: tuple[tuple[float, bool], str, Span | None] | None = None
    for (reason, level), span in known.cues.evidence(draft.title, draft.text):
        rank = (known.scores[level], span is not None)
        if best is None or rank > best[0]:
            best = rank, reason, span
    return None if best is None else _finding(best[1], best[0][0], best[2], known)


def _says_nothing(draft: Draft, folded: str, known: Rulebook) -> bool:
    if draft.files or draft.part is not None:
        return False
    letters = "".join(islice(filter(str.isalnum, folded), MOST_LETTERS + 1))
    is_nothing = len(letters) <= MOST_LETTERS and known.nothing.fullmatch(letters) is not None
    return len(letters) < known.least_letters or is_nothing


def _is_nobody(draft: Draft) -> bool:
    reachable = draft.sender is not None and draft.sender.kind != "name"
    return not reachable and not any(True for _ in contacts_in(draft.text))


def _finding(reason: str, score: float, span: Span | None, known: Rulebook) -> Finding:
    return Finding(kind=NOT_ACCEPTED, value=reason, span=span, score=score, version=known.version)


@cache
def rulebook(folder: Path | None) -> Rulebook:
    """Return the rules of a folder, ours without one. Raises ValueError unless every reason has a text."""
    table: dict[str, Any] = rules.load("acceptance", folder)
    texts = {reason: one["text"] for reason, one in table["reasons"].items()}
    wrong = {*texts} ^ {*words.NOT_ACCEPTED} or {reason for reason, text in texts.items() if not text}
    if wrong:
        raise ValueError(f"every reason needs a text, and there is no other: {', '.join(sorted(wrong))}")
    return Rulebook(
        cues=Cues(_written(table["reasons"]), table["within"], table["not"], table.get("lists", {})),
        scores=table["scores"],
        texts=texts,
        without_contact=table["without_contact"],
        least_letters=table["least_letters"],
        nothing=re.compile(f"(?:{trie(table['nothing'])})+") if table["nothing"] else re.compile("(?!)"),
        version=table["version"],
    )


def _written(reasons: dict[str, Any]) -> Iterator[tuple[tuple[str, str], str]]:
    for reason, told in reasons.items():
        for level in ("sure", "likely"):
            yield from (((reason, level), cue) for cue in told.get(level, ()))
