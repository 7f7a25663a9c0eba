"""The receiver against OWASP ASVS 5.0: each test is named by the point it proves (docs/reference/security.md)."""

import ast
import hmac
import json
import logging
import re
import socket
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
import structlog
from msgspec.structs import replace
from starlette.requests import Request as Asked
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs

import broker
import connectors
import hotline
import normalizers
import schemas
import sinks
import storage
import streams
import tickets
from connectors import metrics
from connectors.backoffice import api as backoffice
from connectors.base import Request
from connectors.http.middleware import SAFE
from connectors.http.server import Receiver, ReceiverSettings
from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import DurablePublisher
from connectors.web.routes import WebDoor
from connectors.web.service import Tools
from connectors.web.settings import WebSettings
from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas.records import RawMessage
from tests.connectors.backoffice import test_door as office
from tests.connectors.phone import posts
from tests.connectors.serving import free_port, running
from tests.connectors.sms_http import gateways
from tests.connectors.web import doors
from tests.connectors.wechat import callbacks as platform
from tests.connectors.wechat import test_corporate as company
from tests.connectors.weibo import pushes

PLANTED = "13912345678"
HEALTHY: Mapping[str, Callable[[], Request]] = {
    "/wechat": lambda: platform.push(platform.text()),
    "/wecom": lambda: company.push(company.TEXT),
    "/sms/twilio": gateways.twilio,
    "/weibo": lambda: pushes.push(pushes.text()),
    "/phone": lambda: posts.signed(posts.RECORD),
}
FORGED: Mapping[str, Callable[[], Request]] = {
    "/wechat": lambda: platform.push(platform.text(), token="stranger"),
    "/wecom": lambda: company.push(company.TEXT, token="stranger"),
    "/sms/twilio": lambda: gateways.twilio(token="stranger"),
    "/weibo": lambda: pushes.push(pushes.text(), secret="stranger"),
    "/phone": lambda: posts.signed(posts.RECORD, secret="s" * 32),
}
PAGES = ("/web", "/web/style.css", "/web/status", f"{doors.BASE}/services.json", f"{doors.BASE}/services.xml")
NOBODYS = ("/", "/nobody", "/metrics", "/docs", "/openapi.json", "/.git/config", "/static/", "/healthz/", "/web/../x")

every_door = pytest.mark.parametrize("path", HEALTHY)


