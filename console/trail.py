"""Acts of people as they stand in the audit log. Each is recorded before it is carried out.

An act holds no content: of a question its digest under a key, its masked text and its filters.
"""

import hashlib
import hmac
from typing import Any, Literal

import msgspec
from msgspec import Struct

from normalizers.rules import Rules
from normalizers.text.fold import fold
from schemas.errors import UnreachableError
from tickets.masking.mask import Known, mask_text
from tickets.search import Query

Action = Literal[
    "signed_in", "sign_in_refused", "signed_out", "searched", "search_refused", "opened", "exported", "watched"
]

MAY_WAIT: frozenset[Action] = frozenset({"searched", "search_refused", "sign_in_refused", "signed_out"})
"""Acts that open no ticket, take nothing out of the house and give nobody a session: while Kafka is away they are
recorded on this host's disk."""

UNKNOWN = "unknown"
"""Author of a refused sign-in with an unknown name: what was typed there may be a password."""

_DOMAIN = b"hotline-console-question-v1\n"


class UnrecordedError(UnreachableError):
    """An act could not be recorded, so it is not carried out."""


class Act(Struct, frozen=True, kw_only=True):
    """One act of a person; `run` names the session, `subject` the ticket."""

    action: Action
    person: str
    run: str = ""
    subject: str | None = None
    details: dict[str, Any] = {}


def searched(action: Action, person: str, run: str, query: Query, key: bytes, rules: Rules) -> Act:
    """Return the act of a search or an export; who asked for the same words is found by `question`."""
    details: dict[str, Any] = {"sort": query.sort}
    if action != "search_refused":  # what was refused may stand in a filter
        details["filters"] = {name: value for name, value in msgspec.to_builtins(query.filters).items() if value}
    if query.text:
        details |= {"question": digest(query.text, key), "text": mask_text(query.text, Known(rules=rules))}
    return Act(action=action, person=person, run=run, details=details)


def digest(text: str, key: bytes) -> str:
    """Return the keyed digest of a question, the same for every way to write its characters."""
    return hmac.digest(key, _DOMAIN + fold(text).encode(), hashlib.sha256).hex()[:32]
