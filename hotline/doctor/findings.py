"""Findings of the doctor: one line for each check that passed, one for each fault."""

from collections.abc import Callable, Iterator
from typing import Literal, TypeAlias

from msgspec import Struct

from schemas.errors import FatalError, PipelineError

Outcome = Literal["ok", "wait", "mend"]
"""`wait` is a fault of the surroundings, `mend` is one that a person must mend."""

Told: TypeAlias = str | PipelineError
"""Result of a check: a sentence that all is well, or a fault."""

Look: TypeAlias = Callable[[], Iterator[Told]]
"""Checks one service. An exception is its last fault."""


class Finding(Struct, frozen=True, kw_only=True):
    """One line of the checklist."""

    name: str
    outcome: Outcome = "ok"
    detail: str


def findings(name: str, look: Look) -> Iterator[Finding]:
    """Yield the findings of a check as they come."""
    try:
        for told in look():
            yield _finding(name, told)
    except PipelineError as error:
        yield _finding(name, error)


def _finding(name: str, told: Told) -> Finding:
    if isinstance(told, str):
        return Finding(name=name, detail=told)
    return Finding(name=name, outcome="mend" if isinstance(told, FatalError) else "wait", detail=str(told))