class Doors:
    """One receiver with every door, and the Kafka behind it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kafka, self.orders = doors.Kafka(), office.Kafka()

    def app(self, more: tuple[Route, ...] = (), **settings: Any) -> Receiver:
        push = {
            "/wechat": platform.account(),
            "/wecom": company.company(),
            "/sms/twilio": gateways.account(),
            "/weibo": pushes.account(),
            "/phone": posts.account(),
        }
        orders = backoffice.BackOffice({"crm1": office.key()}, self.orders, self.orders.find, 5, lambda: office.NOW)
        clients = {"myapp": {"api_keys": [doors.API_KEY]}}
        web = WebDoor(WebSettings(jurisdiction=doors.CITY, clients=clients, open311=True), "city")  # type: ignore[arg-type] # as a settings file says it
        tools = Tools(archive=doors.Archive(), policy=Policy(), query_key=doors.QUERY_KEY, now=lambda: doors.NOW)
        chosen = ReceiverSettings(**settings)
        return Receiver(
            push,
            DurablePublisher.of_journal(self.kafka, Journal(self.folder / "journal"), chosen.publish_timeout_seconds),
            chosen,
            doors=[*orders.routes(), *more],
            keeping=[lambda keep: web.routes(tools, keep)],
        )

    @asynccontextmanager
    async def open(self, *more: Route, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
        app = self.app(more, **settings)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://city") as client:
            yield client


@pytest.fixture
def every(tmp_path: Path) -> Doors:
    return Doors(tmp_path)


@pytest.fixture
def port(every: Doors) -> Iterator[int]:
    """A receiver on a socket."""
    chosen = {"port": free_port(), "idle_timeout_seconds": 2, "body_timeout_seconds": 2.0}
    with running(every.app(**chosen), ReceiverSettings(**chosen)):
        yield int(chosen["port"])


async def ask(client: httpx.AsyncClient, path: str, asked: Request, **changes: Any) -> httpx.Response:
    several = [(name, value) for name, values in asked.query.items() for value in values]
    given = {"params": several, "headers": dict(asked.headers), "content": asked.body}
    return await client.request(asked.method, path, **(given | changes))


def order(**changes: Any) -> tuple[bytes, dict[str, str]]:
    """Return a signed command."""
    body = json.dumps(office.order(**changes)).encode()
    return body, office.signed(body)


def said(port: int, data: bytes) -> bytes:
    """Send bytes to the socket and return all that comes back until it is closed."""
    with closing(socket.create_connection(("127.0.0.1", port), 30)) as calling:
        calling.settimeout(60)
        calling.sendall(data)
        found = b""
        try:
            while piece := calling.recv(65536):
                found += piece
        except ConnectionError:
            pass
        return found


def statuses(answer: bytes) -> list[int]:
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3})", answer)]


# V1 Encoding and sanitization


async def test_v1_2_1_what_a_citizen_wrote_is_text_in_every_answer(every: Doors) -> None:
    script = '"><script>alert(1)</script>'
    async with every.open() as client:
        form = await client.post("/web", data={"text": "", "title": script, "name": script})
        xml = await client.get(f"{doors.BASE}/services/{script}.xml")
        listed = await client.get(f"{doors.BASE}/requests.xml", params={"status": script})
    for answer in (form, xml, listed):
        assert 400 <= answer.status_code < 500
        assert "<script" not in answer.text


async def test_v1_1_1_what_was_encoded_twice_is_decoded_once(every: Doors) -> None:
    said = "%E8%B7%AF &lt;b&gt; &amp;#65; \\u706f 路灯坏了"
    async with every.open() as client:
        page = (await client.get("/web")).text
        stamp = page.partition('name="stamp" value="')[2].partition('"')[0]
        assert (await client.post("/web", data={"stamp": stamp, "text": said})).status_code == 303
        request = doors.request(description=said)
        assert (await client.post(f"{doors.BASE}/requests.json", data=request)).status_code == 200
        assert (await ask(client, "/wechat", platform.push(platform.text(content=said)))).status_code == 200
    texts = [normalize(one, Policy()).message.text for one in every.kafka.held]
    assert [text.partition("\n")[0] for text in texts] == [said] * 3


class Addresses(HTMLParser):
    """What a browser would follow or load of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        leading = {"href", "src", "action", "formaction", "data", "content"} - ({"content"} if tag == "meta" else set())
        self.found += [value or "" for name, value in attrs if name in leading]


async def test_v1_2_2_every_address_on_a_page_is_one_of_ours(every: Doors) -> None:
    """Whatever a stranger puts into a question: no scheme of theirs, no parameter, no host."""
    for nasty in ("javascript:alert(1)", "//evil.example", "zh&x=1#", 'zh"><a href="data:,x'):
        async with every.open() as client:
            asked = dict.fromkeys(("lang", "number", "code", "receipt", "channel", "source"), nasty)
            answers = [await client.get(path, params=asked) for path in ("/web", "/web/status")]
            answers.append(await client.post("/web", data=asked | {"text": "", "title": nasty, "stamp": nasty}))
        for answer in answers:
            page = Addresses(answer.text)
            ours = r"/web(/[a-z.-]+)*(\?lang=(zh|en))?|tel:[0-9]+|#[a-z_]*|"
            assert page.found
            assert [one for one in page.found if not re.fullmatch(ours, one)] == []


async def test_v1_3_6_an_address_that_a_stranger_names_is_asked_by_nobody(every: Doors) -> None:
    """`--disable-socket` would fail any attempt."""
    fields = doors.request(media_url="http://169.254.169.254/latest/meta-data/")
    async with every.open() as client:
        answer = await client.post(f"{doors.BASE}/requests.json", data=fields)
    assert answer.status_code == 200
    assert normalize(every.kafka.held[0], Policy()).message.attachments == ()


async def test_v1_5_1_no_entity_of_a_callback_is_resolved(every: Doors) -> None:
    bomb = '<!DOCTYPE xml [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + platform.text(content="&x;")
    async with every.open() as client:
        answer = await ask(client, "/wechat", platform.push(bomb))
    assert answer.status_code == 200, "the platform signed it: a person looks at the dead letter"
    assert b"root:" not in every.kafka.held[0].value
    assert every.kafka.held[0].envelope.sender is None


# V2 Validation and business logic


