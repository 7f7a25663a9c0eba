"""A console in memory: an archive of its own, a trail that can be away, and people who sign in."""

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from msgspec.structs import replace

from console.app import Console
from console.desk.queue import Queue, Snapshot, Waiting
from console.limits import Tries
from console.live import Live
from console.session import Person, Session, Sessions
from console.trail import Act, UnrecordedError
from console.users import Users
from console.visit import Desk, Services
from normalizers.text.fold import fold
from schemas import ids
from schemas.codec import encode
from schemas.errors import UnreachableError
from schemas.records import Event, Handover, InputRef, Link, Ticket, event
from schemas.records.ticket import StatusStep
from tickets.policy import calendars_of
from tickets.search import Answer, Bar, Facet, FacetValue, Hit, Query, Rung, Synonyms, Timeline

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
CITY, OTHER_CITY = "210100", "210200"
KEY = b"of sessions, 32 bytes or more...."
PASSWORD = "correct horse battery"
MOST = 8
"""Searches at once."""


def ticket(number: int = 1, city: str = CITY, **changes: Any) -> Ticket:
    """Return a masked ticket."""
    message = ids.message_id("/hotline/web/test", str(number))
    identifier = ids.ticket_id(city, message)
    text = f"软件园东路暖气不热，屋里只有十四度，第{number}次反映。"
    fields: dict[str, Any] = {
        "ticket_id": identifier,
        "ticket_no": ids.ticket_no(city, NOW, number),
        "version": 1,
        "jurisdiction": city,
        "status": "registered",
        "status_at": NOW,
        "channel": "web",
        "channel_kind": "form",
        "channel_account": "form",
        "title": f"软件园东路暖气不热（{number}）",
        "text": text,
        "search_text": fold(text),
        "received_at": NOW,
        "ingested_at": NOW,
        "updated_at": NOW,
        "first_message_id": message,
        "message_count": 1,
        "cluster_id": identifier,
        "history": (StatusStep(status="registered", at=NOW),),
        "masked": True,
    }
    return Ticket(**fields | changes)


class Archive:
    """Holds tickets and answers every search with those of its cities; remembers what it was asked."""

    def __init__(self, *tickets: Ticket) -> None:
        self.held = tickets
        self.asked: list[Query] = []
        self.answer: Answer | None = None
        self.away = False
        self.waits: asyncio.Event | None = None
        self.crowded = asyncio.Event()

    async def search(self, query: Query) -> Answer:
        self.asked.append(query)
        if self.away:
            raise UnreachableError("away")
        if len(self.asked) == MOST:
            self.crowded.set()
        if self.waits is not None:
            await self.waits.wait()
        if self.answer is not None:
            return self.answer
        found = [hit(one) for one in self.held if one.jurisdiction in query.filters.jurisdiction]
        return Answer(total=len(found), rungs=(Rung(name="words", total=len(found), hits=tuple(found)),))

    async def ticket(self, name: str) -> Ticket | None:
        if self.away:
            raise UnreachableError("away")
        return next((one for one in self.held if name in (one.ticket_id, one.ticket_no)), None)

    async def links(self, ticket_id: str) -> Sequence[Link]:
        (one,) = (one for one in self.held if one.ticket_id == ticket_id)
        link = Link(
            message_id=one.first_message_id,
            jurisdiction=one.jurisdiction,
            ticket_id=ticket_id,
            relation="new",
            method="no_relation_found",
            decided_at=NOW,
            policy_version="1",
        )
        return [
            link,
            replace(link, message_id="m" * 26, relation="follow_up", score=0.82, evidence=("phone", "copied:0.82")),
        ]


def hit(one: Ticket, **more: Any) -> Hit:
    """Return the hit of a ticket."""
    at = one.text.find("暖气")
    fields: dict[str, Any] = {
        "ticket_id": one.ticket_id,
        "ticket_no": one.ticket_no,
        "title": one.title,
        "status": one.status,
        "channel": one.channel,
        "received_at": one.received_at,
        "snippet": one.text,
        "marks": ((at, at + 2),) if at >= 0 else (),
        "jurisdiction": one.jurisdiction,
        "cluster_id": one.cluster_id,
    }
    return Hit(**fields | more)


def rich_answer(*tickets: Ticket) -> Answer:
    """Return an answer with everything that a page can show."""
    first = hit(tickets[0], more=12, request_kind="help_request", category="城乡建设/供热", urgency="urgent")
    others = tuple(hit(one) for one in tickets[1:])
    lower = replace(hit(tickets[-1], snippet="暖汽不热"), rung="sounds")
    counted = (("web", "网站", 9), ("phone", "电话", 4))
    days = (datetime(2026, 11, day, tzinfo=ids.SHANGHAI) for day in (2, 9, 16, 23))
    facet = {name: Facet(name=name, values=()) for name in ("request_kind", "status", "urgency", "organizer")}
    facets = {
        "channel": Facet(
            name="channel", values=tuple(FacetValue(value=v, chinese=c, count=n) for v, c, n in counted), others=2
        ),
        "category": Facet(name="category", values=(FacetValue(value="供热", count=11),)),
        "adcode": Facet(
            name="adcode",
            values=(FacetValue(value="210102", chinese="和平区", count=7), FacetValue(value="210103", count=1)),
            missing=5,
        ),
        "cluster_id": Facet(name="cluster_id", values=(FacetValue(value=tickets[0].cluster_id, count=13),)),
    }
    return Answer(
        total=26,
        rungs=(
            Rung(name="words", total=26, hits=(first, *others), next="further"),
            Rung(name="sounds", total=3, hits=(lower,)),
        ),
        facets=tuple((facet | facets).values()),
        timeline=Timeline(
            interval="week", bars=tuple(Bar(start=at, count=n) for at, n in zip(days, (4, 0, 12, 10), strict=True))
        ),
        incidents=9,
        synonyms=(Synonyms(word="暖气", also=("供暖", "供热")),),
    )


