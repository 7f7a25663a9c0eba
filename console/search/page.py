"""The page of a search: a question is posted, and stands in a URL only if it holds nothing of a person."""

import asyncio
import csv
import io
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from urllib.parse import quote

from msgspec.structs import replace
from starlette.responses import RedirectResponse, Response

from console.rights import within
from console.search.view import Asked, View, asked, view
from console.templates import local_time
from console.trail import Action, searched
from console.visit import Services, Visit
from normalizers.pii.detect import personal_spans
from normalizers.rules import Rules
from schemas import ids
from schemas.errors import UnreachableError
from schemas.spreadsheet import no_formula
from tickets.search import MAX_ROWS, Answer, Hit, Query

_EXPORT_PAGE = 1000
_TICKET_ID = re.compile(ids.TICKET_ID)


async def search(services: Services, visit: Visit) -> Response:
    """Show what a search finds."""
    if visit.request.method == "POST":
        return await _posted(services, visit)
    wanted = asked(visit.request.query_params.multi_items())
    if is_personal(wanted, services.rules):  # typed into the URL, or an old bookmark: it must not stay there
        await _record(services, visit, "search_refused", wanted.query())
        return RedirectResponse("/search?refused=1", 303)
    if wanted.is_empty:
        return _page(visit, wanted, refused="refused" in visit.request.query_params)
    await _record(services, visit, "searched", wanted.query())
    started = time.perf_counter()
    answer = await _find(services, visit, wanted.query())
    milliseconds = round(1000 * (time.perf_counter() - started))
    found = view(wanted, answer, visit.w, milliseconds)
    return _page(visit, wanted, found, text=wanted.text)


async def export(services: Services, visit: Visit) -> Response:
    """Return the hits of a search's first rung as CSV: masked, at most 10,000."""
    wanted = asked(visit.form)
    if is_personal(wanted, services.rules):
        await _record(services, visit, "search_refused", wanted.query())
        return RedirectResponse("/search?refused=1", 303)
    query = replace(
        wanted.query(facets=False), rung="words", after=None, skip=0, fold_incidents=False, limit=_EXPORT_PAGE
    )
    await _record(services, visit, "exported", query)
    written, columns = io.StringIO(), visit.w["columns"]
    lines = csv.writer(written)
    lines.writerow(columns.values())
    count = 0
    async for hits in _pages(services, visit, query):
        lines.writerows([_cell(hit, column) for column in columns] for hit in hits)
        count += len(hits)
    name = f"{visit.w['file']}-{local_time(visit.now, '%Y%m%d-%H%M%S')}.csv"
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    body = "\ufeff" + written.getvalue()  # without it spreadsheets take it for another encoding
    return Response(body.encode(), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": disposition})


def is_personal(wanted: Asked, rules: Rules) -> bool:
    """Return whether a search holds a telephone, an identity number, a name or an address to the door."""
    if ids.valid_ticket_no(wanted.text):
        return False
    texts = (
        wanted.text,
        *wanted.as_written,
        *(value for values in wanted.chosen.values() for value in values if not _is_id(value)),
    )
    return any(personal_spans(text, rules=rules) for text in texts)


def _is_id(value: str) -> bool:
    """Return whether a filter's value is the id of a ticket, or a code of digits."""
    return _TICKET_ID.fullmatch(value) is not None or (value.isdecimal() and len(value) in (6, 9, 12))


async def _posted(services: Services, visit: Visit) -> Response:
    """Lead to the URL of a clean question; answer another one here, without a search."""
    wanted = asked(visit.form)
    if not is_personal(wanted, services.rules):
        return RedirectResponse(wanted.url(), 303)
    await _record(services, visit, "search_refused", wanted.query())
    return _page(visit, replace(wanted, text=""), text=wanted.text, refused=True)


async def _pages(services: Services, visit: Visit, query: Query) -> AsyncIterator[tuple[Hit, ...]]:
    count = 0
    while True:
        answer = await _find(services, visit, query)
        rung = next((one for one in answer.rungs if one.name == "words"), None)
        hits = rung.hits[: MAX_ROWS - count] if rung else ()
        yield hits
        count += len(hits)
        if rung is None or rung.next is None or count >= MAX_ROWS:
            return
        query = replace(query, after=rung.next)


async def _find(services: Services, visit: Visit, query: Query) -> Answer:
    async with _turn(services):
        asking = services.search.search(within(query, visit.signed_in.person.cities))
        try:
            return await asyncio.wait_for(asking, services.search_seconds)
        except TimeoutError as error:
            raise UnreachableError("the archive does not answer in time") from error


@asynccontextmanager
async def _turn(services: Services) -> AsyncIterator[None]:
    """Take one of the searches that may run at once. Raises UnreachableError if all run."""
    if services.searching.locked():
        raise UnreachableError("too many searches at once")
    async with services.searching:
        yield


async def _record(services: Services, visit: Visit, action: Action, query: Query) -> None:
    session = visit.signed_in
    await services.trail.record(searched(action, session.person.name, session.id, query, services.key, services.rules))


def _page(visit: Visit, wanted: Asked, found: View | None = None, *, text: str = "", refused: bool = False) -> Response:
    can_export = "export" in visit.signed_in.person.rights
    return visit.page(
        "search.html", "search", asked=wanted, found=found, text=text, refused=refused, can_export=can_export
    )


def _cell(hit: Hit, column: str) -> str:
    value = getattr(hit, column)
    return no_formula("" if value is None else local_time(value) if isinstance(value, datetime) else str(value))
