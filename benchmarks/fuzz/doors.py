"""Targets: whoever knocks at a push connector, the web form, Open311 or the back offices' door."""

import asyncio
import base64
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

import httpx
import msgspec
from msgspec.structs import replace
from starlette.applications import Starlette
from werobot.crypto import MessageCrypt
from werobot.utils import get_signature

from benchmarks.fuzz.places import folder
from benchmarks.fuzz.target import Target, chosen, explained
from connectors.backoffice.api import BackOffice
from connectors.base import Accepted, PushConnector, Request
from connectors.http.signature import sign, sign_twilio
from connectors.web.receipts import Receipts
from connectors.wechat import cipher
from hotline.trial import requests
from normalizers.base import Policy
from normalizers.mapped_webhook.profile import profiles
from normalizers.pipeline import normalize
from normalizers.rules import DEFAULT_RULES
from normalizers.web import fields
from schemas.codec import decode
from schemas.errors import RecordError, RefusedRequest
from schemas.records import Command, RawMessage
from tests.connectors.backoffice import test_door as office
from tests.connectors.mapped_webhook import senders
from tests.connectors.phone import posts
from tests.connectors.sms_http import gateways
from tests.connectors.web import doors
from tests.connectors.wechat import callbacks as platform
from tests.connectors.wechat import test_corporate as company
from tests.connectors.weibo import pushes

ROOT = Path(__file__).parents[2]

_journal = msgspec.msgpack.Encoder()


def kept(messages: tuple[RawMessage, ...] | list[RawMessage]) -> None:
    """Check that these can be written to Kafka and to the journal, and be read back."""
    for message in messages:
        out = message.outbound()
        assert all(isinstance(value, bytes) for _, value in out.headers)
        assert msgspec.msgpack.decode(_journal.encode(message), type=RawMessage) == message


def accepted(make: Callable[[], PushConnector], request: Request) -> Accepted | None:
    """Let a new connector judge a request; only a refusal with a known status leaves it."""
    try:
        found = make().accept(request)
    except RefusedRequest as refusal:
        _refused(refusal)
        return None
    kept(found.messages)
    assert isinstance(found.answer.body, bytes)
    return found


def _refused(refusal: RefusedRequest) -> None:
    assert 400 <= refusal.status < 500
    assert refusal.reason.isidentifier()


def _wechat(mode: str, body: bytes) -> None:
    found = accepted(platform.account, platform.push(body, mode))
    assert found is not None, "what the platform signed is kept, whatever it is"
    assert found.messages[0].value == body


def _wechat_outer(body: bytes) -> None:
    """The outer XML, its cipher text and their signature: a forger's own."""
    cipher_text = body.decode("latin-1")
    wire = f"<xml><Encrypt><![CDATA[{cipher_text}]]></Encrypt></xml>".encode("latin-1")
    sent = platform.push("x")
    signature = get_signature(platform.TOKEN, platform.STAMP, "12345", cipher_text)
    accepted(platform.account, replace(sent, body=wire, query={**sent.query, "msg_signature": (signature,)}))
    accepted(platform.account, replace(sent, body=body))


def _inner(body: bytes) -> None:
    """What stands inside the envelope, under the right key: lengths, padding, AppID."""

    class Open:
        def __init__(self, key: bytes) -> None: ...

        def decrypt(self, data: bytes) -> bytes:
            return data

    with suppress(RefusedRequest):
        cipher.decrypt(base64.b64encode(body).decode(), [b"k" * 32], platform.APPID, Open)


def _wecom(body: bytes) -> None:
    closed = MessageCrypt(company.TOKEN, company.AES_KEY, company.CORP).prp_crypto.encrypt(body, company.CORP).decode()
    sent = company.push("x")
    wire = f"<xml><ToUserName/><Encrypt><![CDATA[{closed}]]></Encrypt></xml>".encode()
    signature = get_signature(company.TOKEN, platform.STAMP, "n1", closed)
    accepted(company.company, replace(sent, body=wire, query={**sent.query, "msg_signature": (signature,)}))


def _query(make: Callable[[], PushConnector], healthy: Callable[[], Request], query: bytes) -> None:
    """A query string as the receiver reads it, over one that is right."""
    given = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    sent = healthy()
    several = {**sent.query, **{name: tuple(values) for name, values in given.items()}}
    for method in ("GET", "POST"):
        accepted(make, replace(sent, query=several, method=method))


def _weibo(body: bytes) -> None:
    found = accepted(pushes.account, pushes.push(body))
    assert found is not None
    assert [one.value for one in found.messages] == ([body] if body else [])


def _phone(body: bytes) -> None:
    found = accepted(posts.account, posts.signed(body))
    assert found is not None
    assert found.messages[0].value == body


