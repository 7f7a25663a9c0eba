"""A downstream system that gets tickets by webhook: it keeps what it takes, and for a while takes nothing."""

import base64
import hashlib
import hmac
import itertools

from aiohttp import web
from msgspec import Struct

from tests.peers.served import Served

WHSEC = "whsec_" + base64.b64encode(b"a key for the fault suite alone!").decode()
NAME = "map"

_REFUSALS = ("429", "500", "503", "lost")
"""While it is `busy`: three answers that ask for another attempt, and none at all to what it has stored."""


class Arrival(Struct, frozen=True, kw_only=True):
    """A delivery that it stored."""

    delivery_id: str
    digest: bytes
    is_signed: bool


class Subscriber(Served):
    """Answers 204 to what it has stored."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port
        self._asked = itertools.count()
        self.busy = False
        self.refused = 0
        self.arrivals: list[Arrival] = []
        """In the order in which they came, repeats among them."""

    async def _serve(self) -> None:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_post("/hooks/tickets", self._take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self._port).start()
        self._ready.set()
        await self._end.wait()
        await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        refusal = _REFUSALS[next(self._asked) % len(_REFUSALS)] if self.busy else None
        self.refused += refusal is not None
        if refusal is None or refusal == "lost":
            self.arrivals.append(_arrival(request, body))
        if refusal == "lost" and request.transport is not None:
            request.transport.abort()
        return web.Response(status=int(refusal) if refusal and refusal.isdecimal() else 204)


def digest(value: bytes) -> bytes:
    """Return what tells one body from another."""
    return hashlib.sha256(value).digest()


def _arrival(request: web.Request, body: bytes) -> Arrival:
    """Verify the signature as docs/how-to/webhooks.md tells receivers to."""
    identifier, sent_at = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
    key = base64.b64decode(WHSEC.removeprefix("whsec_"))
    mac = base64.b64encode(hmac.digest(key, f"{identifier}.{sent_at}.".encode() + body, "sha256"))
    given = request.headers.get("webhook-signature", "").split()
    return Arrival(delivery_id=identifier, digest=digest(body), is_signed=f"v1,{mac.decode()}" in given)
