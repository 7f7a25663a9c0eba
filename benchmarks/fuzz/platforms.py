"""Targets: what servers answer whom we ask: the platforms' APIs, a mail server, a token's issuer, a subscriber."""

import asyncio
import io
import itertools
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import requests
import urllib3
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig
from elasticsearch import ApiError
from pydantic import SecretStr

from benchmarks.fuzz.target import Target, chosen
from connectors.mailbox import imap_client
from connectors.mailbox.lmtp import Door, _Lmtp
from connectors.mailbox.oauth import Tokens
from connectors.mailbox.session import Session
from connectors.mailbox.settings import LmtpSettings, MailboxSettings
from connectors.runtime.deadline import Watch
from connectors.wechat import reply
from connectors.wechat.api import Access, Api, Kind
from connectors.wechat.download import download
from connectors.wechat.kf_pull import CustomerMessages
from connectors.weibo import token as weibo
from connectors.weibo.fulltext import PublicPages, PublicPageUnavailable
from connectors.weibo.rate_limit import Budget
from connectors.weibo.settings import WeiboPullSettings
from schemas.errors import PipelineError
from schemas.records import Cursor, RawMessage
from sinks.elastic.errors import ours
from sinks.elastic.rest_client import read
from sinks.webhook.response import judge

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)

WAITED_SECONDS = 15.0
"""A server that says nothing more hangs up here at once; this ends a fault of ours."""

TURNS = 200
"""Of the event loop, that a mail server's conversation takes beside one for each of its bytes, at most."""


class Answering(requests.Session):
    """Answers every request with the same bytes."""

    def __init__(self, data: bytes, status: int = 200, **headers: str) -> None:
        super().__init__()
        self._data, self._status, self._told = data, status, headers

    def request(self, *_: Any, **__: Any) -> requests.Response:
        response = requests.Response()
        response.status_code = self._status
        response.url = "https://platform.example/"
        response.headers.update(self._told)
        response.raw = urllib3.HTTPResponse(io.BytesIO(self._data), preload_content=False)
        return response


def _only_ours(ask: Callable[[], object]) -> None:
    """Let errors of ours pass, whose text is a sentence; any other is a finding."""
    try:
        ask()
    except PipelineError as error:
        told = str(error)
    else:
        return
    assert 0 < len(told) < 300


class _Kept:
    """A cursor in memory, and what is published."""

    def __init__(self) -> None:
        self.cursor = Cursor(connector_id="c", position={})
        self.messages: list[RawMessage] = []

    def load(self) -> Cursor:
        return self.cursor

    def save(self, cursor: Cursor) -> None:
        self.cursor = cursor

    def publish(self, messages: Sequence[RawMessage]) -> None:
        self.messages += messages


def _wechat(kind: Kind, data: bytes) -> None:
    """A token, the outcome of a reply, a page of 微信客服, a file: any other answer must raise a PipelineError."""
    access = Access(kind=kind, identifier="wx", secret=SecretStr("s"), url="https://platform.example")
    api, kept = Api(access, lambda: NOW), _Kept()
    api._client._http = Answering(data)
    _only_ours(api.check)
    api._client._token, api._client._until = "token", datetime.max.replace(tzinfo=UTC)
    _only_ours(lambda: reply.send_member(api, 1, "user", "text"))
    customer = CustomerMessages(api, "kf", "account", "210100", kept, lambda: NOW)
    _only_ours(lambda: customer.pull(kept.publish))
    for message in kept.messages:
        message.outbound()
    file = io.BytesIO()
    api._client._token = "token"
    _only_ours(lambda: download(api, "media", file, limit=1 << 20))


def _weibo_account(data: bytes) -> None:
    """The end of a token and what is left of a quota."""
    settings = WeiboPullSettings(access_token="t", jurisdiction="210100")
    clock = NOW.timestamp
    budget = Budget(1000, "account", clock)
    account = weibo.Access(settings, "account", budget, lambda: Answering(data), clock)
    _only_ours(account.examine)
    account.complaint()
    _only_ours(lambda: budget.spend("mentions"))


def _weibo_pages(data: bytes) -> None:
    """A page of the public site."""
    try:
        assert PublicPages(Answering(data)).long_text("4")
    except PublicPageUnavailable:
        return


