"""The desk: hand-overs that wait, as a page, as its live part, and their acknowledgement."""

from datetime import datetime
from typing import Any

from msgspec import json
from starlette.responses import RedirectResponse, Response

from console.desk.view import view
from console.live import EventStream
from console.session import COOKIE
from console.templates import environment
from console.trail import Act
from console.visit import Desk, Services, Visit

STALE_SECONDS = 12.0
"""A page that knows nothing newer says so; with a second's tick and a slow browser that is within 15 seconds."""

_MOST_WATCHING = 10_000


async def desk(services: Services, visit: Visit) -> Response:
    """Show what waits; without JavaScript the page loads itself again."""
    at = _desk(services)
    await _record(services, at, visit)
    complete_at = at.handovers.complete_at
    is_stale = complete_at is None or (visit.now - complete_at).total_seconds() > STALE_SECONDS
    return visit.page(
        "desk.html", "desk", **_content(at, visit, visit.now), beat=_beat(at, visit.now), is_stale=is_stale,
        stale_seconds=STALE_SECONDS, within_seconds=at.within_seconds,
    )  # fmt: skip


async def stream(services: Services, visit: Visit) -> Response:
    """Send the page's live part whenever it changes, and signs of life; ends with the session or its rights."""
    at, session = _desk(services), visit.signed_in
    at.live.open()
    await _record(services, at, visit)
    value = visit.request.cookies.get(COOKIE, "")

    def may_go_on() -> bool:
        now = services.sessions.read(value, services.now().timestamp())
        return now is not None and now.person == session.person

    audience = (session.person.cities, session.person.rights, visit.language)
    events = at.live.stream(
        audience, lambda: _part(at, visit, services.now()), lambda: _beat(at, services.now()), may_go_on
    )
    return EventStream(events)


async def acknowledge(services: Services, visit: Visit) -> Response:
    """Order the acknowledgement of a hand-over; it waits until the event log has it. Gone ones were answered."""
    at, session = _desk(services), visit.signed_in
    found = at.handovers.snapshot.find(visit.request.path_params["name"], session.person.cities)
    if found is None:
        return visit.page("message.html", "answered", status=404)
    await at.orders.acknowledge(found, session.person.name, session.id)
    return RedirectResponse("/desk", 303)


def _desk(services: Services) -> Desk:
    if services.desk is None:
        raise LookupError("a page of the desk was reached in another process")
    return services.desk


async def _record(services: Services, at: Desk, visit: Visit) -> None:
    """Record once for a session that its person watches hand-overs in clear. Raises UnrecordedError."""
    session = visit.signed_in
    if session.id in at.watching:
        return
    await services.trail.record(Act(action="watched", person=session.person.name, run=session.id))
    if len(at.watching) >= _MOST_WATCHING:
        at.watching.clear()
    at.watching.add(session.id)


def _part(at: Desk, visit: Visit, now: datetime) -> str:
    return environment().get_template("desk_part.html").render(w=visit.w, **_content(at, visit, now))


def _content(at: Desk, visit: Visit, now: datetime) -> dict[str, Any]:
    person = visit.signed_in.person
    shown = view(at.handovers.snapshot.of(person.cities), visit.w, now, at.within_seconds)
    return {"shown": shown, "may_acknowledge": "acknowledge" in person.rights}


def _beat(at: Desk, now: datetime) -> str:
    """Return the server's time and until when the queue is complete, in milliseconds since 1970."""
    complete_at = at.handovers.complete_at
    known = None if complete_at is None else complete_at.timestamp() * 1000
    return json.encode({"now": now.timestamp() * 1000, "complete_at": known}).decode()
