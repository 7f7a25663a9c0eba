"""An HTTP proxy in front of the real Elasticsearch that fails as told: whole answers, or single documents."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import ClientSession, web

Lines = list[bytes]
Fault = Callable[[Lines], "web.Response | list[int | None] | None"]
"""Gets the action lines of a bulk request: an answer instead, a status per document (None: ask the server), or None."""


class Flaky:
    """The proxy; `faults` are used up one per bulk request."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.faults: list[Fault] = []
        self.sizes: list[int] = []

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not request.path.endswith("/_bulk"):
            return await self.forward(request, body)
        lines = body.split(b"\n")[:-1]
        self.sizes.append(len(lines) // 2)
        fault = self.faults.pop(0)(lines[::2]) if self.faults else None
        if isinstance(fault, list):
            return await self.partly(request, lines, fault)
        return fault or await self.forward(request, body)

    async def partly(self, request: web.Request, lines: Lines, statuses: list[int | None]) -> web.Response:
        pairs = list(zip(lines[::2], lines[1::2], strict=True))
        kept = [b"\n".join(pair) + b"\n" for pair, status in zip(pairs, statuses, strict=True) if status is None]
        answer = await self.forward(request, b"".join(kept)) if kept else None
        items = iter(json.loads(answer.body)["items"] if answer else [])
        merged = [next(items) if status is None else _item(status) for status in statuses]
        return _json(200, {"items": merged})

    async def forward(self, request: web.Request, body: bytes) -> web.Response:
        names = ("content-type", "accept")
        headers = {name: request.headers[name] for name in names if name in request.headers}
        async with (
            ClientSession() as session,
            session.request(request.method, f"{self.target}{request.path_qs}", data=body, headers=headers) as answer,
        ):
            passed = {k: v for k, v in answer.headers.items() if k.lower() in ("content-type", "x-elastic-product")}
            return web.Response(status=answer.status, body=await answer.read(), headers=passed)


def whole(status: int, **headers: str) -> Fault:
    """Answer with this status and touch nothing."""
    return lambda _: _json(status, {"error": {"type": "told_so", "reason": "沈阳"}, "status": status}, **headers)


def some(status: int, every: int) -> Fault:
    """Fail every n-th document."""
    return lambda lines: [status if n % every == 0 else None for n in range(len(lines))]


def larger_than(limit: int) -> Fault:
    """Refuse requests of more documents with 413."""
    return lambda lines: _json(413, {}) if len(lines) > limit else None


@asynccontextmanager
async def flaky(target: str) -> AsyncIterator[tuple[Flaky, str]]:
    """Serve the proxy on a free port; gives it and its URL."""
    proxy = Flaky(target)
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{tail:.*}", proxy.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield proxy, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _item(status: int) -> dict[str, object]:
    return {"index": {"status": status, "error": {"type": "told_so", "reason": "busy"}}}


def _json(status: int, content: object, **headers: str) -> web.Response:
    headers |= {
        "content-type": "application/vnd.elasticsearch+json;compatible-with=9",
        "x-elastic-product": "Elasticsearch",
    }
    return web.Response(status=status, body=json.dumps(content).encode(), headers=headers)
