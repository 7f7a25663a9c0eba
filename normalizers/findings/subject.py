"""What a message is about: its kind of request and its category, where the channel itself did not say so."""

from collections.abc import Iterator
from pathlib import Path

from normalizers.draft import Draft
from normalizers.findings.category import category
from normalizers.findings.kind import request_kind
from normalizers.text import fold
from schemas.records import Finding

_UNSAID = "unknown"


def findings(draft: Draft, folded: str, rules_folder: Path | None = None) -> tuple[Finding, ...]:
    """Return what the rules find in a person's words; `folded` is title and text together."""
    if draft.message_class != "person" or not folded:
        return ()
    title = fold(draft.title) if draft.title else ""
    text = folded[len(title) :] if folded.startswith(title) else folded
    return tuple(_unsaid(draft, title, text, rules_folder))


def _unsaid(draft: Draft, title: str, text: str, rules_folder: Path | None) -> Iterator[Finding]:
    said = {finding.kind for finding in draft.findings if finding.value != _UNSAID}
    for kind, rule in (("request_kind", request_kind), ("category", category)):
        found = rule(title, text, rules_folder) if kind not in said else None
        if found is not None:
            yield found