async def test_v2_4_1_one_subscriber_cannot_flood_the_form(every: Doors) -> None:
    async with every.open() as client:
        page = (await client.get("/web")).text
        stamp = page.partition('name="stamp" value="')[2].partition('"')[0]
        sent = [await client.post("/web", data={"stamp": stamp, "text": f"路灯{number}"}) for number in range(40)]
    codes = [answer.status_code for answer in sent]
    assert set(codes) == {303, 429}
    assert "retry-after" in sent[-1].headers


async def test_v2_2_2_what_the_page_forbids_the_door_refuses_by_itself(every: Doors) -> None:
    """There is no script; what a browser would not send is sent without one."""
    async with every.open() as client:
        page = (await client.get("/web")).text
        stamp = page.partition('name="stamp" value="')[2].partition('"')[0]
        assert "required" in page
        for fields in ({"text": ""}, {"text": "路" * 100_001}, {"text": "路灯", "title": "路" * 10_000}):
            answer = await client.post("/web", data={"stamp": stamp} | fields)
            assert answer.status_code in (400, 413), fields.keys()
    assert every.kafka.held == []


# V3 Web frontend


@pytest.mark.parametrize("path", [*PAGES, *NOBODYS, *HEALTHY, "/commands", "/healthz", "/readyz"])
async def test_v3_4_every_answer_tells_a_browser_what_it_is_not(every: Doors, path: str) -> None:
    """3.4.3 CSP, 3.4.4 nosniff, 3.4.5 Referrer-Policy, 3.4.6 frame-ancestors; 14.3.2 no-store."""
    async with every.open() as client:
        for method in ("GET", "POST"):
            headers = (await client.request(method, path)).headers
            policy = headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert all(part in policy for part in ("default-src 'none'", "frame-ancestors 'none'"))
            assert "base-uri 'none'" in policy or "html" not in headers.get("content-type", "")
            assert "script-src" not in policy
            assert headers["referrer-policy"] in ("no-referrer", "same-origin")
            assert headers["cache-control"] == (
                "no-store" if path != "/web/style.css" or method == "POST" else "max-age=3600"
            )


async def test_v3_4_2_other_origins_may_read_what_everybody_may_and_nothing_else(every: Doors) -> None:
    """Open311 is for apps in browsers; it knows no cookie, and its answers are the masked ones."""
    async with every.open() as client:
        for path in (*PAGES, *HEALTHY, "/commands"):
            asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
            for method in ("GET", "OPTIONS"):
                answer = await client.request(method, path, headers=asked)
                given = {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}
                assert given == ({"access-control-allow-origin": "*"} if path.startswith(doors.BASE) else {})


async def test_v3_5_1_another_sites_page_cannot_send_the_form(every: Doors) -> None:
    async with every.open() as client:
        page = (await client.get("/web")).text
        stamp = page.partition('name="stamp" value="')[2].partition('"')[0]
        fields = {"text": "路灯", "stamp": stamp}
        crossed = await client.post("/web", data=fields, headers={"Sec-Fetch-Site": "cross-site"})
        unstamped = await client.post("/web", data={"text": "路灯"})
        own = await client.post("/web", data=fields, headers={"Sec-Fetch-Site": "same-origin"})
    assert (crossed.status_code, unstamped.status_code, own.status_code) == (403, 400, 303)
    assert len(every.kafka.held) == 1
    assert not any("set-cookie" in answer.headers for answer in (crossed, unstamped, own)), "3.3: there is no cookie"


async def test_v3_5_3_to_look_changes_nothing(every: Doors) -> None:
    async with every.open() as client:
        for path in (*PAGES, *HEALTHY, f"{doors.BASE}/requests.json", "/commands"):
            for method in ("GET", "HEAD", "OPTIONS"):
                await client.request(method, path, params={"text": "路灯", "api_key": doors.API_KEY})
    assert every.kafka.held == []
    assert every.orders.held == []


@pytest.mark.parametrize("language", ["//evil.example", "en\r\nLocation: https://evil.example", "https://evil.example"])
async def test_v3_7_2_a_redirect_leads_nowhere_else(every: Doors, language: str) -> None:
    async with every.open() as client:
        page = (await client.get("/web")).text
        stamp = page.partition('name="stamp" value="')[2].partition('"')[0]
        answer = await client.post("/web", data={"stamp": stamp, "text": "路灯", "lang": language})
    assert answer.status_code == 303
    assert re.fullmatch(r"/web/receipt/[a-z2-7-]+\?lang=zh", answer.headers["location"])


