"""Plays the platform's HTTP API on loopback: tokens, media, 微信客服, replies; and the faults that were met there."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Fault = Callable[["Call"], bool]
"""Answers a request in its own way and says so, or leaves it to the platform."""

TOKEN_SECONDS = 7200


class Call:
    """One request, and the way to answer it."""

    def __init__(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        parts = urlsplit(handler.path)
        self.handler = handler
        self.method = handler.command
        self.host = handler.headers.get("Host", "")
        self.endpoint = parts.path.removeprefix("/cgi-bin/")
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.body = body

    @property
    def json(self) -> dict[str, Any]:
        """Return the body as JSON."""
        found: dict[str, Any] = json.loads(self.body or b"{}")
        return found

    def say(self, answer: dict[str, Any]) -> None:
        """Answer with JSON, labelled as the platform does."""
        self.send(json.dumps(answer, ensure_ascii=False).encode(), "text/plain")

    def send(self, body: bytes, kind: str, *, name: str = "", status: int = 200, length: int | None = None) -> None:
        """Answer with bytes; a `name` makes them a file, another `length` than theirs a lie."""
        self.handler.send_response(status)
        self.handler.send_header("Content-Type", kind)
        self.handler.send_header("Content-Length", str(len(body) if length is None else length))
        if name:
            self.handler.send_header("Content-Disposition", f'attachment; filename="{name}"')
        if length is not None:
            self.handler.close_connection = True
        with suppress(ConnectionError):  # who asked has given up
            self.handler.end_headers()
            self.handler.wfile.write(body)


class WeChatApi:
    """One platform for accounts of every kind; a token is good while it is the newest of its way of asking."""

    def __init__(self) -> None:
        self.media: dict[str, tuple[bytes, str]] = {}
        self.customer: list[dict[str, Any]] = []
        self.page = 2
        self.handed: list[str] = []
        self.replies: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.fault: Fault | None = None
        self._lock = threading.Lock()
        self._tokens: dict[str, tuple[str, float]] = {}
        self._given = 0
        self.url = ""

    @property
    def tokens_given(self) -> int:
        """Return how many different tokens were made."""
        return self._given

    def expire_tokens(self) -> None:
        """Let no token count any more."""
        with self._lock:
            self._tokens.clear()

    @contextmanager
    def running(self, port: int = 0) -> Iterator["WeChatApi"]:
        """Serve on a port of 127.0.0.1 while a `with` block lasts."""
        server = _Server(("127.0.0.1", port), self._handler())
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def answer(self, call: Call) -> None:
        """Answer one request."""
        with self._lock:
            self.calls.append(call.endpoint)
        if self.fault is not None and self.fault(call):
            return
        if call.endpoint in _GIVES_TOKENS:
            call.say(self._token(call))
        elif not self._is_valid(call.query.get("access_token", "")):
            call.say({"errcode": 40001, "errmsg": "invalid credential, access_token is invalid or not latest"})
        else:
            _ANSWERS.get(call.endpoint, _unknown)(self, call)

    def _token(self, call: Call) -> dict[str, Any]:
        """Give a token: the one that is there, except by the old way, which makes a new one and ends the last."""
        asked = {**call.query, **(call.json if call.body else {})}
        if not asked.get("secret", asked.get("corpsecret")):
            return {"errcode": 41004, "errmsg": "appsecret missing"}
        key = f"{call.endpoint}:{asked.get('appid') or asked.get('corpid')}"
        with self._lock:
            token, until = self._tokens.get(key, ("", 0.0))
            if call.endpoint == "token" or asked.get("force_refresh") is True or until <= time.time():
                self._given += 1
                token, until = f"T{self._given}", time.time() + TOKEN_SECONDS
                self._tokens[key] = (token, until)
            return {"access_token": token, "expires_in": int(until - time.time())}

    def _is_valid(self, token: str) -> bool:
        with self._lock:
            return any(token == known and until > time.time() for known, until in self._tokens.values())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                """Answer, whatever was asked."""
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                platform.answer(Call(self, body))

            do_POST = do_GET  # noqa: N815 - the name that http.server looks for

        return Handler


class _Server(ThreadingHTTPServer):
    """Says nothing of callers that hang up: a killed daemon does."""

    def handle_error(self, request: Any, address: Any) -> None:
        """Tell of faults of ours only."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, address)


def _media(platform: WeChatApi, call: Call) -> None:
    found = platform.media.get(call.query.get("media_id", ""))
    if found is None:
        call.say({"errcode": 40007, "errmsg": "invalid media_id"})
    else:
        data, kind = found
        call.send(data, kind, name=f"{call.query['media_id']}.{kind.rpartition('/')[2]}")


def _sync(platform: WeChatApi, call: Call) -> None:
    """Give a page of the messages of 微信客服 after the cursor; a page may be empty though more follow."""
    asked = call.json
    mine = [one for one in platform.customer if one["open_kfid"] == asked.get("open_kfid")]
    start = int(asked.get("cursor") or "0")
    end = start + min(platform.page, int(asked.get("limit", 1000)))
    platform.handed += [str(one.get("msgid")) for one in mine[start:end]]
    call.say(
        {
            "errcode": 0,
            "errmsg": "ok",
            "next_cursor": str(min(end, len(mine))),
            "has_more": int(end < len(mine)),
            "msg_list": mine[start:end],
        }
    )


def _reply(platform: WeChatApi, call: Call) -> None:
    platform.replies.append(call.json)
    call.say({"errcode": 0, "errmsg": "ok", "msgid": f"r{len(platform.replies)}"})


def _unknown(platform: WeChatApi, call: Call) -> None:
    call.say({"errcode": 40066, "errmsg": "invalid url"})


_GIVES_TOKENS = frozenset({"token", "stable_token", "gettoken"})

_ANSWERS: dict[str, Callable[[WeChatApi, Call], None]] = {
    "media/get": _media,
    "kf/sync_msg": _sync,
    "kf/send_msg": _reply,
    "message/custom/send": _reply,
    "message/send": _reply,
}
