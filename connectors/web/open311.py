"""Open311 GeoReport v2: services, requests and tokens, in JSON and XML, with FixMyStreet's extension for updates."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors import faults, metrics
from connectors.http.quota import subscriber
from connectors.http.server import caller_of
from connectors.http.signature import matching
from connectors.web import public_view, queries, validation
from connectors.web.archive import within
from connectors.web.formats import FORMATS, answer, format_of, refused
from connectors.web.limits import Pace
from connectors.web.service import Desk
from connectors.web.submission import CHANNEL, Submission, receive
from connectors.web.validation import Problem, WrongError
from normalizers.web.fields import Fields
from normalizers.web.services import Service
from schemas import ids
from schemas.errors import PipelineError, RefusedRequest
from schemas.host_port import join_host_port
from schemas.records import Ticket

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
CHANGESET = "2026-11-25T00:00:00+08:00"

Work = Callable[[Request, str], Awaitable[Response]]

_log = structlog.get_logger(__name__)


class Open311:
    """The endpoints of one city."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._settings = desk.settings
        self._services = desk.services
        self._pace = Pace(desk.settings.reads_per_hour)

    def routes(self) -> list[Route]:
        """Return the routes for the receiver, below `<path>/open311`."""
        base = f"{self._settings.path}/open311"
        table: tuple[tuple[str, str, Work], ...] = (
            ("GET", "/discovery.{form}", self._discovery),
            ("GET", "/v2/services.{form}", self._list),
            ("GET", "/v2/services/{code}.{form}", self._definition),
            ("POST", "/v2/requests.{form}", self._take),
            ("GET", "/v2/requests.{form}", self._requests),
            ("GET", "/v2/requests/{name}.{form}", self._request),
            ("GET", "/v2/tokens/{token}.{form}", self._token),
            ("GET", "/v2/servicerequestupdates.{form}", self._updates),
            ("POST", "/v2/servicerequestupdates.{form}", self._take_update),
        )
        found = [Route(base + path, self._answering(work), methods=[method]) for method, path, work in table]
        every = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        return [*found, Route(base + "/{rest:path}", self._answering(self._nothing), methods=every)]

    def _answering(self, work: Work) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            form = request.path_params.get("form") or format_of(request.url.path)
            if form not in FORMATS:
                return refused("xml", [Problem(404, "the format must be .xml or .json")])
            return await self._judged(work, request, form)

        return endpoint

    async def _judged(self, work: Work, request: Request, form: str) -> Response:
        outcome = "answered" if request.method == "GET" else None  # a POST is counted where its message is kept
        try:
            wrong = list(validation.jurisdiction(request.query_params.get("jurisdiction_id", ""), self._settings))
            if wrong:
                raise WrongError(wrong)
            response = await work(request, form)
        except WrongError as error:
            outcome = "refused"
            metrics.PUSH_REFUSED.labels(CHANNEL, "invalid").inc()
            response = refused(form, error.problems)
        except RefusedRequest as refusal:
            outcome = "refused"
            metrics.PUSH_REFUSED.labels(CHANNEL, refusal.reason).inc()
            response = refused(form, [Problem(refusal.status, str(refusal))], refusal.status)
        except PipelineError as error:
            outcome = "unanswered" if request.method == "GET" else "unsafe"
            _log.error("open311_not_answered", error=type(error).__name__)
            response = refused(form, [Problem(503, "a service behind does not answer: send the same again later")], 503)
        except Exception as error:  # noqa: BLE001 - an internal error: no acknowledgement, no details
            outcome = "failed"
            faults.told(CHANNEL, self._desk.account, error)
            response = refused(form, [Problem(500, "a fault of ours: nothing was taken")], 500)
        if outcome:
            metrics.PUSH_REQUESTS.labels(CHANNEL, outcome).inc()
        return response

    async def _nothing(self, request: Request, form: str) -> Response:
        raise WrongError([Problem(404, "there is no such resource, or it does not take this method")])

    async def _discovery(self, request: Request, form: str) -> Response:
        url = (self._settings.public_url or _listening(request) + self._settings.path).rstrip("/")
        content = {
            "changeset": CHANGESET,
            "contact": self._settings.contact,
            "key_service": self._settings.contact,
            "endpoints": [
                {
                    "specification": SPECIFICATION,
                    "url": f"{url}/open311/v2",
                    "changeset": CHANGESET,
                    "type": "production",
                    "formats": ["text/xml", "application/json"],
                }
            ],
        }
        return answer(form, "discovery", content)

    async def _list(self, request: Request, form: str) -> Response:
        return answer(form, "services", [_listed(service) for service in self._services.values()])

    async def _definition(self, request: Request, form: str) -> Response:
        service = self._services.get(request.path_params["code"])
        if service is None:
            raise WrongError([Problem(404, "service_code was not found: GET services lists them")])
        return answer(form, "service_definition", _defined(service))

    async def _take(self, request: Request, form: str) -> Response:
        with self._desk.room.hold(subscriber(caller_of(request))) as hold:
            one = await receive(request, self._settings, hold, self._is_urgent)
            client = self._client(one)
            wrong = validation.request(one.given, self._services, self._settings)
            if wrong and not self._is_urgent(one.given):
                raise WrongError(wrong)
            kept = await self._desk.keep(one, kind="app", key=_key(request, client), options={"client": client})
        said = {"service_request_id": kept.request_id} if kept.published else {"token": kept.receipt}
        notice = self._desk.notice(one.given.form.get("description", ""))
        account = one.given.form.get("account_id") or None
        content = [{**said, "service_notice": notice, "account_id": account}]
        return answer(form, "service_requests", content)

    def _is_urgent(self, given: Fields) -> bool:
        return self._desk.is_urgent(given.form.get("description", ""))

    def _client(self, one: Submission) -> str:
        """Return the name of the app."""
        keys = [(name, key) for name, client in self._settings.clients.items() for key in client.api_keys]
        found = matching(keys, lambda one: one[1].get_secret_value(), one.given.form.get("api_key", ""))
        if found is None:
            raise RefusedRequest("api_key missing or invalid", status=403, reason="key")
        return found[0]

    async def _requests(self, request: Request, form: str) -> Response:
        query = request.query_params
        names = queries.ids_of(query)
        self._paced(request, len(names) or 1)
        if names:
            found = [(name, await self._found(name)) for name in names]
            content = [public_view.request_of(ticket, name, self._settings) for name, ticket in found if ticket]
            return answer(form, "service_requests", content)
        wanted = queries.wanted(query, self._desk.city, list(self._services), self._desk.now())
        async with within(self._settings.archive_timeout_seconds):
            tickets = await self._desk.archive.newest(wanted)
        # Within a day not in order of arrival, which would reveal more of the time than the day.
        tickets.sort(key=lambda ticket: (public_view.day(ticket.received_at), ticket.ticket_id), reverse=True)
        content = [public_view.request_of(ticket, ticket.ticket_id, self._settings) for ticket in tickets]
        return answer(form, "service_requests", content)

    async def _request(self, request: Request, form: str) -> Response:
        name = request.path_params["name"]
        self._paced(request)
        ticket = await self._found(name)
        if ticket is None:
            raise WrongError([Problem(404, "service_request_id was not found, or is not filed yet")])
        return answer(form, "service_requests", [public_view.request_of(ticket, name, self._settings)])

    async def _token(self, request: Request, form: str) -> Response:
        token = request.path_params["token"]
        self._paced(request)
        message = self._desk.receipts.message_of(token)
        if message is None:
            raise WrongError([Problem(404, "token was not found")])
        name = self._desk.request_id(message)
        ticket = await self._found(name)
        return answer(form, "service_requests", [{"service_request_id": name if ticket else None, "token": token}])

    async def _updates(self, request: Request, form: str) -> Response:
        names = queries.ids_of(request.query_params)
        if not names:
            raise WrongError([Problem(400, "service_request_id was not provided")])
        self._paced(request, len(names))
        found = [(name, await self._found(name)) for name in names]
        content = [update for name, ticket in found if ticket for update in public_view.updates_of(ticket, name)]
        return answer(form, "service_request_updates", content)

    async def _take_update(self, request: Request, form: str) -> Response:
        """Accept an update of a request: filed with it if the query code is right, else proposed."""
        with self._desk.room.hold(subscriber(caller_of(request))) as hold:
            one = await receive(request, self._settings, hold, self._is_urgent)
            client, given = self._client(one), one.given.form
            wrong = list(validation.update(one.given, self._settings))
            if wrong and not self._is_urgent(one.given):
                raise WrongError(wrong)
            name = given.get("service_request_id", "")
            options = {"client": client, **await self._desk.answering(name, given.get("query_code", ""))}
            kept = await self._desk.keep(one, kind="app", key=_key(request, client), options=options)
        content = [{"update_id": kept.receipt}]
        return answer(form, "service_request_updates", content)

    def _paced(self, request: Request, turns: int = 1) -> None:
        """Count the reads of one address: ids can be enumerated. Raises RefusedRequest (429) above the limit."""
        host = subscriber(caller_of(request))
        if any(self._pace.take(host) for _ in range(turns)):
            raise RefusedRequest("too many requests from this address: try again later", status=429, reason="limited")

    async def _found(self, name: str) -> Ticket | None:
        """Return the ticket of an id, or None for a confidential one (保密).

        An official number finds no ticket: numbers can be enumerated, and the gaps would reveal the number of
        confidential tickets.
        """
        if ids.valid_ticket_no(name):
            return None
        async with within(self._settings.archive_timeout_seconds):
            ticket = await self._desk.find(name)
        return ticket if ticket is not None and public_view.is_open(ticket) else None


def _listening(request: Request) -> str:
    """Return the address of this server; the Host header may name any other."""
    host, port = request.scope["server"] or ("localhost", None)
    return f"{request.scope['scheme']}://{join_host_port(host, port) if port else host}"


def _key(request: Request, client: str) -> str:
    """Return the client's idempotency key, which is separate for each client."""
    given = request.headers.get("idempotency-key", "")
    return f"{client}\n{given}" if given else ""


def _listed(service: Service) -> dict[str, Any]:
    return {
        "service_code": service.code,
        "service_name": service.name,
        "description": f"{service.group}：{service.name}",
        "metadata": bool(service.attributes),
        "type": "realtime",
        "keywords": ",".join(service.keywords),
        "group": service.group,
    }


def _defined(service: Service) -> dict[str, Any]:
    return {
        "service_code": service.code,
        "attributes": [
            {
                "variable": True,
                "code": one.code,
                "datatype": one.datatype,
                "required": one.required,
                "datatype_description": one.datatype_description,
                "order": number,
                "description": one.description,
                "values": _values(one.values),
            }
            for number, one in enumerate(service.attributes, 1)
        ],
    }


def _values(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "name": name} for key, name in values.items()]
