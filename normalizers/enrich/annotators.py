"""Annotators: each adds findings from a person's words that the channel has no field for."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from normalizers.base import Draft, Policy
from normalizers.enrich import acceptance, confidentiality, informants, minors
from normalizers.enrich.address import extract
from normalizers.enrich.category import category
from normalizers.enrich.request_kind import request_kind
from normalizers.rules import Rules, part
from normalizers.text.fold import fold
from normalizers.text.matcher import Together
from normalizers.text.spans import Folded, placed
from schemas.errors import PipelineError
from schemas.records import Finding

_UNSAID = "unknown"
_WISHES = (confidentiality.CONFIDENTIALITY, confidentiality.ANONYMOUS)


class Reading(NamedTuple):
    """A person's message as annotators read it; `title` and `text` are folded, `folded` is both together.

    `jurisdiction` is the city's code, `found` holds the findings of the annotators before.
    """

    draft: Draft
    title: str
    text: str
    folded: str
    jurisdiction: str
    policy: Policy
    found: Sequence[Finding] = ()


class Annotator(NamedTuple):
    """One step of the list below; `needs_words` keeps it from a message without any."""

    name: str
    annotate: Callable[[Reading], Iterable[Finding]]
    needs_words: bool = False
    is_required: bool = False


class Failure(NamedTuple):
    """An annotator that failed on a message, and the class of its error."""

    annotator: str
    error: str


class Annotations(NamedTuple):
    """Findings of a message, and the annotators that failed on it."""

    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()


def _request_kind(reading: Reading) -> Iterator[Finding]:
    if not _is_said("request_kind", reading.draft):
        yield from _as_written(request_kind(reading.title, reading.text, reading.policy.rules), reading)


def _category(reading: Reading) -> Iterator[Finding]:
    """Use the city's model if it has one, and the rules if the model is unsure."""
    if _is_said("category", reading.draft):
        return
    title, text, policy = reading.title, reading.text, reading.policy
    learned = policy.category_model.category(title, text) if policy.category_model else None
    found = (learned, None) if learned is not None else category(title, text, policy.rules)
    yield from _as_written(found, reading)


def _is_said(kind: str, draft: Draft) -> bool:
    return any(one.kind == kind and one.value != _UNSAID for one in draft.findings)


def _as_written(told: tuple[Finding, Folded | None] | None, reading: Reading) -> Iterator[Finding]:
    if told is not None:
        (found, place), draft = told, reading.draft
        span = place.as_written(draft.title, draft.text, reading.title, reading.text) if place else None
        yield placed(found, span) if span is not None else found


def _place(reading: Reading) -> Iterator[Finding]:
    return extract.findings(reading.draft, reading.folded, reading.jurisdiction, reading.policy)


def _minors(reading: Reading) -> Iterator[Finding]:
    return minors.minors(reading.draft.title, reading.draft.text, reading.folded, reading.policy.rules)


def _confidentiality(reading: Reading) -> Iterator[Finding]:
    draft = reading.draft
    return confidentiality.confidentiality(draft.title, draft.text, reading.folded, reading.policy.rules)


def _informants(reading: Reading) -> Iterator[Finding]:
    """Yield the findings that the wish for confidentiality, which is annotated before, does not cover."""
    wished = {(one.kind, one.value) for one in reading.found if one.kind in _WISHES}
    told = informants.informants(reading.folded, bool(wished), reading.policy.rules)
    return (one for one in told if (one.kind, one.value) not in wished)


def _acceptance(reading: Reading) -> Iterator[Finding]:
    if (refused := acceptance.not_accepted(reading.draft, reading.folded, reading.policy.rules)) is not None:
        yield refused


ANNOTATORS = (
    Annotator("request_kind", _request_kind, needs_words=True),
    Annotator("category", _category, needs_words=True),
    Annotator("place", _place, needs_words=True),
    Annotator("minors", _minors, is_required=True),
    Annotator("confidentiality", _confidentiality, is_required=True),
    Annotator("informants", _informants, is_required=True),
    Annotator("acceptance", _acceptance),
)
"""In the order of their findings. A message on which one fails goes on without its findings.

If one is required, its message does not: a ticket without these findings would be shown to more people than may see it.
Emergencies are screened apart (`emergency.py`), and nothing guards that.
"""


def annotate(draft: Draft, folded: str, jurisdiction: str, policy: Policy) -> Annotations:
    """Return the findings in a person's words; `folded` is title and text, `jurisdiction` the city's code.

    Raises the errors of required annotators, and any PipelineError.
    """
    return _annotated(draft, folded, jurisdiction, policy, ANNOTATORS)


def place(draft: Draft, folded: str, jurisdiction: str, policy: Policy) -> Annotations:
    """Return only the place in words, as `annotate` finds it."""
    made = _annotated(draft, folded, jurisdiction, policy, [one for one in ANNOTATORS if one.name == "place"])
    return made._replace(findings=tuple(one for one in made.findings if one.kind == "place")[:1])


def _annotated(
    draft: Draft, folded: str, jurisdiction: str, policy: Policy, annotators: Sequence[Annotator]
) -> Annotations:
    if draft.message_class != "person":
        return Annotations()
    title = fold(draft.title) if draft.title else ""
    text = folded[len(title) :] if folded.startswith(title) else folded
    if folded and len(annotators) > 1:
        _together(policy.rules).read(folded)
    reading, failures = Reading(draft, title, text, folded, jurisdiction, policy), list[Failure]()
    for one in annotators:
        if one.needs_words and not folded:
            continue
        try:
            found = (*reading.found, *one.annotate(reading))
        except PipelineError:  # the message, or the rules, cannot be used: not the annotator's fault
            raise
        except Exception as error:  # around one annotator: a fault on a message costs it these findings alone
            if one.is_required:
                raise
            failures.append(Failure(one.name, type(error).__name__))
            continue
        reading = reading._replace(found=found)
    return Annotations(tuple(reading.found), tuple(failures))


@part(*minors.rulebook.files, *acceptance.rulebook.files, *confidentiality.rulebook.files, *extract.rulebook.files)
def _together(rules: Rules) -> Together:
    """Return the lists that are all looked for in title and text."""
    of_minors, refused = minors.rulebook(rules), acceptance.rulebook(rules)
    cues = (of_minors.cues, confidentiality.rulebook(rules).cues, refused.cues)
    lists = (of_minors.about, of_minors.kin, refused.about, extract.rulebook(rules).words)
    return Together((*lists, *(one.words for one in cues)))
