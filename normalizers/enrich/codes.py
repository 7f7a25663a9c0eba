"""Codes: all that decisions see of the findings of a message."""

from collections.abc import Iterable

from normalizers.enrich import request_kind
from normalizers.rules import DEFAULT_RULES, Rules
from schemas.records import Finding

_CODED = frozenset(
    {
        "emergency", "emergency_level", "request_kind", "minor", "minor_topic", "minor_harm", "not_accepted",
        "confidentiality", "anonymous", "adcode", "accused", "health",
    }
)  # fmt: skip
"""Findings whose values are from our own fixed lists; any other value could be somebody's words."""

_CODED_AS = {"adcode": "place"}

SURE_REPORT = "confidentiality.report"

_PRAISE = ("request_kind", "praise")


def codes_of(findings: Iterable[Finding], folded: str, rules: Rules = DEFAULT_RULES) -> tuple[str, ...]:
    """Return the codes of the findings of a message that says this, folded.

    Mere thanks leave a closed ticket closed: that is for words that say so, and nothing else beside it.
    """
    found = tuple(findings)
    codes = {f"{_CODED_AS.get(one.kind, one.kind)}.{one.value}" for one in found if _is_coded(one)}
    if any(map(_is_sure_report, found)):
        codes.add(SURE_REPORT)
    if (praise := ".".join(_PRAISE)) in codes and request_kind.wants_more(folded, rules):
        codes.remove(praise)
    return tuple(sorted(codes))


def _is_sure_report(finding: Finding) -> bool:
    """Say whether somebody reports a violation (举报) by the channel's word, or by words that say nothing else."""
    is_report = finding.kind == "request_kind" and finding.value == "report"
    return is_report and (
        finding.source == "channel" or (finding.source != "model" and finding.score >= request_kind.SURE)
    )


def _is_coded(finding: Finding) -> bool:
    if finding.source == "model" and (finding.kind, finding.value) == _PRAISE:
        return False
    return finding.kind in _CODED or (finding.kind == "category" and finding.source != "channel")