def _mapped(profile: str, body: bytes) -> None:
    """Any bytes give at least one message, which is understood or a dead letter with a reason."""
    channel = profiles(DEFAULT_RULES)[profile].profile.channel
    account = {"sms": senders.sms, "phone": senders.phone, "web": senders.app}[channel]
    authenticated = {"path_secrets": [], "bearer_tokens": [], "signature_keys": [], "header_secrets": [senders.SECRET]}
    found = accepted(
        partial(account, profile, **authenticated),
        senders.request(body, headers={"x-token": senders.SECRET}),
    )
    assert found is not None
    assert found.messages
    for message in found.messages:
        with suppress(RecordError):
            normalize(message, Policy())


def _twilio(body: bytes) -> None:
    given = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    signature = sign_twilio(gateways.TOKEN, gateways.URL, given)
    headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
    found = accepted(gateways.account, gateways.request(body, path="/sms/twilio", headers=headers))
    assert found is not None
    assert [one.value for one in found.messages] == [body]


def _gateway(provider: str, body: bytes) -> None:
    found = accepted(partial(gateways.account, provider), gateways.request(body))
    assert found is not None
    if not (provider in ("aliyun", "tencent") and b"[" in body):  # an array holds several, also one that was mended
        assert [one.value for one in found.messages] == [body]


def _kannel(head: bytes) -> None:
    """Its query and headers name the message."""
    query, _, value = head.partition(b"\n")
    given = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    several = {name: tuple(values) for name, values in given.items()}
    text = value.decode("latin-1")
    headers = {"content-type": text, "x-kannel-udh": text, "x-kannel-from": text, "x-kannel-time": text}
    found = accepted(partial(gateways.account, "kannel"), gateways.request(value, query=several, headers=headers))
    assert found is not None
    assert [one.value for one in found.messages] == [value]


def _read(content_type: str, body: bytes) -> None:
    """Fields of a form: an error of ours, or texts that UTF-8 can write."""
    try:
        found = fields.read(content_type, body)
    except RecordError as error:
        return explained(error)
    for name, value in found.pairs:
        (name + value).encode()
    for file in found.files:
        (file.field + file.name + file.media_type).encode()


_ANSWERS = frozenset({200, 202, 303, 400, 403, 404, 405, 413, 415, 429})


async def _knocked(door: doors.Door, asked: Iterable[tuple[str, str]], body: bytes, content_type: str) -> None:
    """Send requests to the web door: whatever they are, no fault of ours, and what was kept can be written."""
    async with door.open(form_per_hour=10**6) as client:
        for method, path in asked:
            sent = body if method == "POST" else None
            answer = await client.request(method, path, headers={"content-type": content_type}, content=sent)
            assert answer.status_code in _ANSWERS, f"{answer.status_code} of {path}"
            assert b"Traceback" not in answer.content
            if answer.headers.get("content-type", "").startswith("application/json"):
                msgspec.json.decode(answer.content)
    kept(door.kafka.held)


def _asked(method: str, path: str, content_type: str, body: bytes) -> None:
    with tempfile.TemporaryDirectory(prefix="hotline-fuzz-web-", dir=folder()) as place:
        asyncio.run(_knocked(doors.Door(Path(place)), [(method, path)], body, content_type))


def _form(body: bytes) -> None:
    """The form's own fields, under a stamp that is right."""
    stamp = Receipts(doors.QUERY_KEY, doors.CITY, "city").stamp(doors.NOW)
    _asked("POST", "/web", "application/x-www-form-urlencoded", f"stamp={stamp}&".encode() + body)


def _page(query: bytes) -> None:
    """Query strings, and names of receipts, tokens and requests."""
    text = "".join(chr(byte) if 33 <= byte < 127 and chr(byte) not in "#?" else f"%{byte:02x}" for byte in query[:2000])
    pages = (f"/web?{text}", f"/web/receipt/{text}", f"/web/status?{text}", f"{doors.BASE}/requests.json?{text}")
    names = (f"{doors.BASE}/tokens/{text}.json", f"{doors.BASE}/requests/{text}.json", f"/web/open311/{text}.xml")
    with tempfile.TemporaryDirectory(prefix="hotline-fuzz-web-", dir=folder()) as place:
        asyncio.run(_knocked(doors.Door(Path(place)), [("GET", path) for path in (*pages, *names)], b"", ""))


