"""Emergencies (紧急求助, domain.md B5): recall first, with the words that say so."""

from schemas.records import Emergency, Finding


def screen(text: str, folded: str) -> Emergency | None:
    """Return the emergency that `text` tells of, if any; `folded` is `fold(text)`."""
    return None


def findings(found: Emergency) -> tuple[Finding, ...]:
    """Return an emergency as findings: one a class, and its level."""
    classes = tuple(Finding(kind="emergency", value=name, score=found.score) for name in found.classes)
    return (*classes, Finding(kind="emergency_level", value=found.level, score=found.score))
