"""Proxies on loopback: one cuts every connection, one answers for Elasticsearch as an overloaded cluster does."""

import asyncio
import io
import json
from typing import Any, Literal

from aiohttp import ClientError, ClientSession, web

from tests.peers.served import Served

Mood = Literal["calm", "429", "503", "partial"]

_PASSED = ("content-type", "accept")
_KEPT = ("content-type", "x-elastic-product")


class Cutter(Served):
    """Forwards a port of ours to another; `cut` resets every connection at once.

    While it is silent connections stay and nothing comes through; while it is `curt` each new one is ended at once.
    `most` bytes of an answer come through, where that is a number, and then its connection is reset.
    """

    def __init__(self, port: int, target: int) -> None:
        super().__init__()
        self._speaks = asyncio.Event()
        self._speaks.set()
        self.most: int | None = None
        self.curt = False
        self.taken = 0
        """Connections that were made."""
        self.port, self._target = port, target
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Reset all connections, in both directions."""
        self._loop.call_soon_threadsafe(self._reset)

    def silence(self) -> None:
        """Let nothing through."""
        self._loop.call_soon_threadsafe(self._speaks.clear)

    def speak(self) -> None:
        """Let everything through again, what came meanwhile first."""
        self._loop.call_soon_threadsafe(self._speaks.set)

    def _reset(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self._ready.set()
        await self._end.wait()
        server.close()
        self._reset()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _accept(self, ours: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._serving.add(task)
        pair = {back}
        self._writers.add(back)
        self.taken += 1
        try:
            if self.curt:
                return
            theirs, on = await asyncio.open_connection("127.0.0.1", self._target)
            pair.add(on)
            self._writers.add(on)
            await asyncio.gather(self._forward(ours, on), self._forward(theirs, back, is_answer=True))
        except OSError:
            pass
        finally:
            self._writers -= pair
            self._serving.discard(task)
            for writer in pair:
                writer.transport.abort()

    async def _forward(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, is_answer: bool = False
    ) -> None:
        try:
            while data := await source.read(1 << 16):
                await self._speaks.wait()
                most = self.most if is_answer else None
                target.write(data[:most])
                await target.drain()
                if most is not None:
                    break
        except OSError:
            pass
        finally:
            target.close()


class ElasticGate(Served):
    """Forwards HTTP to the real Elasticsearch, unless its mood is to answer itself.

    `429` and `503` refuse whole requests; `partial` refuses every third document of a bulk request with the item error
    of a full queue, and lets the others through.
    """

    def __init__(self, port: int, target: str) -> None:
        super().__init__()
        self._port, self._target = port, target
        self.mood: Mood = "calm"
        self.refused = 0

    async def _serve(self) -> None:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{tail:.*}", self._handle)
        runner = web.AppRunner(app)
        await runner.setup()
        async with ClientSession(auto_decompress=True) as self._session:
            await web.TCPSite(runner, "127.0.0.1", self._port).start()
            self._ready.set()
            await self._end.wait()
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.mood in ("429", "503"):
            self.refused += 1
            return _refusal(int(self.mood))
        chosen = self._chosen(body) if self.mood == "partial" and request.path.endswith("/_bulk") else None
        passed = b"".join(chosen[0]) if chosen else body
        try:
            answer = await self._passed(request, passed) if passed or not chosen else None
        except (ClientError, OSError):
            return _refusal(503)
        return _merged(answer, chosen[1]) if chosen else answer or _refusal(503)

    async def _passed(self, request: web.Request, body: bytes) -> web.Response:
        headers = {name: request.headers[name] for name in _PASSED if name in request.headers}
        url = f"{self._target}{request.path_qs}"
        async with self._session.request(request.method, url, data=io.BytesIO(body), headers=headers) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() in _KEPT}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    def _chosen(self, body: bytes) -> tuple[list[bytes], list[dict[str, str] | None]]:
        """Return the lines that go on, and for each document None or the action that is refused."""
        lines = body.splitlines(keepends=True)
        passed: list[bytes] = []
        verdicts: list[dict[str, str] | None] = []
        for number, (action, document) in enumerate(zip(lines[::2], lines[1::2], strict=True)):
            if number % 3 == 2:
                verdicts.append(next(iter(json.loads(action).values())))
                self.refused += 1
            else:
                passed += [action, document]
                verdicts.append(None)
        return passed, verdicts


def _merged(answer: web.Response | None, verdicts: list[dict[str, str] | None]) -> web.Response:
    """Return the real answer with the refused documents' items in their places."""
    if answer is not None and answer.status != 200:
        return answer
    told: Any = (
        json.loads(answer.body) if answer is not None and isinstance(answer.body, bytes) else {"took": 0, "items": []}
    )
    real = iter(told["items"])
    told["items"] = [next(real) if refused is None else _item(refused) for refused in verdicts]
    told["errors"] = True
    return web.json_response(told, headers={"x-elastic-product": "Elasticsearch"})


def _item(action: dict[str, str]) -> dict[str, object]:
    error = {"type": "es_rejected_execution_exception", "reason": "the queue is full"}
    return {"index": {"_index": action.get("_index"), "_id": action.get("_id"), "status": 429, "error": error}}


def _refusal(status: int) -> web.Response:
    error = {"type": "es_rejected_execution_exception", "reason": "the cluster is overloaded"}
    body = {"error": {"root_cause": [error], **error}, "status": status}
    return web.json_response(body, status=status, headers={"x-elastic-product": "Elasticsearch"})