class Trail:
    """Keeps the acts in their order, with what the archive had been asked by then."""

    def __init__(self, archive: Archive) -> None:
        self.acts: list[Act] = []
        self.asked_before: list[int] = []
        self.away = False
        self._archive = archive

    async def record(self, act: Act) -> None:
        if self.away:
            raise UnrecordedError("Kafka confirmed nothing")
        self.acts.append(act)
        self.asked_before.append(len(self._archive.asked))


def handover(name: str, age: float = 0, city: str = CITY, **changes: Any) -> Handover:
    """Return a hand-over that came `age` seconds before `NOW`."""
    at = NOW - timedelta(seconds=age)
    fields: dict[str, Any] = {
        "handover_id": name,
        "message_id": name,
        "jurisdiction": city,
        "channel": "sms",
        "classes": ("fire",),
        "level": "urgent",
        "spans": ((2, 5),),
        "text": f"三楼着火了（{name}）",
        "location": "解放路88号",
        "at": at,
        "taken_at": at,
    }
    return Handover(**fields | changes)


class Handovers:
    """A queue to which tests hand over, and in which orders are decided at once, or when a test says so."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.queue = Queue()
        self.live = Live()
        self.now = now
        self.lag = 0.0
        self.away = False
        self.decides = True
        self.ordered: list[tuple[str, str]] = []

    @property
    def snapshot(self) -> Snapshot:
        return self.queue.snapshot(self.now())

    @property
    def complete_at(self) -> datetime | None:
        return self.now() - timedelta(seconds=self.lag)

    def hand_over(self, *each: Handover) -> None:
        for one in each:
            self.queue.hand_over(encode(one), int(one.taken_at.timestamp() * 1000))
        self.live.changed()

    async def acknowledge(self, waiting: Waiting, person: str, run: str) -> None:
        if self.away:
            raise UnreachableError("away")
        self.ordered.append((waiting.urgent.handover_id, person))
        if self.decides:
            self.decide(waiting.urgent.handover_id, person, waiting.urgent.jurisdiction)

    def decide(self, name: str, person: str, city: str = CITY) -> None:
        """Let the event log say that a person acknowledged a hand-over."""
        decision = Event(
            event_id="command:1",
            jurisdiction=city,
            at=self.now(),
            author=f"desk/{person}",
            relation="command",
            policy_version="1",
            input=InputRef(command_id="1", topic="t", partition=0, offset=0),
            changes=(event.Acknowledged(handover_id=name),),
        )
        self.queue.decide(encode(decision), int(self.now().timestamp() * 1000))
        self.live.changed()


class Door:
    """One console, its archive and its trail; `at` is its clock."""

    def __init__(self, folder: Path, *tickets: Ticket, **more: Any) -> None:
        self.at = NOW
        self.archive = Archive(*(tickets or (ticket(1), ticket(2, OTHER_CITY))))
        self.trail = Trail(self.archive)
        self.users = Users(folder / "users.json")
        self.sessions = Sessions([KEY], self.users, 12 * 3600)
        self.handovers = Handovers(lambda: self.at)
        self.desk = Desk(
            handovers=self.handovers,
            orders=self.handovers,
            live=self.handovers.live,
            within_seconds=60,
            watching=set(),
        )
        services: dict[str, Any] = {
            "desk": self.desk,
            "search": self.archive,
            "tickets": self.archive,
            "trail": self.trail,
            "users": self.users,
            "sessions": self.sessions,
            "key": KEY,
            "searching": asyncio.Semaphore(MOST),
            "search_seconds": 5.0,
            "tries": Tries(),
            "now": lambda: self.at,
            "calendar": calendars_of()["cn"],
        }
        self.app = Console(Services(**services | more))

    def client(self, address: str = "127.0.0.1") -> httpx.AsyncClient:
        """Return a browser that follows no redirect and says where a request comes from, as browsers do."""
        transport = httpx.ASGITransport(app=self.app, client=(address, 1), raise_app_exceptions=True)
        headers = {"sec-fetch-site": "same-origin", "accept-language": "zh-CN"}
        return httpx.AsyncClient(transport=transport, base_url="https://127.0.0.1", headers=headers)

    def session(self, *roles: str, cities: tuple[str, ...] = (CITY,), name: str = "wang.li") -> Session:
        """Return the session of a person of a provider."""
        return self.sessions.begin(Person(name=name, roles=roles, cities=cities, is_local=False), self.at.timestamp())

    def signed_in(self, *roles: str, cities: tuple[str, ...] = (CITY,)) -> httpx.AsyncClient:
        """Return a browser with a session."""
        client = self.client()
        client.cookies.set("__Host-hotline", self.sessions.written(self.session(*roles, cities=cities)))
        return client


def token(page: str) -> str:
    """Return the session's token that stands on a page."""
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found is not None
    return found[1]