class _Line:
    """The socket to a server that gives the n-th piece of its script to the n-th command, `$` for its tag."""

    def __init__(self, script: bytes) -> None:
        self._pieces = iter(script.split(b"|"))
        self.heard = io.BytesIO(next(self._pieces, b""))

    def sendall(self, command: bytes) -> None:
        tag = command.partition(b" ")[0].strip()
        said = next(self._pieces, b"") if tag else b""  # some end their line in a call of its own
        self.heard = io.BytesIO(self.heard.read() + said.replace(b"$", tag))

    def settimeout(self, _: float | None) -> None:
        """Take any: it answers at once."""

    def fileno(self) -> int:
        """Return a descriptor that can be watched, of nothing."""
        return _nowhere()


@cache
def _nowhere() -> int:
    return os.open(os.devnull, os.O_RDONLY)


class _Scripted(imap_client._Plain):
    """A connection to such a server, which hangs up behind its script."""

    def __init__(self, script: bytes) -> None:
        self._script = script
        super().__init__(Watch(WAITED_SECONDS), "server", 143, None)

    def open(self, *_: Any, **__: Any) -> None:
        self.sock = _Line(self._script)

    @property
    def file(self) -> io.BytesIO:
        heard: io.BytesIO = self.sock.heard
        return heard

    def shutdown(self) -> None:
        """Leave nothing behind."""


class _Client(imap_client.Client):
    script: bytes

    def _create_IMAP4(self) -> Any:  # noqa: N802 - the library's name
        return _Scripted(self.script)


def _imap(data: bytes) -> None:
    """A mail server from its greeting to a mail: each command gives what it promises, or an error of ours."""
    made = type("Made", (_Client,), {"script": data})
    settings = MailboxSettings(host="127.0.0.1", username="u", password="p", tls="none", jurisdiction="210100")
    sessions: list[Session] = []
    _only_ours(lambda: sessions.append(Session(settings, "account", made, Tokens(settings, "account"))))
    if sessions:
        _only_ours(lambda: _read(sessions[0]))


def _read(session: Session) -> None:
    folder = session.examine("INBOX")
    assert isinstance(session.missed("INBOX", folder.uidvalidity, 1, 1), int)
    folder = session.examine("INBOX")
    uids = session.uids_after(0, folder)[:3]
    for about in session.about(uids).values():
        assert about.sender is None or "@" in about.sender
    for body in session.bodies(uids).values():
        assert isinstance(body, bytes)
    assert isinstance(session.header(1), bytes)


class _NoKeeper:
    async def publish(self, messages: Sequence[RawMessage]) -> str:
        for message in messages:
            message.outbound()
        return "published"