@pytest.mark.parametrize("path", ["/web/", "/web/receipt/abc/", "/healthz/", "/web/open311/v2/services.json/"])
async def test_v3_7_2_a_slash_too_many_leads_to_no_host_that_a_stranger_names(every: Doors, path: str) -> None:
    async with every.open() as client:
        answer = await client.get(path, headers={"host": "evil.example"})
    assert (answer.status_code, answer.headers.get("location")) == (404, None)


# V4 API and web service


@pytest.mark.parametrize("path", [*PAGES, *NOBODYS, *HEALTHY, "/commands"])
async def test_v4_1_1_the_content_type_says_what_the_body_is(every: Doors, path: str) -> None:
    async with every.open() as client:
        for method in ("GET", "POST"):
            answer = await client.request(method, path)
            kind = answer.headers.get("content-type", "")
            if not answer.content:
                continue
            assert kind
            assert "json" in kind or "charset=utf-8" in kind
            if "json" in kind:
                answer.json()
            answer.content.decode()


async def test_v4_1_3_a_callers_own_word_for_its_address_is_not_believed(every: Doors) -> None:
    """Only what `trusted_proxies` added counts; test_receiver.py has the addresses of several proxies."""
    gateway = gateways.account("aliyun")
    app = Receiver(
        {f"/sms/{gateways.SECRET}": gateway}, DurablePublisher.of_journal(every.kafka, Journal(every.folder / "other"))
    )
    transport = httpx.ASGITransport(app, client=("198.51.100.9", 1))
    headers = {
        "X-Forwarded-For": gateways.GATEWAY,
        "X-Real-IP": gateways.GATEWAY,
        "Forwarded": f"for={gateways.GATEWAY}",
    }
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://city") as client:
        answer = await client.post(f"/sms/{gateways.SECRET}", content=gateways.aliyun().body, headers=headers)
    assert answer.status_code == 403
    assert every.kafka.held == []


@every_door
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_v4_1_4_other_methods_are_refused(every: Doors, path: str, method: str) -> None:
    async with every.open() as client:
        answer = await ask(client, path, replace(HEALTHY[path](), method=method))
    assert answer.status_code in (403, 405)
    assert every.kafka.held == []


@every_door
async def test_v4_1_5_only_what_the_platform_signed_is_taken(every: Doors, path: str) -> None:
    async with every.open() as client:
        assert (await ask(client, path, FORGED[path]())).status_code in (401, 403)
        assert every.kafka.held == []
        assert (await ask(client, path, HEALTHY[path]())).status_code == 200
    assert len(every.kafka.held) == 1


async def test_v4_1_5_a_command_is_signed_with_all_that_it_says(every: Doors) -> None:
    body, headers = order()
    async with every.open() as client:
        changed = await client.post("/commands", content=body.replace(b"0001", b"0002"), headers=headers)
        elsewhere = await client.post("/commands?x=1", content=body, headers=headers)
        right = await client.post("/commands", content=body, headers=headers)
    assert (changed.status_code, elsewhere.status_code, right.status_code) == (401, 401, 202)
    assert len(every.orders.held) == 1


SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Smuggled: yes\r\n\r\n"
DOUBTFUL: Mapping[str, bytes] = {
    "length beside chunks": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 54\r\n",
    "a list of lengths": b"Content-Length: 0, 54\r\n",
    "a length with a sign": b"Content-Length: +0\r\n",
    "a length that is no number": b"Content-Length: 0x0\r\n",
    "a blank before the colon": b"Content-Length : 0\r\n",
    "another coding": b"Transfer-Encoding: xchunked\r\n",
    "chunks twice": b"Transfer-Encoding: chunked, chunked\r\n",
    "a NUL in a field": b"X: a\x00b\r\nContent-Length: 0\r\n",
    "a bare CR in a field": b"X: a\rContent-Length: 54\r\nContent-Length: 0\r\n",
}


