"""What the doctor says: one line for each thing that is in order, one for each fault."""

from collections.abc import Callable, Iterator
from typing import Literal, TypeAlias

from msgspec import Struct

from schemas.errors import FatalError, PipelineError

Outcome = Literal["ok", "wait", "mend"]
"""`wait` is a fault of the surroundings, `mend` is one that a person must mend."""

Told: TypeAlias = str | PipelineError
"""What a look tells: a sentence that all is well, or a fault."""

Look: TypeAlias = Callable[[], Iterator[Told]]
"""Looks at one service. What it raises is its last fault."""


class Finding(Struct, frozen=True, kw_only=True):
    """One line of the checklist."""

    name: str
    outcome: Outcome = "ok"
    detail: str


def findings(name: str, look: Look) -> Iterator[Finding]:
    """Yield what a look finds, as it is found."""
    try:
        for told in look():
            yield _finding(name, told)
    except PipelineError as error:
        yield _finding(name, error)


def _finding(name: str, told: Told) -> Finding:
    if isinstance(told, str):
        return Finding(name=name, detail=told)
    return Finding(name=name, outcome="mend" if isinstance(told, FatalError) else "wait", detail=str(told))