class _Wire(asyncio.Transport):
    """What a mail server hears of us, and where it says it comes from."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.heard, self._closing = b"", False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.heard += bytes(data)

    def close(self) -> None:
        self._closing = True

    def is_closing(self) -> bool:
        return self._closing


_LMTP = LmtpSettings(mailboxes={"mayor": {"recipients": ["mayor@city.example"], "jurisdiction": "210100"}})


def _lmtp(data: bytes) -> None:
    """A mail server that hands mail over: every answer is a code and a sentence, and none is a fault of ours."""

    async def talk() -> bytes:
        wire, server = _Wire(), _Lmtp(Door(_LMTP, _NoKeeper(), lambda: NOW), _LMTP, set())  # type: ignore[arg-type]
        server.connection_made(wire)
        server.data_received(data + b"\r\nQUIT\r\n")
        handler = server._handler_coroutine
        assert handler is not None
        for _ in range(len(data) + TURNS):  # all is here: what it still waits for never comes
            if handler.done():
                break
            await asyncio.sleep(0)
        server.eof_received()
        await asyncio.wait([handler], timeout=WAITED_SECONDS)
        assert handler.done(), "it hangs"
        server.connection_lost(None)
        return wire.heard

    heard = asyncio.run(talk())
    for line in heard.removesuffix(b"\r\n").split(b"\r\n"):
        assert line[:3].isdigit(), line
        assert b"451 4.3.0 not now" not in line, "a fault of ours"


class _Said(Tokens):
    def __init__(self, said: bytes) -> None:
        settings = MailboxSettings(
            host="h", username="u", auth="xoauth2", token_command=("true",), jurisdiction="210100"
        )
        super().__init__(settings, "account", itertools.count().__next__)
        self._said = said

    def _from_command(self) -> bytes:
        return self._said


def _oauth(data: bytes) -> None:
    """A token that can be sent in one line of ASCII, again and again, or a sentence."""
    tokens = _Said(data)

    def ask() -> None:
        for _ in range(3):
            assert tokens.current().isascii()
            assert not any(map(str.isspace, tokens.current()))

    _only_ours(ask)


def _retry_after(data: bytes) -> None:
    """Headers of an answer that asks us to wait: a number of seconds that can be waited for, or none."""
    told = data.decode("latin-1")
    for status in (200, 301, 404, 429, 503):
        answer = judge("subscriber", status, {"retry-after": told}, 1, NOW)
        assert answer.retry_after is None or answer.retry_after >= 0
    node = NodeConfig("http", "localhost", 9200)
    meta = ApiResponseMeta(429, "1.1", HttpHeaders({"retry-after": told}), 1.0, node)
    error = ours(ApiError("too many", meta, None))
    assert 0 < len(str(error)) < 300


def _elasticsearch(data: bytes) -> None:
    """An answer to a command, whatever stands in it."""
    for status in (200, 302, 400, 503):
        _only_ours(lambda status=status: read(status, {"x-elastic-product": "Elasticsearch"}, data))  # type: ignore[misc]


def targets() -> dict[str, Target]:
    """Return the targets of this room."""
    token = b'{"errcode":0,"access_token":"abc","expires_in":7200}'
    said = b'{"msgid":"m","external_userid":"e","send_time":1795482723}'
    page = b'{"errcode":0,"next_cursor":"c","has_more":0,"msg_list":[' + said + b"]}"
    wechat = (token, page, b'{"errcode":"40001","errmsg":"x"}', b'{"video_url":"https://qq.com/v"}', b'{"msgid":7}')
    mailbox = (
        b"* OK [CAPABILITY IMAP4rev1 ENABLE QRESYNC] hi\r\n|* CAPABILITY IMAP4rev1 ENABLE QRESYNC\r\n$ OK x\r\n"
        b"|$ OK [CAPABILITY IMAP4rev1 ENABLE QRESYNC] in\r\n|* ENABLED QRESYNC\r\n$ OK x\r\n"
        b"|* 1 EXISTS\r\n* OK [UIDVALIDITY 5] x\r\n* OK [UIDNEXT 9] x\r\n* OK [HIGHESTMODSEQ 3] x\r\n$ OK x\r\n"
        b"|* VANISHED (EARLIER) 2,4:6\r\n$ OK x\r\n"
        b"|* 1 EXISTS\r\n* OK [UIDVALIDITY 5] x\r\n* OK [UIDNEXT 9] x\r\n$ OK x\r\n|* SEARCH 7\r\n$ OK x\r\n"
        b'|* 1 FETCH (UID 7 INTERNALDATE "24-Nov-2026 09:10:20 +0800" RFC822.SIZE 5 BODY[HEADER.FIELDS (FROM)] {16}\r\n'
        b"From: a@b.cn\r\n\r\n)\r\n$ OK x\r\n|* 1 FETCH (UID 7 BODY[] {5}\r\nHello)\r\n$ OK x\r\n"
        b"|* 1 FETCH (UID 1 BODY[HEADER] {5}\r\nA: b\n)\r\n$ OK x\r\n"
    )
    handed = (
        b"LHLO mta\r\nMAIL FROM:<a@b.cn> SIZE=5\r\nRCPT TO:<mayor@city.example>\r\n"
        b"DATA\r\nSubject: x\r\n\r\n..x\r\n.\r\nNOOP"
    )
    quota = b'{"expire_in":3600,"remaining_user_hits":5,"reset_time_in_seconds":100}'
    shown = b'{"ok":1,"data":{"longTextContent":"whole","status":{"id":"4"}}}'
    return {
        "wechat_answers": chosen(
            tuple((lambda data, kind=kind: _wechat(kind, data), wechat) for kind in ("official", "corporate"))  # type: ignore[misc]
        ),
        "weibo_account": chosen(((_weibo_account, (quota,)), (_weibo_pages, (shown,)))),
        "imap": Target(_imap, (mailbox,)),
        "lmtp": Target(_lmtp, (handed,)),
        "answers": chosen(
            (
                (_oauth, (b'{"access_token":"abc","expires_in":3600}', b"abc\n")),
                (_retry_after, (b"120", b"Wed, 25 Nov 2026 02:00:00 GMT")),
                (_elasticsearch, (b'{"hits":{"hits":[]}}', b'{"error":{"type":"index_not_found_exception"}}')),
            )
        ),
    }
