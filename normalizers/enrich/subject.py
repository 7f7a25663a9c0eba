"""What a message is about, where the channel itself did not say so, and what it obliges the hotline to."""

from collections.abc import Iterator
from itertools import islice

from normalizers.base import Draft, Policy
from normalizers.enrich import acceptance, confidentiality, informants, minors
from normalizers.enrich.address import extract
from normalizers.enrich.category import category
from normalizers.enrich.request_kind import request_kind
from normalizers.rules import DEFAULT_RULES, Rules, part
from normalizers.text.fold import fold
from normalizers.text.matcher import Together
from normalizers.text.spans import Folded, placed
from schemas.records import Finding

_UNSAID = "unknown"


def findings(draft: Draft, folded: str, jurisdiction: str, policy: Policy) -> tuple[Finding, ...]:
    """Return what is found in a person's words; `folded` is title and text together, `jurisdiction` the city's code."""
    if draft.message_class != "person":
        return ()
    if not folded:
        return tuple(_duties(draft, folded, policy.rules))
    title = fold(draft.title) if draft.title else ""
    text = folded[len(title) :] if folded.startswith(title) else folded
    _together(policy.rules).read(folded)
    return (
        *_unsaid(draft, title, text, policy),
        *extract.findings(draft, folded, jurisdiction, policy),
        *_duties(draft, folded, policy.rules),
    )


def place(draft: Draft, folded: str, jurisdiction: str, policy: Policy) -> tuple[Finding, ...]:
    """Return of `findings` the place in words alone, where there is one."""
    if draft.message_class != "person" or not folded:
        return ()
    found = (one for one in extract.findings(draft, folded, jurisdiction, policy) if one.kind == "place")
    return tuple(islice(found, 1))


def _duties(draft: Draft, folded: str, rules: Rules) -> Iterator[Finding]:
    yield from minors.minors(draft.title, draft.text, folded, rules)
    wished = tuple(confidentiality.confidentiality(draft.title, draft.text, folded, rules))
    yield from wished
    known = {(one.kind, one.value) for one in wished}
    told = informants.informants(folded, bool(wished), rules)
    yield from (one for one in told if (one.kind, one.value) not in known)
    refused = acceptance.not_accepted(draft, folded, rules)
    if refused is not None:
        yield refused


def _unsaid(draft: Draft, title: str, text: str, policy: Policy) -> Iterator[Finding]:
    said = {finding.kind for finding in draft.findings if finding.value != _UNSAID}
    for kind, find in (("request_kind", _kind), ("category", _category)):
        told = find(title, text, policy) if kind not in said else None
        if told is not None:
            found, place = told
            yield placed(found, place.as_written(draft.title, draft.text, title, text)) if place else found


def _kind(title: str, text: str, policy: Policy) -> tuple[Finding, Folded | None] | None:
    return request_kind(title, text, policy.rules)


def _category(title: str, text: str, policy: Policy) -> tuple[Finding, Folded | None] | None:
    """Ask the city's model where it has one; what it is not sure of is left to the rules."""
    learned = policy.category_model.category(title, text) if policy.category_model else None
    return (learned, None) if learned is not None else category(title, text, policy.rules)


@part(*minors.rulebook.files, *acceptance.rulebook.files, *confidentiality.rulebook.files, *extract.rulebook.files)
def _together(rules: Rules = DEFAULT_RULES) -> Together:
    """Return the lists that are all looked for in title and text."""
    of_minors, refused = minors.rulebook(rules), acceptance.rulebook(rules)
    cues = (of_minors.cues, confidentiality.rulebook(rules).cues, refused.cues)
    lists = (of_minors.about, of_minors.kin, refused.about, extract.rulebook(rules).words)
    return Together((*lists, *(one.words for one in cues)))
