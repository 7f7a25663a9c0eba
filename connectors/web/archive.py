"""Archive interface of the web channel: masked tickets only; it is injected, and may be unreachable."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from schemas.errors import UnreachableError
from schemas.records import Ticket


class Wanted(Struct, frozen=True, kw_only=True):
    """Filter of a city's requests by time of intake, `start` and `end` inclusive."""

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
        """Return the ticket of the message with this id, or with an id that begins with it."""
        ...

    async def newest(self, wanted: Wanted) -> list[Ticket]:
        """Return the newest requests, none of them confidential or restricted (保密)."""
        ...


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Limit a query of the archive to `seconds`; raises UnreachableError after that."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise UnreachableError("the archive does not answer in time: ask again later") from error
