"""The page of one masked ticket: a ticket of another city, or a restricted one, is as unknown as none."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.responses import Response

from console.rights import may_see
from console.ticket.view import view
from console.trail import Act
from console.visit import Services, Visit
from normalizers.pii.detect import personal_spans
from schemas.errors import UnreachableError

T = TypeVar("T")

_MOST_MARKS, _LONGEST_NAME = 20, 64


async def ticket(services: Services, visit: Visit) -> Response:
    """Show a ticket, with the words of a search marked."""
    session, name = visit.signed_in, visit.request.path_params["name"][:_LONGEST_NAME]
    found = await _in_time(services, services.tickets.ticket(name))
    if found is None or not may_see(found, session.person.cities):
        return visit.page("message.html", "missing", status=404)
    act = Act(action="opened", person=session.person.name, run=session.id, subject=found.ticket_id)
    await services.trail.record(act)
    links = await _in_time(services, services.tickets.links(found.ticket_id))
    given = visit.request.query_params.getlist("mark")[:_MOST_MARKS]
    marks = [word for word in given if not personal_spans(word, rules=services.rules)]
    shown = view(found, links, marks, visit.w, visit.now, services.calendar)
    return visit.page("ticket.html", "ticket", ticket=found, shown=shown)


async def _in_time(services: Services, asking: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(services.search_seconds):
            return await asking
    except TimeoutError as error:
        raise UnreachableError("the archive does not answer in time") from error