@pytest.mark.integration
def test_v4_2_1_where_a_request_ends_is_never_in_doubt(port: int, every: Doors) -> None:
    """Whatever is doubtful is refused with its connection: nothing behind it is taken for a request."""
    for name, lines in DOUBTFUL.items():
        found = statuses(said(port, b"POST /web HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n" + b"0\r\n\r\n" + SMUGGLED))
        assert found in ([400], [501], []), name
    whole = b"POST /phone HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" + SMUGGLED.replace(
        b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"
    )
    assert statuses(said(port, whole)) == [401, 200], "two requests that are whole are two"
    assert every.kafka.held == []


# V5 Files


@every_door
@pytest.mark.parametrize("declared", [True, False])
async def test_v5_2_1_a_body_over_the_limit_is_refused_and_not_held(every: Doors, path: str, declared: bool) -> None:
    """64 MiB: said in the header, or found out while it comes."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"x" * (1 << 20)

    async with every.open() as client:
        tracemalloc.start()
        try:
            known = HEALTHY[path]()
            headers = dict(known.headers) | ({"content-length": str(64 << 20)} if declared else {})
            answer = await ask(client, path, known, content=pieces(), headers=headers)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert answer.status_code == 413
    assert peak < 16 << 20
    assert every.kafka.held == []


@pytest.mark.parametrize("path", ["/wechat", "/weibo"])
async def test_v5_2_1_nothing_of_a_strangers_body_is_read_where_the_head_tells_who_he_is(
    every: Doors, path: str
) -> None:
    asked = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal asked
        asked += 1
        yield b"x"

    async with every.open() as client:
        assert (await ask(client, path, FORGED[path](), content=pieces())).status_code == 403
    assert asked == 0


def send_on(peer: socket.socket, piece: bytes) -> NoReturn:
    while True:
        peer.sendall(piece)
        time.sleep(0.01)


@pytest.mark.integration
@pytest.mark.parametrize("declared", [True, False])
def test_v5_2_1_who_sends_on_after_the_refusal_is_hung_up_on(port: int, declared: bool) -> None:
    framing = f"content-length: {1 << 40}" if declared else "transfer-encoding: chunked"
    piece = b"10000\r\n" + b"x" * (1 << 16) + b"\r\n"
    with closing(socket.create_connection(("127.0.0.1", port))) as peer:
        peer.sendall(f"POST /phone HTTP/1.1\r\nhost: city\r\n{framing}\r\n\r\n".encode() + piece * 2)
        assert peer.recv(1 << 16).startswith(b"HTTP/1.1 413 ")
        with pytest.raises(ConnectionError):
            send_on(peer, piece)


async def test_v5_2_1_so_is_one_of_the_web_doors_and_of_the_back_offices(every: Doors) -> None:
    async with every.open() as client:
        for path in ("/web", f"{doors.BASE}/requests.json", "/commands"):
            headers = {"content-type": "application/json", "content-length": str(1 << 36)}
            assert (await client.post(path, content=b"{}", headers=headers)).status_code == 413, path
    assert every.kafka.held == []
    assert every.orders.held == []


async def test_v5_2_3_a_compressed_body_is_not_unpacked(every: Doors) -> None:
    """The web door says 415; to the others it is a body that nobody signed, or bytes that no normalizer unpacks."""
    bomb = b"\x1f\x8b\x08\x00" + b"\x00" * 60
    async with every.open() as client:
        for path in ("/web", f"{doors.BASE}/requests.json"):
            answer = await client.post(path, content=bomb, headers={"content-encoding": "gzip"})
            assert answer.status_code == 415
        answer = await ask(client, "/phone", posts.signed(bomb))
    assert answer.status_code == 422
    assert every.kafka.held[0].value == bomb


async def test_v5_3_2_no_name_of_a_file_is_a_path(every: Doors) -> None:
    name = "../../../etc/cron.d/x\x00.jpg"
    files = {"media": (name, b"\xff\xd8", "image/jpeg")}
    async with every.open() as client:
        answer = await client.post(f"{doors.BASE}/requests.json", data=doors.request(), files=files)
    assert answer.status_code == 200
    made = normalize(every.kafka.held[0], Policy())
    (blob,), (file,) = made.blobs, made.message.attachments
    assert re.fullmatch(rf"{doors.CITY}/[a-z2-7]{{26}}/[0-9a-f]{{64}}", blob.path)
    assert file.name is not None
    assert not set("/\\\x00") & set(file.name)


@pytest.mark.parametrize(
    "path", ["/web/../../etc/passwd", "/web/..%2f..%2fetc%2fpasswd", "/web/style.css/../form.py", "//etc/passwd"]
)
async def test_v5_3_2_no_path_of_a_request_is_a_file(every: Doors, path: str) -> None:
    async with every.open() as client:
        answer = await client.get(path)
    assert answer.status_code in (404, 307, 200)
    assert "root:" not in answer.text
    assert "import " not in answer.text


# V9 and V11 Tokens, comparison


async def test_v9_1_1_a_receipt_that_we_did_not_sign_opens_nothing(every: Doors) -> None:
    async with every.open() as client:
        for receipt in ("a" * 26, f"{'a' * 26}-{'b' * 16}", "../../x", "a%00b"):
            answer = await client.get(f"/web/receipt/{receipt}")
            assert answer.status_code == 404


STALE: Mapping[str, Callable[[], Request]] = {
    "/wechat": lambda: platform.push(platform.text(), timestamp=str(int(platform.STAMP) - 3600)),
    "/wecom": lambda: company.push(company.TEXT, timestamp=str(int(company.STAMP) - 3600)),
    "/weibo": lambda: pushes.push(pushes.text(), timestamp=str(int(pushes.STAMP) - 3600)),
    "/phone": lambda: posts.signed(posts.RECORD, at=posts.NOW.timestamp() - 3600),
}


@pytest.mark.parametrize("path", STALE)
async def test_v9_2_1_what_was_signed_long_ago_is_refused(every: Doors, path: str) -> None:
    async with every.open() as client:
        assert (await ask(client, path, STALE[path]())).status_code in (401, 403)
    assert every.kafka.held == []


@every_door
async def test_v11_2_4_signatures_are_compared_in_constant_time(
    every: Doors, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[int] = []
    honest = hmac.compare_digest

    def watched(one: Any, other: Any) -> bool:
        compared.append(len(one))
        return honest(one, other)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    async with every.open() as client:
        await ask(client, path, FORGED[path]())
    assert compared


def plainly_compared(source: str) -> list[str]:
    """Return the names like a secret's that `==` or `in` looks at: its time tells how much of a guess is right."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In):
            names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
            found += [name for name in names if re.search("secret|signature|api_key|hmac|signed", name)]
    return found


