"""What the hotline does not take (不予受理): the reason a message tells, and what its sender is told."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from normalizers.base import Draft
from normalizers.parse.contacts import contacts_in
from normalizers.rules import DEFAULT_RULES, Rules, part, precompiled, shares
from normalizers.text import classifier
from normalizers.text.classifier import TextClassifier
from normalizers.text.fold import Span, aligned, fold, sources
from normalizers.text.matcher import Words, cover, trie
from normalizers.text.phrase_patterns import Cues
from normalizers.text.spans import NOWHERE, At, placed
from normalizers.text.weights import Sentence, logistic_regression
from schemas import enums
from schemas.records import Finding

NOT_ACCEPTED = "not_accepted"


class Rulebook(NamedTuple):
    """The rules, ready to be asked: cues of a reason and a level, and what hears one where no cue tells it.

    A reason is heard only where one of its words (`about`, all of them in one list) stands and none of `unless`, and as
    loud as `least`. None of `but_asked` is told by a short message that `asks`. What a cue tells in a long message that
    is not as loud as `doubted` is told in passing.
    """

    cues: Cues[tuple[str, str]]
    about: Words
    reasons: tuple[frozenset[str], ...]
    """Of each word of `about`, by its number."""

    unless: dict[str, Words]
    asks: Words
    but_asked: frozenset[str]
    hearing: TextClassifier
    least: float
    doubted: float
    scores: Mapping[str, float]
    lengths: Mapping[str, int]
    texts: dict[str, str]
    without_contact: bool
    least_letters: int
    nothing: re.Pattern[str]
    version: str


def not_accepted(draft: Draft, folded: str, rules: Rules = DEFAULT_RULES) -> Finding | None:
    """Return the likeliest reason not to take a message; `folded` is its title and text."""
    known = rulebook(rules)
    told = _told(draft, folded, known) or _heard(draft, folded, known)
    if told is not None and not _only_asks(told.value, folded, known):
        return told
    if _says_nothing(draft, folded, known):
        return _finding("no_request_content", known.scores["sure"], NOWHERE, known)
    if known.without_contact and _is_nobody(draft):
        return _finding("no_valid_contact", known.scores["sure"], NOWHERE, known)
    return None


def text_for(reason: str | None, rules: Rules = DEFAULT_RULES) -> str | None:
    """Return what the citizen is told (告知用语); None for a reason of a later version."""
    return rulebook(rules).texts.get(reason or "")


def _told(draft: Draft, folded: str, known: Rulebook) -> Finding | None:
    """Return what cues tell; None where a long message, which sounds like nothing of the kind, tells it in passing."""
    if not known.cues.may_tell(folded):
        return None
    told = _best(draft, known)
    in_passing = (
        told is not None
        and len(folded) > known.lengths["in_passing"]
        and known.hearing.loudness(folded) < known.doubted
    )
    return None if in_passing else told


def _best(draft: Draft, known: Rulebook) -> Finding | None:
    """Return the best reason; of equal ones the first that is told, rather in the text."""
    best: tuple[tuple[float, bool], str, At] | None = None
    for (reason, level), at in known.cues.evidence(draft.title, draft.text):
        rank = (known.scores[level], at.text is not None)
        if best is None or rank > best[0]:
            best = rank, reason, at
    return None if best is None else _finding(best[1], best[0][0], best[2], known)


def _only_asks(reason: str, folded: str, known: Rulebook) -> bool:
    return reason in known.but_asked and len(folded) <= known.lengths["question"] and known.asks.occur(folded)


def _heard(draft: Draft, folded: str, known: Rulebook) -> Finding | None:
    """Return the reason that a message sounds like, with the clause that says most of it."""
    plain = known.cues.covered.sub(cover, folded)
    reasons = frozenset().union(*(known.reasons[number] for number, _, _ in known.about.matches(plain)))
    if not reasons or known.hearing.loudness(plain) < known.least:
        return None
    reason = known.hearing.label_of_message(plain)
    if reason not in reasons or (reason in known.unless and known.unless[reason].occur(plain)):
        return None
    score, version = known.scores["heard"], known.version
    heard = Finding(kind=NOT_ACCEPTED, value=reason, score=score, source="model", version=version)
    return placed(heard, _clause(draft, known))


def _clause(draft: Draft, known: Rulebook) -> At:
    """Return where the clause stands that says most of it."""
    in_text, in_title = _loudest(draft.text, known), _loudest(draft.title or "", known)
    if in_title is not None and (in_text is None or in_title[0] > in_text[0]):
        return At(title=in_title[1])
    return NOWHERE if in_text is None else At(text=in_text[1])


def _loudest(text: str, known: Rulebook) -> tuple[float, Span] | None:
    plain, offsets = aligned(text)
    if (found := known.hearing.loudest_clause(plain)) is None:
        return None
    loudness, (start, end) = found
    return loudness, (offsets[start], offsets[end - 1] + 1)


def _says_nothing(draft: Draft, folded: str, known: Rulebook) -> bool:
    if draft.files or draft.part is not None:
        return False
    most = known.lengths["nothing"]
    letters = "".join(islice(filter(str.isalnum, folded), most + 1))
    is_nothing = len(letters) <= most and known.nothing.fullmatch(letters) is not None
    return len(letters) < known.least_letters or is_nothing


def _is_nobody(draft: Draft) -> bool:
    reachable = draft.sender is not None and draft.sender.kind != "name"
    return not reachable and not any(True for _ in contacts_in(draft.text))


def _finding(reason: str, score: float, at: At, known: Rulebook) -> Finding:
    return placed(Finding(kind=NOT_ACCEPTED, value=reason, score=score, version=known.version), at)


@part("acceptance.toml", "acceptance_heard.tsv", "heard.tsv", "ordinary.tsv")
def rulebook(rules: Rules) -> Rulebook:
    """Compile the rules. Raises ValueError for a wrong score, a reason without text."""
    table: dict[str, Any] = rules.toml("acceptance")
    texts = {reason: one["text"] for reason, one in table["reasons"].items()}
    wrong = {*texts} ^ {*enums.NOT_ACCEPTED} or {reason for reason, text in texts.items() if not text}
    if wrong:
        raise ValueError(f"every reason needs a text, and there is no other: {', '.join(sorted(wrong))}")
    hearing = table["hearing"]
    beside = [f"{place}{word}" for place in table["beside"]["of"] for word in table["beside"]["words"]]
    if strange := {*hearing["about"], *hearing["unless"], *hearing["but_asked"]} - {*enums.NOT_ACCEPTED}:
        raise ValueError(f"there is no reason {', '.join(sorted(strange))}")
    about = Words(word for said in hearing["about"].values() for word in said)
    unless = {reason: Words(said) for reason, said in hearing["unless"].items() if said}
    return Rulebook(
        about=about,
        reasons=tuple(
            frozenset(reason for reason, said in hearing["about"].items() if word in said) for word in about.sorted
        ),
        unless=unless,
        asks=Words(hearing["asks"]),
        but_asked=frozenset(hearing["but_asked"]),
        hearing=TextClassifier.fitted(logistic_regression, _sentences(about, rules), hearing["among"]),
        least=hearing["least"],
        doubted=hearing["doubted"],
        cues=Cues(_written(table["reasons"]), table["within"], (*table["not"], *beside), table.get("lists", {})),
        scores=shares(table["scores"]),
        lengths=table["lengths"],
        texts=texts,
        without_contact=table["without_contact"],
        least_letters=table["least_letters"],
        nothing=precompiled.pattern(f"(?:{trie(table['nothing'])})+" if table["nothing"] else "(?!)"),
        version=table["version"],
    )


def _sentences(about: Words, rules: Rules) -> list[Sentence]:
    """Return the sentences by which reasons are heard: of ordinary letters those with one of the words."""
    known = classifier.sentences("acceptance", enums.NOT_ACCEPTED, rules)
    source = repr((about.sorted, [one.text for one in known if not one.labels]))
    told = precompiled.remembered(
        f"ordinary sentences {precompiled.digest_of(__file__)} {sources()}",
        source,
        lambda: frozenset(one.text for one in known if not one.labels and about.occur(fold(one.text))),
    )
    return [one for one in known if one.labels or one.text in told]


def _written(reasons: dict[str, Any]) -> Iterator[tuple[tuple[str, str], str]]:
    for reason, told in reasons.items():
        for level in ("sure", "likely"):
            yield from (((reason, level), cue) for cue in told.get(level, ()))
