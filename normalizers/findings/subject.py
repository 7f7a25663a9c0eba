"""What a message is about: its kind of request, its category and its place, where the channel itself did not say so."""

from collections.abc import Iterator

from normalizers.draft import Draft
from normalizers.findings import where
from normalizers.findings.category import category
from normalizers.findings.kind import request_kind
from normalizers.policy import Policy
from normalizers.text import fold
from schemas.records import Finding

_UNSAID = "unknown"


def findings(draft: Draft, folded: str, jurisdiction: str, policy: Policy) -> tuple[Finding, ...]:
    """Return what is found in a person's words; `folded` is title and text together, `jurisdiction` the city's code."""
    if draft.message_class != "person" or not folded:
        return ()
    title = fold(draft.title) if draft.title else ""
    text = folded[len(title) :] if folded.startswith(title) else folded
    return (*_unsaid(draft, title, text, policy), *where.findings(draft, folded, jurisdiction, policy))


def _unsaid(draft: Draft, title: str, text: str, policy: Policy) -> Iterator[Finding]:
    said = {finding.kind for finding in draft.findings if finding.value != _UNSAID}
    for kind, find in (("request_kind", _kind), ("category", _category)):
        found = find(title, text, policy) if kind not in said else None
        if found is not None:
            yield found


def _kind(title: str, text: str, policy: Policy) -> Finding | None:
    return request_kind(title, text, policy.rules_folder)


def _category(title: str, text: str, policy: Policy) -> Finding | None:
    """Ask the city's model where it has one; what it is not sure of is left to the rules."""
    learned = policy.category_model.category(title, text) if policy.category_model else None
    return learned or category(title, text, policy.rules_folder)
