"""Status pages: the page of a receipt, and the status query by ticket number and query code (查询码)."""

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response

from connectors import metrics
from connectors.http.quota import subscriber
from connectors.http.server import caller_of
from connectors.web import pages, public_view
from connectors.web.archive import within
from connectors.web.limits import Pace
from connectors.web.pages import language_of
from connectors.web.service import Desk
from connectors.web.submission import CHANNEL, receive
from normalizers.text.fold import nfkc
from schemas import ids
from schemas.enums import NOT_ACCEPTED, STATUSES
from schemas.errors import PipelineError
from schemas.ids import SHANGHAI
from schemas.records import Ticket
from tickets.export.open311 import refusal_of

_LONGEST = 100
"""Characters of a number, a receipt or a code; a longer value is invalid, and is not remembered as a guess."""


class Progress:
    """Answers citizens' status queries from masked tickets, without names."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._settings = desk.settings
        self._base = desk.settings.path
        self._pace = Pace(desk.settings.questions_per_hour)

    async def receipt(self, request: Request) -> Response:
        """Show a receipt, with number and code as soon as the ticket exists."""
        language, given = language_of(request), request.path_params["receipt"]
        here = f"{self._base}/receipt/{given}"
        message = self._desk.receipts.message_of(given)
        if message is None:
            w = pages.words()[language]
            text = w["receipt_unknown_text"]
            return self._page("page.html", language, "receipt_unknown_title", self._base, status=404, message=text)
        wait = self._pace.take(subscriber(caller_of(request)))
        if wait:
            return self._limited(language, here, wait)
        return await self._receipt(request, language, given, message, here)

    async def _receipt(self, request: Request, language: str, given: str, message: str, here: str) -> Response:
        w = pages.words()[language]
        try:
            async with within(self._settings.archive_timeout_seconds):
                ticket = await self._desk.filed(message)
        except PipelineError:
            ticket, waiting = None, w["away_text"]
        else:
            waiting = w["receipt_wait"]
        number, code, text = self._named(ticket, message, language) if ticket else ("", "", waiting)
        urgent = bool(request.query_params.get("urgent"))
        return self._page(
            "receipt.html", language, "receipt_title", here,
            receipt=given, number=number, code=code, message=text, waiting=ticket is None, urgent=urgent,
            left_out=bool(request.query_params.get("left_out")),
        )  # fmt: skip

    def _named(self, ticket: Ticket, message: str, language: str) -> tuple[str, str, str]:
        """Return number, code and text. Only the author of a ticket's first message gets them.

        A message with the same phone number is filed in an earlier ticket, and anybody can enter that number.
        """
        w = pages.words()[language]
        if ticket.first_message_id != message:
            return "", "", w["receipt_joined"]
        if self._desk.now() - ticket.ingested_at > timedelta(days=self._settings.receipt_days):
            return ticket.ticket_no, "", w["receipt_old"]
        return ticket.ticket_no, self._desk.code_of(ticket.ticket_id), w["receipt_code_hint"]

    async def ask(self, request: Request) -> Response:
        """Show the query form."""
        return self._status(language_of(request))

    async def tell(self, request: Request) -> Response:
        """Show a ticket's progress for the right code; a wrong number and a wrong code give the same answer."""
        host = subscriber(caller_of(request))
        with self._desk.room.hold(host) as hold:
            form = (await receive(request, self._settings, hold)).given.form
        language = language_of(request, form.get("lang", ""))
        number, code = (nfkc(form.get(name, "")[:_LONGEST]).strip() for name in ("number", "code"))
        wait = self._pace.take(host)  # per address and not per number: strangers' wrong codes would lock out the owner
        if wait:
            return self._limited(language, f"{self._base}/status", wait)
        ticket = await self._asked(number)
        if ticket is None or not self._desk.may_ask(ticket.ticket_id, code):
            metrics.PUSH_REFUSED.labels(CHANNEL, "query_code").inc()
            return self._status(language, number=number, is_wrong=True)
        metrics.PUSH_REQUESTS.labels(CHANNEL, "answered").inc()
        return self._status(language, number=number, ticket=ticket)

    async def _asked(self, number: str) -> Ticket | None:
        """Return the ticket of an official number or of a receipt."""
        message = self._desk.receipts.message_of(number.lower())
        async with within(self._settings.archive_timeout_seconds):
            if message is not None:
                return await self._desk.filed(message)
            return await self._desk.find(number) if ids.valid_ticket_no(number) else None

    def _status(
        self, language: str, *, number: str = "", ticket: Ticket | None = None, is_wrong: bool = False
    ) -> Response:
        w = pages.words()[language]
        return self._page(
            "status.html", language, "status_title", f"{self._base}/status",
            status=404 if is_wrong else 200,
            number=number,
            wrong={"number": w["status_wrong"]} if is_wrong else {},
            found=list(_facts(ticket, language)) if ticket else [],
            history=[(_stage(name, language), at.astimezone(SHANGHAI)) for name, at in public_view.stages(ticket)]
            if ticket
            else [],
        )  # fmt: skip

    def _limited(self, language: str, here: str, seconds: float) -> Response:
        metrics.PUSH_REFUSED.labels(CHANNEL, "limited").inc()
        text = pages.words()[language]["questions_text"].format(minutes=math.ceil(seconds / 60))
        headers = {"Retry-After": str(math.ceil(seconds))}
        return self._page("page.html", language, "questions_title", here, status=429, message=text, headers=headers)

    def _page(self, template: str, language: str, heading: str, here: str, **content: Any) -> Response:
        return pages.page(template, language, heading, base=self._base, here=here, **content)


def _facts(ticket: Ticket, language: str) -> Iterator[tuple[str, str]]:
    w = pages.words()[language]
    yield w["number"], ticket.ticket_no
    yield w["status_now"], _stage(ticket.status, language)
    yield w["status_received"], f"{ticket.received_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    refused = refusal_of(ticket)
    if refused:
        yield w["status_refused"], refused.text or NOT_ACCEPTED.get(refused.reason or "", refused.reason or "")
    due = None if ticket.deadlines is UNSET else next((one for one in ticket.deadlines if one.clock == "resolve"), None)
    if due and not refused:
        yield w["status_expected"], f"{due.due_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    if ticket.dispatch and ticket.dispatch.organizer_name:
        yield w["status_agency"], ticket.dispatch.organizer_name
    if ticket.category and ticket.category.path:
        yield w["status_category"], " / ".join(ticket.category.path)
    if ticket.result and ticket.result.text and ticket.confidentiality != "restricted":
        yield w["status_result"], ticket.result.text


def _stage(status: str, language: str) -> str:
    """Return the citizen's name of a stage."""
    return STATUSES.get(status, status) if language == "zh" else status.replace("_", " ")
