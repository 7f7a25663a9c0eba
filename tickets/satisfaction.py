"""Rates: what citizens say when they are asked (回访): 响应率, 解决率, 满意率."""

from collections.abc import Iterable, Sequence

from msgspec import UNSET, Struct

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


def rates(tickets: Iterable[Ticket], least: int = 1) -> Rates:
    """Return the three rates of these tickets, none of fewer answers than `least`.

    Tickets without a 回访 count nowhere.
    """
    last = [ticket.revisits[-1] for ticket in tickets if ticket.revisits]
    return Rates(
        asked=len(last),
        response=_share([one.contacted for one in last], least),
        resolution=_share(_given(one.resolved for one in last), least),
        satisfaction=_share(_given(one.satisfied for one in last), least),
    )


def fewest(tickets: Iterable[Ticket]) -> int:
    """Return how many answers the rate has that is of the fewest; a rate of none tells nothing. 0 when none has any."""
    last = [ticket.revisits[-1] for ticket in tickets if ticket.revisits]
    counts = (len(last), len(_given(one.resolved for one in last)), len(_given(one.satisfied for one in last)))
    return min(filter(None, counts), default=0)


def had_by(ticket: Ticket) -> str | None:
    """Return whose work the last 回访 is about: the office that has the ticket, unless it got it after that."""
    dispatch = ticket.dispatch
    if dispatch is UNSET or not ticket.revisits:
        return None
    is_later = dispatch.dispatched_at is not None and dispatch.dispatched_at > ticket.revisits[-1].at
    return None if is_later else dispatch.organizer_code


def _given(answers: Iterable[bool | None]) -> list[bool]:
    return [answer for answer in answers if answer is not None]


def _share(given: Sequence[bool], least: int) -> float | None:
    return sum(given) / len(given) if len(given) >= least and given else None
