"""Rates: what citizens say when they are asked (回访): 响应率, 解决率, 满意率."""

from collections.abc import Iterable

from msgspec import Struct

from schemas.records import Ticket


class Rates(Struct, frozen=True, kw_only=True):
    """Shares from 0 to 1 of the tickets with a 回访; the last one of each counts. None where nobody was asked that."""

    asked: int
    response: float | None = None
    """响应率: the organizer contacted the citizen."""
    resolution: float | None = None
    """解决率: the citizen says that it is resolved."""
    satisfaction: float | None = None
    """满意率: the citizen is satisfied."""


def rates(tickets: Iterable[Ticket]) -> Rates:
    """Return the three rates of these tickets; those without a 回访 count nowhere."""
    last = [ticket.revisits[-1] for ticket in tickets if ticket.revisits]
    return Rates(
        asked=len(last),
        response=_share(one.contacted for one in last),
        resolution=_share(one.resolved for one in last),
        satisfaction=_share(one.satisfied for one in last),
    )


def _share(answers: Iterable[bool | None]) -> float | None:
    given = [answer for answer in answers if answer is not None]
    return sum(given) / len(given) if given else None
