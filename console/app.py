"""The console as an ASGI application: routes from the table of pages, and what stands before each page.

::

    request ── a session? ── the right? ── of our own page? ── the page ── security headers ── answer
                 login         403             403
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlencode

import structlog
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from console import login, metrics
from console.desk import page as desk
from console.headers import HEADERS
from console.pages import PAGES, Page
from console.search import page as search
from console.session import COOKIE, SAFE_METHODS, is_ours
from console.templates import language_of, static_file
from console.ticket import page as ticket
from console.trail import UnrecordedError
from console.visit import Services, Visit
from schemas.errors import PipelineError, RetriableError

Handler = Callable[[Services, Visit], Awaitable[Response]]

BODY_MAX_BYTES = 64 * 1024

_log = structlog.get_logger(__name__)


async def home(services: Services, visit: Visit) -> Response:
    """Lead to the first page that the person may see."""
    return RedirectResponse(visit.pages[0].path, 303) if visit.pages else visit.page("nothing.html", "nothing")


HANDLERS: Mapping[str, Handler] = {
    "login": login.sign_in,
    "provider": login.to_provider,
    "callback": login.from_provider,
    "logout": login.sign_out,
    "home": home,
    "search": search.search,
    "export": search.export,
    "ticket": ticket.ticket,
    "desk": desk.desk,
    "desk_stream": desk.stream,
    "acknowledge": desk.acknowledge,
}


def visible(rights: frozenset[str], *, is_desk: bool) -> Sequence[Page]:
    """Return the pages of the navigation that these rights open."""
    there = [page for page in PAGES if page.in_navigation and (is_desk or not page.at_desk)]
    return [page for page in there if page.right is None or page.right in rights]


class Console:
    """An ASGI application; `close` is called when the server stops."""

    def __init__(self, services: Services, close: Callable[[], Awaitable[None]] | None = None) -> None:
        self._services = services
        self._close = close
        self._is_desk = services.desk is not None
        there = [page for page in PAGES if self._is_desk or not page.at_desk]
        pages = [Route(page.path, self._endpoint(page), methods=list(page.methods)) for page in there]
        health = [Route("/healthz", _alive), Route("/readyz", _alive)]
        files = [Route("/static/{digest}/{name:path}", static_file)]
        self._app = Starlette(routes=[*health, *files, *pages], lifespan=lambda _: self._lifespan())
        self._app.router.redirect_slashes = False  # it would lead to whatever host the caller names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the server's start and stop."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, sending if scope["type"] == "http" else send)

    @asynccontextmanager
    async def _lifespan(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            if self._close is not None:
                await self._close()

    def _endpoint(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            started = time.perf_counter()
            response = await self._answer(page, request)
            metrics.REQUESTS.labels(page.name, response.status_code).inc()
            metrics.REQUEST_SECONDS.labels(page.name).observe(time.perf_counter() - started)
            return response

        return endpoint

    async def _answer(self, page: Page, request: Request) -> Response:
        language, now = language_of(request), self._services.now()
        session = self._services.sessions.read(request.cookies.get(COOKIE, ""), now.timestamp())
        rights = session.person.rights if session else frozenset()
        visit = Visit(
            request=request,
            session=session,
            language=language,
            now=now,
            name=page.name,
            pages=visible(rights, is_desk=self._is_desk),
        )
        try:
            if page.access == "signed_in" and session is None:
                return _to_login(request)
            if page.right is not None and page.right not in rights:
                return visit.page("message.html", "forbidden", status=403)
            if request.method not in SAFE_METHODS:
                form = await _form(request)
                if form is None:
                    return PlainTextResponse("too large", 413)
                if not is_ours(request, session, dict(form), self._services.origin):
                    metrics.FORGED.inc()
                    return visit.page("message.html", "forged", status=403)
                visit = visit.with_form(form)
            response = await HANDLERS[page.name](self._services, visit)
            if session is not None and page.name != "logout":
                self._services.sessions.renew(response, session, now.timestamp())
            return response
        except UnrecordedError:
            return visit.page("message.html", "unrecorded", status=503)
        except RetriableError as error:
            _log.warning("page_unavailable", page=page.name, error=type(error).__name__)
            return visit.page("message.html", "away", status=503)
        except PipelineError as error:
            _log.error("page_failed", page=page.name, sentence=str(error))
        except Exception as error:  # noqa: BLE001 - a fault of this page: the next request goes on
            _log.error("page_failed", page=page.name, error=type(error).__name__)
        return visit.page("message.html", "failed", status=500)


def _to_login(request: Request) -> Response:
    """Lead to the sign-in, and back to a page that was only to be read."""
    there = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    query = f"?{urlencode({'next': there})}" if request.method in SAFE_METHODS and there != "/" else ""
    return RedirectResponse(f"/login{query}", 303)


async def _form(request: Request) -> list[tuple[str, str]] | None:
    """Return the fields of a form; None if it is too large."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_MAX_BYTES:
            return None
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=1000)


def _alive(_: Request) -> Response:
    return PlainTextResponse("ok")
