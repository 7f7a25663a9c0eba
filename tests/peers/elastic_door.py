"""A door before the real Elasticsearch, which has no security here: TLS, and an API key that it checks.

It answers as Elasticsearch's own security does: 401 without a key, 403 for what the key's role may not do.
"""

import base64
import json
import secrets
import ssl
from collections.abc import Callable

from aiohttp import ClientSession, web

from tests.peers import elastic_roles
from tests.peers.certificates import Authority, Issued
from tests.peers.served import Served

_PASSED = ("content-type", "accept")
_KEPT = ("content-type", "x-elastic-product")


class ElasticDoor(Served):
    """Serves HTTPS on a free port in a thread of its own; `with` begins and ends it.

    `api_key` may do everything, `keys` has one for each role of `deploy/elasticsearch-roles.json`. `forbidden` says
    which (method, path) nobody may do; `changed` may give another body for an answer. A door that `asks` lets in
    a client with a certificate of this authority.
    """

    def __init__(self, target: str, authority: Authority, key: Issued, *, asks: bool = False) -> None:
        super().__init__()
        self._target = target
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(key.file)
        if asks:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(authority.certificate)
        self.authority = authority
        self.api_key = _made_up()
        self.keys = {role: _made_up() for role in elastic_roles.roles()}
        self.forbidden: Callable[[str, str], bool] = lambda method, path: False
        self.changed: Callable[[str, bytes], bytes] = lambda path, body: body
        self.refused: list[tuple[str, str, int]] = []
        self.url = ""

    async def _serve(self) -> None:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{tail:.*}", self._handle)
        runner = web.AppRunner(app)
        await runner.setup()
        async with ClientSession() as self._session:
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._context)
            await site.start()
            self.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
            self._ready.set()
            await self._end.wait()
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        if status := self._refusal(request):
            self.refused.append((request.method, request.path, status))
            return _security(status)
        headers = {name: request.headers[name] for name in _PASSED if name in request.headers}
        url, body = f"{self._target}{request.path_qs}", await request.read()
        async with self._session.request(request.method, url, data=body, headers=headers) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() in _KEPT}
            return web.Response(
                status=answer.status, body=self.changed(request.path, await answer.read()), headers=kept
            )

    def _refusal(self, request: web.Request) -> int:
        key = request.headers.get("authorization", "").removeprefix("ApiKey ")
        if self.forbidden(request.method, request.path):
            return 403
        if key == self.api_key:
            return 0
        role = next((elastic_roles.roles()[name] for name, known in self.keys.items() if known == key), None)
        if role is None:
            return 401
        return 0 if elastic_roles.allows(role, request.method, request.path) else 403


def _made_up() -> str:
    return base64.b64encode(f"id-{secrets.token_hex(4)}:{secrets.token_hex(8)}".encode()).decode()


def _security(status: int) -> web.Response:
    error = {"type": "security_exception", "reason": "refused"}
    body = json.dumps({"error": {"root_cause": [error], **error}, "status": status})
    return web.Response(status=status, text=body, content_type="application/json")