def _order(body: bytes) -> None:
    """A command that a back office signed: 202 and a record that is read back, or 400 and 403."""
    kafka = office.Kafka()
    app = Starlette(routes=BackOffice({"crm1": office.key()}, kafka, kafka.find, 5, lambda: office.NOW).routes())
    stamp = str(int(office.NOW.timestamp()))
    headers = {
        "hotline-key": "crm1",
        "hotline-timestamp": stamp,
        "hotline-signature": sign(office.SECRET.encode(), stamp, body, "POST", "/commands"),
    }

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://receiver") as client:
            return await client.post("/commands", content=body, headers=headers)

    answer = asyncio.run(ask())
    assert answer.status_code in (202, 400, 403), answer.status_code
    for record in kafka.held:
        decode(record.value, Command)


def _orders() -> tuple[bytes, ...]:
    given: list[Mapping[str, Any]] = [
        office.order(),
        office.order(kind="merge", args={"into": office.TICKET}),
        office.order(at="2026-11-25T02:00:00+00:00", reason="ok"),
    ]
    return tuple(map(msgspec.json.encode, given))


def targets() -> dict[str, Target]:
    """Return the targets of this room."""
    text = platform.text().encode()
    mini = b'{"ToUserName":"gh","FromUserName":"o","CreateTime":1795595400,"MsgType":"text","Content":"a","MsgId":1}'
    sealed = b"r" * 16 + (1).to_bytes(4, "big") + b"x" + platform.APPID.encode() + b"\x05" * 5
    query = urlencode({"echostr": "1", "timestamp": platform.STAMP, "nonce": "n", "encrypt_type": "aes"}).encode()
    aliyun = msgspec.json.encode([gateways.ALIYUN, gateways.ALIYUN])
    open311 = urlencode(doors.request(lat="41.8", long="123.4", phone="13800138000")).encode()
    multipart = (
        f'--b\r\nContent-Disposition: form-data; name="api_key"\r\n\r\n{doors.API_KEY}\r\n'
        '--b\r\nContent-Disposition: form-data; name="description"\r\n\r\nx\r\n'
        '--b\r\nContent-Disposition: form-data; name="media"; filename="a.jpg"\r\n\r\nx\r\n--b--\r\n'
    ).encode()
    new = f"{doors.BASE}/requests.json"
    return {
        "wechat_door": chosen(
            (
                (partial(_wechat, "safe"), (text, mini)),
                (partial(_wechat, "plain"), (text, mini)),
                (_wechat_outer, (text, b"AAAA")),
                (_inner, (sealed,)),
                (_wecom, (company.TEXT.encode(), company.EVENT.encode())),
                (partial(_query, platform.account, partial(platform.push, text)), (query,)),
                (partial(_query, company.company, partial(company.push, company.TEXT)), (query,)),
            )
        ),
        "weibo_door": chosen(
            (
                (_weibo, (pushes.text().encode(), text, pushes.message("mention", "a", key="1").encode())),
                (partial(_query, pushes.account, partial(pushes.push, text)), (query,)),
            )
        ),
        "sms_door": chosen(
            (
                (_twilio, (urlencode(gateways.MO).encode(),)),
                (partial(_gateway, "aliyun"), (aliyun,)),
                (partial(_gateway, "tencent"), (msgspec.json.encode(gateways.TENCENT),)),
                (_kannel, (b"id=1&from=139&to=12345&charset=UTF-16BE\nhi",)),
            )
        ),
        "mapped_door": chosen(
            tuple(
                (partial(_mapped, file.stem), (requests.parse(file.read_bytes())[3],))
                for file in sorted((ROOT / "tests/connectors/mapped_webhook/requests").glob("*.http"))
            )
        ),
        "phone_door": Target(_phone, (posts.RECORD,)),
        "form_fields": chosen(
            (
                (partial(_read, "application/x-www-form-urlencoded"), (open311,)),
                (partial(_read, "multipart/form-data; boundary=b"), (multipart,)),
                (partial(_read, "application/json"), (msgspec.json.encode(doors.request(attribute={"A": ["b"]})),)),
                (partial(_read, ""), (open311, multipart)),
            )
        ),
        "web_door": chosen(
            (
                (_form, (urlencode({"text": "井盖坏了", "phone": "139", "email": "a@b.cn"}).encode(),)),
                (partial(_asked, "POST", new, "application/x-www-form-urlencoded"), (open311,)),
                (partial(_asked, "POST", new, "multipart/form-data; boundary=b"), (multipart,)),
                (partial(_asked, "POST", new, "application/json"), (msgspec.json.encode(doors.request()),)),
                (partial(_asked, "POST", "/web/status", "application/x-www-form-urlencoded"), (b"number=1&code=2",)),
                (_page, (b"lang=en&hotline=12345", b"start_date=2026-11-24T00:00:00Z&page_size=3&status=open", b"a")),
            )
        ),
        "commands_door": Target(_order, _orders()),
    }