def test_v11_2_4_no_door_compares_a_secret_otherwise() -> None:
    assert plainly_compared("if signature == wanted: pass") == ["signature"]
    files = Path(connectors.__path__[0]).rglob("*.py")
    assert {file.name: found for file in files if (found := plainly_compared(file.read_text("utf-8")))} == {}


def calls_of(source: str) -> Iterator[str]:
    """Yield what a module names behind a dot, imports, calls, or sets in a call: `hashlib.md5`, `verify=False`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            yield ast.unparse(node)
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (node.module or "", *(f"{node.module}.{one.name}" for one in node.names))
        elif isinstance(node, ast.Call):
            yield f"{ast.unparse(node.func)}()"
        elif isinstance(node, ast.keyword):
            yield f"{node.arg}={ast.unparse(node.value)}"


@cache
def modules() -> dict[str, frozenset[str]]:
    """Return what each module of the product does, demo excluded."""
    rooms = (broker, connectors, hotline, normalizers, schemas, sinks, storage, streams, tickets)
    root = Path(connectors.__path__[0]).parent
    files = [file for room in rooms for file in Path(room.__path__[0]).rglob("*.py") if "demo" not in file.parts]
    return {str(file.relative_to(root)): frozenset(calls_of(file.read_text("utf-8"))) for file in files}


def where(pattern: str) -> set[str]:
    """Return the modules that do what a pattern names."""
    return {name for name, calls in modules().items() if any(re.fullmatch(pattern, one) for one in calls)}


async def test_v11_3_3_a_cipher_that_was_changed_behind_its_signature_is_not_opened(every: Doors) -> None:
    """The platform encrypts in CBC and signs the cipher: who changes a bit learns nothing of the padding, 11.2.5."""
    before = metrics.PUSH_REFUSED.labels("wechat", "signature")._value.get()
    honest = platform.push(platform.text())
    start = honest.body.index(b"<Encrypt>") + 40
    async with every.open() as client:
        for place in range(start, start + 24):
            other = b"A" if honest.body[place : place + 1] != b"A" else b"B"
            changed = honest.body[:place] + other + honest.body[place + 1 :]
            assert (await ask(client, "/wechat", replace(honest, body=changed))).status_code == 403
    assert metrics.PUSH_REFUSED.labels("wechat", "signature")._value.get() == before + 24
    assert every.kafka.held == []


def test_v11_4_1_weak_digests_stand_where_a_platform_signs_with_them_and_nowhere_else() -> None:
    assert where(r".*\b(md5|sha1|SHA1|MD5)") == {
        "connectors/sms_cmpp/codec.py",
        "connectors/http/signature.py",
    }


def test_v11_5_1_what_nobody_may_guess_is_drawn_by_secrets() -> None:
    """`random` spreads waiting times, and nothing else."""
    assert where(r"random|uuid") == {
        "broker/sync_client.py",
        "hotline/dev/stack/kafka.py",
        "broker/aio_client.py",
        "sinks/retry.py",
        "sinks/webhook/dispatcher.py",
    }
    assert "connectors/web/receipts.py" in where(r"secrets\.token_urlsafe")


# V12 Secure communication


def test_v12_3_2_no_client_of_ours_takes_a_certificate_that_nobody_signed() -> None:
    """The doctor reads one, to say what is wrong with it, and sends nothing."""
    assert where(r".*\bCERT_NONE|verify=False|verify_certs=False|check_hostname=False") == {"hotline/doctor/reach.py"}


# V13 Configuration


@pytest.mark.integration
def test_v13_4_4_trace_is_refused_and_v13_4_6_no_version_is_told(port: int) -> None:
    answer = said(port, b"TRACE /wechat HTTP/1.1\r\nHost: x\r\nX-Secret: planted\r\nConnection: close\r\n\r\n")
    assert statuses(answer) == [405]
    assert b"planted" not in answer
    for path in (b"/web", b"/nobody", b"/healthz"):
        head = (
            said(port, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .split(b"\r\n\r\n")[0]
            .lower()
        )
        assert not re.search(rb"\r\n(server|x-powered-by|via):", head)
        assert b"uvicorn" not in head


async def test_v13_4_5_nothing_but_the_doors_and_their_health_is_served(every: Doors) -> None:
    async with every.open() as client:
        for path in NOBODYS:
            assert (await client.get(path)).status_code in (404, 307), path
        health = await client.get("/readyz")
    assert health.json().keys() == {"ready", "journal_full"}


@pytest.mark.integration
def test_v14_2_1_no_address_that_is_called_is_written_down(
    every: Doors, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """The server itself, too: some addresses hold a secret, or name a citizen."""
    chosen: dict[str, Any] = {"port": free_port()}
    secret = "planted-secret-of-a-path"
    with caplog.at_level(logging.DEBUG), running(every.app(**chosen), ReceiverSettings(**chosen)):
        for path in (f"/wechat?openid={secret}", f"/web/receipt/{secret}", f"/nobody/{secret}", "/healthz"):
            line = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            assert statuses(said(chosen["port"], line.encode()))
        assert statuses(said(chosen["port"], f"GET /{secret} HTTP/9\r\n\r\n".encode())) in ([400], [])
    assert secret not in caplog.text + "".join(capfd.readouterr())


# V15 Defensive coding


def test_v15_3_2_no_redirect_takes_a_request_of_ours_elsewhere() -> None:
    """Whoever opens a client of HTTP says that it follows none (`retries=False` does so in urllib3)."""
    opens = where(
        r"((requests|middleware)\.Session|requests\.(get|post|request)|(urllib3\.)?PoolManager|(aiohttp\.)?ClientSession)\(\)"
    )
    assert opens == {
        "connectors/wechat/api.py",
        "connectors/weibo/http.py",
        "hotline/monitor/processes.py",
        "sinks/elastic/rest_client.py",
        "sinks/webhook/client.py",
    }
    assert opens <= where("allow_redirects=False|retries=False")


async def test_v15_3_5_a_number_is_no_word_and_a_word_no_number(every: Doors) -> None:
    for wrong in ({"ticket_id": 1}, {"author": ["wang"]}, {"command_id": True}, {"args": "status"}, {"kind": None}):
        body, headers = order(**wrong)
        async with every.open() as client:
            assert (await client.post("/commands", content=body, headers=headers)).status_code == 400, wrong
    assert every.orders.held == []


async def test_v15_3_3_a_command_takes_no_field_that_is_not_its_own(every: Doors) -> None:
    body, headers = order(emitted_by="someone")
    async with every.open() as client:
        assert (await client.post("/commands", content=body, headers=headers)).status_code == 400
        foreign, signed = order(jurisdiction="440100")
        assert (await client.post("/commands", content=foreign, headers=signed)).status_code == 403
    assert every.orders.held == []


@pytest.mark.parametrize("path", ["/wechat", "/wecom", "/weibo"])
async def test_v15_3_7_a_parameter_that_comes_twice_is_no_signature(every: Doors, path: str) -> None:
    asked = HEALTHY[path]()
    async with every.open() as client:
        for name in asked.query.keys() & {"signature", "msg_signature", "timestamp", "nonce"}:
            twice = {**asked.query, name: asked.query[name] * 2}
            assert (await ask(client, path, replace(asked, query=twice))).status_code in (400, 403), name
    assert every.kafka.held == []


# V16 Logging and errors


async def test_v16_2_5_and_v16_4_1_no_word_of_a_request_is_logged(
    every: Doors, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing of it, so no line break of it, either."""
    nasty = f"{PLANTED}\r\n2026-01-01 [info] forged"
    async with every.open() as client:
        with capture_logs() as logs:
            for path in (*HEALTHY, *PAGES, "/commands", f"/web/receipt/{PLANTED}", f"/{PLANTED}%0d%0aforged"):
                await client.get(path, params={"openid": nasty}, headers={"User-Agent": PLANTED})
                await client.post(path, content=nasty.encode(), headers={"X-Forwarded-For": PLANTED})
            every.kafka.down = True
            await ask(client, "/wechat", platform.push(platform.text(content=nasty)))
    assert PLANTED not in repr(logs)
    assert "forged" not in repr(logs)
    assert PLANTED not in "".join(capsys.readouterr())


