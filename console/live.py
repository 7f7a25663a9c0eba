"""Live parts of pages: rendered once for each audience, sent to many browsers as server-sent events.

::

    a follower ── changed() ──► Live ──► stream ──► browser      event "part": the HTML, if it is another than before
                                   └──► stream ──► browser      event "beat": the server's time, every 5 seconds

A slow browser makes nothing wait and piles nothing up: its stream sends the newest part when it can.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import aclosing, suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from console import metrics
from schemas.errors import UnreachableError

BEAT_SECONDS = 5.0
"""Pages call themselves stale after 15 seconds, so two beats may be lost."""

RENDER_SECONDS = 0.5
"""A part is rendered twice a second at most: a hand-over has to be on the screen within a second."""

STREAMS_MAX = 500
"""Open streams; more are answered 503."""

SEND_SECONDS = 20.0
"""A browser that takes nothing for so long is hung up; it connects again."""

_AUDIENCES = 200
"""Rendered parts that are kept."""


class Live:
    """One source of changes and the streams that show it. For one event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._version = 0
        self._turn = asyncio.Event()
        self._closed = False
        self._streams = 0
        self._rendered: OrderedDict[Hashable, tuple[int, float, str]] = OrderedDict()

    def changed(self) -> None:
        """Let every stream look for a new part."""
        self._version += 1
        self._wake()

    def close(self) -> None:
        """End all streams: the server stops."""
        self._closed = True
        self._wake()

    def open(self) -> None:
        """Raise UnreachableError if there are too many streams."""
        if self._streams >= STREAMS_MAX:
            raise UnreachableError("too many live pages at once")

    async def stream(
        self, audience: Hashable, render: Callable[[], str], beat: Callable[[], str], may_go_on: Callable[[], bool]
    ) -> AsyncGenerator[str]:
        """Yield the events of one page until its session ends or the server stops.

        `render` and `beat` return the data of the events; the same `audience` gets the same part.
        """
        self._streams += 1
        metrics.STREAMS.set(self._streams)
        sent: str | None = None
        try:
            while not self._closed and may_go_on():
                yield _event("beat", beat())
                due = self._clock() + BEAT_SECONDS
                while not self._closed and (left := due - self._clock()) > 0:
                    turn, version = self._turn, self._version
                    part, wait = self._part(audience, render)
                    if part is not None and part != sent:
                        sent = part
                        yield _event("part", part)
                    if version == self._version:
                        with suppress(TimeoutError):
                            async with asyncio.timeout(min(left, wait)):
                                await turn.wait()
            if self._closed and sent is None:
                yield _event("part", render())
        finally:
            self._streams -= 1
            metrics.STREAMS.set(self._streams)

    def _part(self, audience: Hashable, render: Callable[[], str]) -> tuple[str | None, float]:
        """Return the newest part, and how long to wait before the next look if nothing changes."""
        version, at, part = self._rendered.get(audience, (-1, -RENDER_SECONDS, ""))
        if version == self._version:
            return part, BEAT_SECONDS
        if (early := at + RENDER_SECONDS - self._clock()) > 0:
            return None, early
        part = render()
        self._rendered[audience] = (self._version, self._clock(), part)
        self._rendered.move_to_end(audience)
        while len(self._rendered) > _AUDIENCES:
            self._rendered.popitem(last=False)
        return part, BEAT_SECONDS

    def _wake(self) -> None:
        turn, self._turn = self._turn, asyncio.Event()
        turn.set()


class EventStream(Response):
    """Server-sent events of an iterator; a proxy must not gather them."""

    def __init__(self, events: AsyncGenerator[str]) -> None:
        super().__init__(None, headers={"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the iterator ends, or the browser goes away or takes nothing."""
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            sending.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        with suppress(TimeoutError):
            async with aclosing(self._events) as events:
                async for one in events:
                    async with asyncio.timeout(SEND_SECONDS):
                        await send({"type": "http.response.body", "body": one.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _event(name: str, data: str) -> str:
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {name}\n{lines}\n"
