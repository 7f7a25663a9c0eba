"""One request to a page: who asks, in which language, with which form; and the services that pages use."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from console.asks import Handovers, Orders, Search, Tickets, Trail
from console.limits import Tries
from console.live import Live
from console.oidc import Provider
from console.pages import Page
from console.session import Session, Sessions
from console.templates import render, words
from console.users import Users
from normalizers.rules import DEFAULT_RULES, Rules
from tickets.sla.calendar import Calendar


class Desk(Struct, frozen=True, kw_only=True):
    """What the pages of the desk use; a hand-over that waits for longer than `within_seconds` is overdue."""

    handovers: Handovers
    orders: Orders
    live: Live
    within_seconds: float
    watching: set[str]
    """Sessions of which the audit log says that they watch."""


class Services(Struct, frozen=True, kw_only=True):
    """What the pages use; `origin` is the public URL, `key` signs digests of questions."""

    search: Search
    tickets: Tickets
    trail: Trail
    users: Users
    sessions: Sessions
    key: bytes
    searching: asyncio.Semaphore
    """Searches that may run at once."""
    search_seconds: float
    tries: Tries
    desk: Desk | None = None
    """None in the process that shows masked tickets alone."""
    provider: Provider | None = None
    origin: str | None = None
    rules: Rules = DEFAULT_RULES
    calendar: Calendar | None = None
    """Working days (工作日), for what is left of a deadline."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class Visit(Struct, frozen=True, kw_only=True):
    """One request to a page. `pages` are those of the navigation that its person may see."""

    request: Request
    session: Session | None
    language: str
    now: datetime
    pages: Sequence[Page]
    name: str
    form: tuple[tuple[str, str], ...] = ()

    def with_form(self, form: Sequence[tuple[str, str]]) -> "Visit":
        """Return the visit with the fields that were sent."""
        return replace(self, form=tuple(form))

    @property
    def signed_in(self) -> Session:
        """Return the session; a page for people who signed in has one."""
        if self.session is None:
            raise LookupError("a page for people who signed in was reached without a session")
        return self.session

    @property
    def w(self) -> Mapping[str, Any]:
        """Return the texts in the visit's language."""
        return words(self.language)

    def page(self, template: str, heading: str, *, status: int = 200, **content: Any) -> Response:
        """Return a page; `heading` is a key of the words' `headings`, and of their `messages` for message.html."""
        return render(
            self.request, template, self.language, status=status,
            heading=heading, session=self.session, pages=self.pages, page_name=self.name, now=self.now, **content,
        )  # fmt: skip
