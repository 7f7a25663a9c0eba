"""A manager interface on loopback, as far as Asterisk's client sees it; each connection plays a script."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

from connectors.base import Emit
from schemas.errors import UnreachableError
from schemas.records import RawMessage

GREETING = b"Asterisk Call Manager/9.0.0\r\n"
SUCCESS = b"Response: Success\r\nMessage: Authentication accepted\r\n\r\n"
REFUSED = b"Response: Error\r\nMessage: Authentication failed\r\n\r\n"

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(script: Script) -> AsyncIterator[int]:
    """Serve every connection by `script`; yields the port."""

    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        for _ in range(3):  # an aborted transport is closed in one of the loop's next turns
            await asyncio.sleep(0)


async def logged_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Greet, take the login and accept it; returns the login."""
    writer.write(GREETING)
    login = await reader.readuntil(b"\r\n\r\n")
    writer.write(SUCCESS)
    return login


class Held(Emit):
    """What Kafka holds; the first `refusals` messages are refused once each."""

    kept: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, refusals: int = 0) -> None:
        self.messages: list[RawMessage] = []
        self.refusals = refusals
        self.lively = 0

    async def __call__(self, message: RawMessage) -> None:
        if self.refusals:
            self.refusals -= 1
            raise UnreachableError("Kafka does not answer")
        self.messages.append(message)

    def alive(self) -> None:
        self.lively += 1

    async def recall(self) -> Mapping[str, Any]:
        return self.kept

    async def keep(self, position: Mapping[str, Any]) -> None:
        self.kept = dict(position)

    @property
    def ids(self) -> list[str]:
        return [message.envelope.id for message in self.messages]