def test_v16_4_1_a_line_break_in_a_logged_value_makes_no_line() -> None:
    rendered = structlog.processors.JSONRenderer()(None, "", {"event": "x", "setting": "a\n[info] forged"})
    assert "\n" not in str(rendered)


FAULT = KeyError(PLANTED)


@every_door
async def test_v16_5_1_a_fault_of_ours_tells_nothing(
    every: Doors, path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """16.5.3: and nothing is acknowledged; 16.5.4: the next request is served."""

    def failing(*_: object) -> RawMessage:
        raise FAULT

    app = every.app()
    async with app.lifespan():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://city") as client:
            with monkeypatch.context() as broken, caplog.at_level(logging.DEBUG), capture_logs() as logs:
                broken.setattr("schemas.records.raw.ids.source_of", failing)
                answer = await ask(client, path, HEALTHY[path]())
            assert answer.status_code == 500
            assert answer.content == b""
            assert PLANTED not in repr(logs) + caplog.text
            assert (await ask(client, path, HEALTHY[path]())).status_code == 200


async def test_v16_5_1_nor_does_one_at_the_back_offices_door(
    every: Doors, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise FAULT

    monkeypatch.setattr(every.orders, "deliver", failing)  # a fault that nobody thought of
    body, headers = order()
    async with every.open() as client:
        with caplog.at_level(logging.DEBUG), capture_logs() as logs:
            answer = await client.post("/commands", content=body, headers=headers)
    assert answer.status_code == 500
    assert answer.json()["error"] == "internal"
    assert PLANTED not in answer.text + repr(logs) + caplog.text


async def test_v16_5_2_without_kafka_a_message_is_kept_and_a_command_is_not_promised(every: Doors) -> None:
    every.kafka.down = every.orders.down = True
    body, headers = order()
    async with every.open() as client:
        assert (await ask(client, "/wechat", HEALTHY["/wechat"]())).status_code == 200
        assert (await client.post("/commands", content=body, headers=headers)).status_code == 503


async def test_v16_5_4_the_last_resort_has_the_safe_headers_too(every: Doors) -> None:
    async def broken(_: Asked) -> Response:
        raise FAULT

    async with every.open(Route("/broken", broken)) as client:
        answer = await client.get("/broken")
        assert (await client.get("/healthz")).status_code == 200
    assert answer.status_code == 500
    assert PLANTED not in answer.text
    assert SAFE.keys() <= {
        name.title() if name != "x-content-type-options" else "X-Content-Type-Options" for name in answer.headers
    }
