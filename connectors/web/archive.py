"""What the web door asks of the archive: masked tickets, and nothing else; it is handed in, and may be down."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from schemas.errors import UnreachableError
from schemas.records import Ticket


class Wanted(Struct, frozen=True, kw_only=True):
    """Which requests of a city are asked for, by when they came in: `start` inclusive, `end` too."""

    jurisdiction: str
    start: datetime
    end: datetime
    codes: Sequence[str] = ()
    closed: bool | None = None
    limit: int = 1000


class Archive(Protocol):
    """Masked tickets. Raises UnreachableError, MisconfiguredError or SchemaError."""

    async def ticket(self, name: str) -> Ticket | None:
        """Return the ticket of an id or an official number."""
        ...

    async def filed(self, message: str) -> Ticket | None:
        """Return the ticket that the message with this id, or the beginning of it, was filed in."""
        ...

    async def newest(self, wanted: Wanted) -> list[Ticket]:
        """Return the newest requests, none of them confidential or restricted (保密)."""
        ...


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Give the archive so long; raises UnreachableError after that."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise UnreachableError("the archive does not answer in time: ask again later") from error
