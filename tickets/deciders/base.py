"""Verdict: result of one decider for one input."""

from typing import Literal

from msgspec import Struct


class Verdict(Struct, frozen=True, kw_only=True):
    """A relation to `ticket_id` (None: no ticket, or a new one).

    A new ticket with `joins` gets an edge to that one, the oldest of its cluster. `part` is true if a part leaves its
    ticket's text incomplete; `afresh` if the present text is compared again. `reopens` False leaves a closed ticket
    closed, unless there is danger. `sure` False only proposes: the next decider is asked, and a clerk judges later.
    `evidence` holds codes and ids.
    """

    relation: str
    method: str
    ticket_id: str | None = None
    score: float = 1.0
    evidence: tuple[str, ...] = ()
    joins: str | None = None
    part: Literal["incomplete", "complete"] | None = None
    related: tuple[str, ...] = ()
    sure: bool = True
    afresh: bool = False
    reopens: bool = True
