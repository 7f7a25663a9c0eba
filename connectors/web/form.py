"""The form: a submission is safe before the receipt is shown, and the citizen's input is never discarded."""

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from connectors import faults, metrics
from connectors.http.quota import subscriber
from connectors.http.server import caller_of
from connectors.web import pages
from connectors.web.limits import Pace, Ringing
from connectors.web.pages import language_of
from connectors.web.receipts import Stamp
from connectors.web.service import Desk
from connectors.web.status_page import Progress
from connectors.web.submission import CHANNEL, Submission, receive
from connectors.web.validation import MOST_CHARACTERS, MOST_IN_A_FIELD, files
from normalizers.web.fields import Fields
from schemas.errors import PipelineError, RefusedRequest

FIELDS = ("kind", "title", "text", "place", "name", "phone", "email", "confidential", "hotline")
_LINES = ("title", "place", "name", "phone", "email")
MIB = 1024 * 1024

_log = structlog.get_logger(__name__)


class Form:
    """Form of one city; a `Progress` serves its receipts and its status page."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._settings = desk.settings
        self._base = desk.settings.path
        self._pace = Pace(desk.settings.form_per_hour)
        self._ringing = Ringing(desk.settings.urgent_per_hour)
        self._progress = Progress(desk)

    def routes(self) -> list[Route]:
        """Return the routes for the receiver."""
        return [
            Route(self._base, self._answering(self._show), methods=["GET"]),
            Route(self._base, self._answering(self._take), methods=["POST"]),
            Route(f"{self._base}/style.css", self._style, methods=["GET"]),
            Route(f"{self._base}/receipt/{{receipt}}", self._answering(self._progress.receipt), methods=["GET"]),
            Route(f"{self._base}/status", self._answering(self._progress.ask), methods=["GET"]),
            Route(f"{self._base}/status", self._answering(self._progress.tell), methods=["POST"]),
        ]

    def _answering(self, work: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                response = await work(request)
            except RefusedRequest as refusal:
                metrics.PUSH_REFUSED.labels(CHANNEL, refusal.reason).inc()
                metrics.PUSH_REQUESTS.labels(CHANNEL, "refused").inc()
                return self._said(request, "refused", refusal.status)
            except PipelineError as error:
                _log.error("form_not_answered", error=type(error).__name__)
                metrics.PUSH_REQUESTS.labels(CHANNEL, "unanswered").inc()
                return self._said(request, "away", 503)
            except Exception as error:  # noqa: BLE001 - an internal error: no acknowledgement, no details
                faults.told(CHANNEL, self._desk.account, error)
                metrics.PUSH_REQUESTS.labels(CHANNEL, "failed").inc()
                return self._said(request, "away", 500)
            if request.method == "GET":
                metrics.PUSH_REQUESTS.labels(CHANNEL, "answered").inc()
            return response

        return endpoint

    async def _style(self, request: Request) -> Response:
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "max-age=3600"}
        return Response(pages.style(), headers=headers, media_type="text/css")

    async def _show(self, request: Request) -> Response:
        return self._form(language_of(request), {"hotline": request.query_params.get("hotline", "")})

    async def _take(self, request: Request) -> Response:
        address = subscriber(caller_of(request))
        with self._desk.room.hold(address) as hold:
            one = await receive(request, self._settings, hold, self._is_urgent)
            given = one.given.form
            language = language_of(request, given.get("lang", ""))
            urgent = self._is_urgent(one.given)
            stamp = self._fresh(given.get("stamp", ""))
            back = self._handed_back(request, one, stamp, language, urgent=urgent)
            if back is not None:
                return back
            try:
                key = f"form\n{stamp.nonce}" if stamp else ""
                into = self._ringing.last(address) if urgent else None
                kept = await self._desk.keep(one, kind="web", key=key, options={}, folded_into=into)
                if urgent and into is None:
                    self._ringing.rang(address, kept.message_id)
            except PipelineError as error:
                _log.error("form_not_safe", error=type(error).__name__)
                metrics.PUSH_REQUESTS.labels(CHANNEL, "unsafe").inc()
                return self._form(language, given, 503, heading="unsafe_title", message="unsafe_text")
        alarm = ("&urgent=1" if urgent else "") + ("&left_out=1" if one.left_out else "")
        return RedirectResponse(f"{self._base}/receipt/{kept.receipt}?lang={language}{alarm}", 303, pages.HEADERS)

    def _is_urgent(self, given: Fields) -> bool:
        form = given.form
        return self._desk.is_urgent(f"{form.get('title', '')}\n{form.get('text', '')}")

    def _handed_back(
        self, request: Request, one: Submission, stamp: Stamp | None, language: str, *, urgent: bool
    ) -> Response | None:
        """Return the form with the citizen's input and the reason if it is not accepted yet; None if it is accepted.

        An emergency is returned only if another site sent it: no citizen presses a button there.
        """
        given = one.given.form
        if request.headers.get("sec-fetch-site") == "cross-site":
            return self._back("cross_site", language, given, 403, heading="again_title", message="again_text")
        if urgent:
            return None
        wrong = self._wrong(one, language)
        if wrong:
            return self._back("invalid", language, given, 400, wrong=wrong, had_files=bool(one.given.files))
        if stamp is None:
            return self._back("stamp", language, given, 400, heading="again_title", message="again_text")
        if given.get("website"):
            return self._back("honeypot", language, given, 400, heading="again_title", message="again_text")
        wait = self._pace.take(subscriber(caller_of(request)))
        if wait:
            return self._back(
                "limited", language, given, 429, heading="limited_title", message="limited_text", seconds=wait
            )
        return None

    def _fresh(self, stamp: str) -> Stamp | None:
        found = self._desk.receipts.read(stamp, self._desk.now())
        return found if found and -60 <= found.age <= self._settings.stamp_hours * 3600 else None

    def _wrong(self, one: Submission, language: str) -> dict[str, str]:
        """Return the fields to correct, with the reasons."""
        given, w = one.given.form, pages.words()[language]
        found: dict[str, str] = {}
        if not given.get("text", "").strip():
            found["text"] = w["problem_text"]
        if len(given.get("text", "")) > MOST_CHARACTERS:
            found["text"] = w["problem_text_long"].format(most=MOST_CHARACTERS)
        for name in _LINES:
            if len(given.get(name, "")) > MOST_IN_A_FIELD:
                found[name] = w["problem_field_long"]
        if given.get("email", "").strip() and "@" not in given["email"]:
            found["email"] = w["problem_email"]
        if any(files(one.given, self._settings)):
            found["files"] = w["problem_files"].format(**self._sizes())
        return found

    def _back(self, reason: str, language: str, given: Mapping[str, str], status: int, **content: Any) -> Response:
        metrics.PUSH_REFUSED.labels(CHANNEL, reason).inc()
        metrics.PUSH_REQUESTS.labels(CHANNEL, "refused").inc()
        return self._form(language, given, status, **content)

    def _form(
        self,
        language: str,
        given: Mapping[str, str],
        status: int = 200,
        *,
        heading: str = "form_title",
        message: str = "",
        seconds: float = 0.0,
        wrong: Mapping[str, str] | None = None,
        had_files: bool = False,
    ) -> Response:
        w = pages.words()[language]
        minutes = math.ceil(seconds / 60)
        told = w[message].format(minutes=minutes) if message else ""
        return pages.page(
            "form.html",
            language,
            heading,
            base=self._base,
            here=self._base,
            status=status,
            headers={"Retry-After": str(math.ceil(seconds))} if seconds else None,
            values={name: given.get(name, "") for name in FIELDS},
            wrong=wrong or {},
            message=" ".join(filter(None, (told, w["files_again"] if had_files or told else ""))),
            stamp=self._desk.receipts.stamp(self._desk.now()),
            text_hint=w["text_hint"].format(most=MOST_CHARACTERS),
            files_hint=w["files_hint"].format(**self._sizes()) if self._settings.files_max else "",
        )

    def _said(self, request: Request, what: str, status: int) -> Response:
        language = language_of(request)
        w = pages.words()[language]
        headers = {"Retry-After": "60"} if status == 503 else None
        return pages.page(
            "page.html",
            language,
            f"{what}_title",
            base=self._base,
            here=self._base,
            status=status,
            headers=headers,
            message=w[f"{what}_text"],
        )

    def _sizes(self) -> dict[str, int]:
        return {"files": self._settings.files_max, "megabytes": max(1, self._settings.file_max_bytes // MIB)}
