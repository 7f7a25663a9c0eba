"""A subscriber's system: a real HTTP server that verifies with a library we did not write and answers as told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import NamedTuple

from aiohttp import web
from standardwebhooks import Webhook

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
OLD_SECRET = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY="

Answer = Callable[["Delivered"], Awaitable[web.Response]]


class Delivered(NamedTuple):
    """One verified request."""

    id: str
    body: bytes
    headers: dict[str, str]

    @property
    def ticket(self) -> str:
        return self.id.split(":")[1]


@dataclass
class Receiver:
    """Keeps every request that it verified, in the order of arrival; `answers` are used up, the last one stays."""

    url: str = ""
    got: list[Delivered] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.got]

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        Webhook(SECRET).verify(body, headers, json_parse=False)
        self.got.append(Delivered(headers["webhook-id"], body, headers))
        self.changed.set()
        if not self.answers:
            return web.Response(status=204)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(self.got[-1])

    async def until(self, count: int, seconds: float = 60) -> None:
        """Wait until so many requests came."""
        async with asyncio.timeout(seconds):
            while len(self.got) < count:
                self.changed.clear()
                await self.changed.wait()


def status(number: int, **headers: str) -> Answer:
    """Answer with this status."""

    async def answer(_: Delivered) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=number, headers=named, text="不关你的事")

    return answer


def for_ticket(ticket: str, answer: Answer, otherwise: Answer | None = None) -> Answer:
    """Give this answer for one ticket, another (204) for all the others."""
    other = otherwise or status(204)

    async def chosen(delivered: Delivered) -> web.Response:
        return await (answer if delivered.ticket == ticket else other)(delivered)

    return chosen


async def never(_: Delivered) -> web.Response:
    """Take the request and do not answer."""
    await asyncio.sleep(3600)
    return web.Response()


@asynccontextmanager
async def receiving(port: int = 0, tls: SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Serve on loopback."""
    receiver = Receiver()
    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/hook", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    receiver.url = f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()
