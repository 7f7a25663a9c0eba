"""Codes of findings (`emergency.fire`, `category.noise`), as decisions use them."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from schemas.enums import UNKNOWN

EMERGENCY = "emergency."
AS_GIVEN = "as_given"
"""The scheme of a category that another system names in its own words."""

INCOMPLETE = "incomplete"
"""Label of a ticket whose text lacks parts of a long SMS."""

SAME_MAIL = "same_mail"
"""Evidence: the same mail came by another of the city's mailboxes before; its ticket has the words."""

TOPIC_CHANGED = "topic_changed"
"""Evidence: the message names places or objects, and none of those of its ticket."""

SAME_NAME = "same_name"
"""Evidence: the Message-ID is the same, but the text or an added footer of a list differs."""

BY_PARTICIPANT = "_participant"
"""Suffix of the method of a decision about a reply of a participant who does not own the ticket."""

CLERK = "clerk"
"""Source of a person's statement about a ticket: no rule or model changes it."""

RECORD_OF_CALL = "record_of_call"
"""Method of a decision about a later record of a call; `tickets/snapshot/call_record.py` applies it."""

AFTER_REDACTION = "record_after_redaction"
"""The same method without the words in the ticket: they could repeat blacked-out text."""

NO_CITIZEN = frozenset({"auto_reply", "bounce", "list", "calendar", "event"})
"""Classes of messages that open no ticket."""

_PLACE = "place."

_BETWEEN_LEVELS = "./-"

REMEMBERED = 4_096
"""Results by codes that are kept: most messages have the codes of an earlier one."""


@lru_cache(REMEMBERED)
def by_kind(codes: tuple[str, ...]) -> Mapping[str, str]:
    """Return the last code of each kind; "unknown" counts as none."""
    said = (code.split(".", 1) for code in codes if "." in code)
    return MappingProxyType({kind: value for kind, value in said if value != UNKNOWN})


def is_below(code: str | None, above: str) -> bool:
    """Return True if a category is `above` or below it by its scheme's levels: 1.1.3 is below 1.1, and 1.10 is not.

    Levels are parted by a sign, or have two digits each: 030401 is below 03.
    """
    code, above = code or "", above.rstrip(_BETWEEN_LEVELS)
    behind = code.removeprefix(above) if code.startswith(above) else None
    if not behind:
        return behind == ""
    in_pairs = all(one.isdecimal() and len(one) % 2 == 0 for one in (code, above))
    return behind[0] in _BETWEEN_LEVELS or in_pairs


def is_of_participant(method: str | None) -> bool:
    """Return True if a decision filed the reply of a mere participant of the ticket."""
    return method is not None and method.endswith(BY_PARTICIPANT)


def is_alarm(codes: Iterable[str]) -> bool:
    """Return True if one of the codes is an emergency."""
    return any(code.startswith(EMERGENCY) for code in codes)


def place_of(codes: Iterable[str]) -> str | None:
    """Return the adcode of the place that a message names, from the codes of its findings."""
    return next((code.removeprefix(_PLACE) for code in codes if code.startswith(_PLACE)), None)


def is_elsewhere(codes: Iterable[str], place: str | None) -> bool:
    """Return True if a message names another district or city than a ticket's; a city contains its own districts."""
    named = place_of(codes)
    if named is None or place is None:
        return False
    one, other = (adcode.removesuffix("00").removesuffix("00") for adcode in (named, place))
    return not one.startswith(other) and not other.startswith(one)
