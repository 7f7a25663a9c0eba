"""A web door in memory: a Kafka that can be down, an archive that can be away, and who knocks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from prometheus_client import REGISTRY
from pydantic import SecretStr

from connectors.http.server import Receiver, ReceiverSettings
from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import DurablePublisher
from connectors.web.archive import Wanted
from connectors.web.routes import WebDoor
from connectors.web.service import Tools
from connectors.web.settings import ClientSettings, WebSettings
from normalizers.base import Policy
from schemas import ids
from schemas.enums import OPEN_TO_ALL
from schemas.errors import UnreachableError
from schemas.records import Ticket
from tests.connectors.pushed import Kafka

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
CITY = "210100"
API_KEY = "k" * 32
QUERY_KEY = b"query key of the tests"
BASE = "/web/open311/v2"


def counted(outcome: str) -> float:
    """Return how many requests of the web door came to this; an alarm on its growth has to see it at 0."""
    found = REGISTRY.get_sample_value("hotline_connectors_push_requests_total", {"channel": "web", "outcome": outcome})
    assert found is not None, f"{outcome} first appears as 1"
    return found


class Archive:
    """Holds tickets; `filings` says which message is in which of them."""

    def __init__(self) -> None:
        self.tickets: dict[str, Ticket] = {}
        self.filings: dict[str, str] = {}
        self.away = False
        self.silent = False
        self.asked: list[Wanted] = []

    async def _awake(self) -> None:
        if self.silent:
            await asyncio.sleep(30)
        if self.away:
            raise UnreachableError("away")

    async def ticket(self, name: str) -> Ticket | None:
        await self._awake()
        return next((one for one in self.tickets.values() if name in (one.ticket_id, one.ticket_no)), None)

    async def filed(self, message: str) -> Ticket | None:
        await self._awake()
        found = next((ticket for known, ticket in self.filings.items() if known.startswith(message)), None)
        return self.tickets.get(found) if found else None

    async def newest(self, wanted: Wanted) -> list[Ticket]:
        await self._awake()
        self.asked.append(wanted)
        return [one for one in self.tickets.values() if one.confidentiality in OPEN_TO_ALL][: wanted.limit]

    def put(self, ticket: Ticket) -> Ticket:
        self.tickets[ticket.ticket_id] = ticket
        self.filings[ticket.first_message_id] = ticket.ticket_id
        return ticket


def ticket(message: str = "m" * 26, **changes: Any) -> Ticket:
    """Return a masked ticket that this message opened."""
    fields: dict[str, Any] = {
        "ticket_id": ids.ticket_id(CITY, message),
        "ticket_no": ids.ticket_no(CITY, NOW, 7),
        "version": 1,
        "jurisdiction": CITY,
        "status": "received",
        "status_at": NOW,
        "channel": "web",
        "channel_kind": "web",
        "channel_account": "city",
        "title": "路灯不亮",
        "text": "路灯不亮，联系＊＊＊＊＊＊＊＊＊＊＊",
        "received_at": NOW,
        "ingested_at": NOW,
        "updated_at": NOW,
        "first_message_id": message,
        "message_count": 1,
        "cluster_id": ids.ticket_id(CITY, message),
        "masked": True,
    }
    return Ticket(**(fields | changes))


class Door:
    """One door with all that stands behind it."""

    def __init__(self, folder: Path) -> None:
        self.kafka, self.archive = Kafka(), Archive()
        self.now = NOW
        self._folder = folder

    @asynccontextmanager
    async def open(self, receiver: dict[str, Any] | None = None, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
        """Serve it in this process."""
        app = self.app(receiver, **settings)
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://city")
        async with app.lifespan(), client:
            yield client

    def app(self, receiver: dict[str, Any] | None = None, **settings: Any) -> Receiver:
        """Return the receiver with this door and no other."""
        clients = {"myapp": ClientSettings(api_keys=(SecretStr(API_KEY),))}
        chosen = WebSettings(**({"jurisdiction": CITY, "clients": clients, "open311": True} | settings))
        tools = Tools(archive=self.archive, policy=Policy(), query_key=QUERY_KEY, now=lambda: self.now)
        made = WebDoor(chosen, "city")
        served = ReceiverSettings(**(receiver or {}))
        journal = Journal(self._folder / "journal", served.journal_max_bytes)
        keeper = DurablePublisher.of_journal(self.kafka, journal, served.publish_timeout_seconds)
        return Receiver({}, keeper, served, keeping=[lambda keep: made.routes(tools, keep)])


def request(**changes: Any) -> dict[str, Any]:
    """Return the fields of a service request that is right."""
    fields = {
        "api_key": API_KEY,
        "service_code": "construction.public_works",
        "address_string": "中山路88号",
        "description": "路灯不亮",
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}
