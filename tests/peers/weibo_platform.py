"""A look-alike of Weibo's open platform: lists, quotas, tokens, replies, public pages, and every fault it is known for.

Nobody publishes one. What keeps it honest: clients of others (PyPI `weibo`, tweepy's Cursor, weibo-api) work with it.
"""

import io
import itertools
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import requests

GOOD, EXPIRED = "good-token", "expired-token"
US = 1902538057
START = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))

LISTS = {
    "/2/statuses/mentions.json": "statuses",
    "/2/comments/to_me.json": "comments",
    "/2/comments/mentions.json": "comments",
    "/2/direct_messages.json": "direct_messages",
}
REACHABLE = 1000
"""Items of a list that can be paged to; older ones are out of reach."""

FAULTS = ("html", "empty", "cut", "gzip", "502", "10001", "drop", "list")
"""What an answer can be instead of itself; `hang` besides, and in process `away`: nobody can be reached."""


class Platform:
    """The state of the platform; change it while it serves."""

    def __init__(self) -> None:
        self.items: dict[str, list[dict[str, Any]]] = {path: [] for path in LISTS}
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.tops: dict[str, int] = {}
        """The newest id of each list that was shown."""
        self.met = 0
        """Requests of every kind, also those that count against no quota."""
        self.quota = 10_000
        self.reset_in = 3600
        self.expire_in: int | None = 30 * 86_400
        self.good = GOOD
        self.ended = {EXPIRED}
        """Tokens that were good once."""
        self.refusal: tuple[int, int | str] | None = None
        """HTTP status and error_code of every counted call."""
        self.faults: list[str] = []
        """Taken one by one by the next requests."""
        self.forbidden: set[str] = set()
        self.replies: list[dict[str, Any]] = []
        self.pages: dict[str, Any] = {}
        self.raw: bytes | None = None
        """What every counted call answers, whatever is asked."""
        self.fault_rate = 0.0
        self.random = random.Random(1)
        self.url = ""
        self.lock = threading.RLock()
        self.released = threading.Event()
        self._next = 5_100_000_000_000_000

    # What people do

    def post(
        self, path: str = "/2/statuses/mentions.json", *, uid: int = 7, text: str = "", **more: Any
    ) -> dict[str, Any]:
        """Somebody writes: the newest item of a list."""
        with self.lock:
            self._next += 1
            at = START + timedelta(seconds=self._next % 10**9)
            item = {
                "created_at": at.strftime("%a %b %d %H:%M:%S %z %Y"),
                "id": self._next,
                "idstr": str(self._next),
                "mid": str(self._next),
                "text": text or f"@沈阳12345 幸福路{self._next % 1000}号的路灯坏了",
                "source": '<a href="http://weibo.com" rel="nofollow">iPhone客户端</a>',
                "user": {"id": uid, "idstr": str(uid), "screen_name": f"市民{uid}"},
            }
            if path == "/2/direct_messages.json":
                item |= {"sender_id": uid, "recipient_id": US, "sender": item.pop("user")}
            elif LISTS[path] == "comments":
                item["status"] = {
                    "id": 42,
                    "idstr": "42",
                    "text": "公告",
                    "user": {"id": US, "screen_name": "沈阳12345"},
                }
            item |= more
            self.items[path].insert(0, item)
            return item

    def end_token(self) -> str:
        """Let the token that is good end, and return the one that a person gets who grants it again."""
        with self.lock:
            self.ended.add(self.good)
            self.good = f"{GOOD}-{len(self.ended)}"
            return self.good

    def unseen(self, path: str) -> int:
        """Return how many items of a list are newer than what was shown."""
        top = self.tops.get(path, 0)
        return sum(1 for _ in itertools.takewhile(lambda item: _id(item) > top, self.items[path]))

    def spent(self) -> Counter[str]:
        """Return how many counted calls each interface got."""
        return Counter(path for path, _ in self.calls)

    # What it answers

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
        """Return HTTP status and body, as if nothing broke."""
        with self.lock:
            status, body = self.judge(path, query)
        return status, self.raw or json.dumps(body, ensure_ascii=False).encode()

    def judge(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        self.met += 1
        if path == "/statuses/extend":
            return 200, self.pages.get(query.get("id", ""), {"ok": 0, "msg": "打开微博客户端，查看全文"})
        if (refused := self.stranger(path, query)) is not None:
            return refused
        if path == "/oauth2/get_token_info":
            return 200, {"uid": US, "appkey": "1", "scope": "", "create_at": 1, "expire_in": self.expire_in}
        if path == "/2/account/rate_limit_status.json":
            left = max(0, self.quota - len(self.calls))
            return 200, {
                "remaining_user_hits": left,
                "reset_time_in_seconds": self.reset_in,
                "user_limit": self.quota,
            }
        return self.counted(path, query)

    def stranger(self, path: str, query: dict[str, str]) -> tuple[int, Any] | None:
        token = query.get("access_token")
        if token in self.ended:
            return 403, _error(path, 21327, "expired_token")
        return None if token == self.good else (403, _error(path, 21332, "invalid_access_token"))

    def counted(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        self.calls.append((path, query))
        if self.refusal is not None:
            status, code = self.refusal
            return status, _error(path, code, "refused")
        if len(self.calls) > self.quota:
            return 403, _error(path, 10023, "User requests out of rate limit!")
        if path in self.forbidden:
            return 403, _error(path, 10014, "Insufficient app permissions!")
        if path == "/2/messages/reply.json":
            return self.reply(path, query)
        return self.listed(path, query) if path in LISTS else (404, _error(path, 10020, "Request Api not found!"))

    def reply(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        data = json.loads(query["data"])
        if query.get("type") != "text" or not data["text"] or len(data["text"]) > 300:
            return 400, _error(path, 10008, "param error")
        self.replies.append({"receiver_id": query["receiver_id"], **data})
        return 200, {"result": True, "receiver_id": int(query["receiver_id"]), "sender_id": US, "type": "text"}

    def listed(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        since, most = int(query.get("since_id", 0)), int(query.get("max_id", 0))
        count, page = min(int(query.get("count", 20)), 200), int(query.get("page", 1))
        every = self.items[path]
        found = [item for item in every[:REACHABLE] if _id(item) > since and (not most or _id(item) <= most)]
        shown = found[(page - 1) * count : page * count]
        if shown:
            self.tops[path] = max(self.tops.get(path, 0), _id(shown[0]))
        return 200, {LISTS[path]: shown, "previous_cursor": 0, "next_cursor": 0, "total_number": len(every)}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    platform: Platform

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.answer(parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)))

    def do_POST(self) -> None:
        parts, length = urlsplit(self.path), int(self.headers.get("Content-Length", 0))
        form = dict(parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True))
        self.answer(parts.path, dict(parse_qsl(parts.query)) | form)

    def answer(self, path: str, query: dict[str, str]) -> None:
        platform = self.platform
        with platform.lock:
            fault = platform.faults.pop(0) if platform.faults else ""
            if not fault and platform.random.random() < platform.fault_rate:
                fault = platform.random.choice(FAULTS)
        if fault and path == "/2/messages/reply.json":
            platform.answer(path, query)  # it came through, only the answer does not
        if fault:
            self.fail(fault)
        else:
            self.out(*platform.answer(path, query))

    def fail(self, fault: str) -> None:
        if fault == "hang":
            self.platform.released.wait(30)
            self.close_connection = True
        elif fault == "drop":
            self.close_connection = True
        elif fault == "cut":
            self.out(200, b'{"statuses":[{"id":51')
        elif fault == "gzip":
            self.out(200, b"\x1f\x8b no gzip", encoding="gzip")
        elif fault == "10001":
            self.out(200, json.dumps(_error("/", "10001", "System error")).encode())
        else:
            status = int(fault) if fault.isdigit() else 200
            self.out(status, {"empty": b"", "list": b"[1]"}.get(fault, b"<html><title>Weibo</title>\xe6</html>"))

    def out(self, status: int, body: bytes, encoding: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        if encoding:
            self.send_header("Content-Encoding", encoding)
        if status == 302:
            self.send_header("Location", f"{self.platform.url}/elsewhere")
        self.end_headers()
        self.wfile.write(body)


def _error(path: str, code: int | str, text: str) -> dict[str, Any]:
    return {"request": path, "error_code": code, "error": text}


def _id(item: dict[str, Any]) -> int:
    return int(item.get("idstr") or item["id"])


class InProcess(requests.adapters.BaseAdapter):
    """The same platform without a network: `session.mount("https://", InProcess(platform))`."""

    def __init__(self, platform: Platform) -> None:
        super().__init__()
        self._platform = platform

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        parts = urlsplit(request.url or "")
        body = request.body if isinstance(request.body, str) else (request.body or b"").decode()
        platform, query = self._platform, dict(parse_qsl(str(parts.query)) + parse_qsl(body))
        fault = platform.faults.pop(0) if platform.faults else ""
        if fault == "drop":
            raise requests.ConnectionError("Connection aborted")
        if fault == "away":
            raise requests.ConnectTimeout("no route to host")
        response = requests.Response()
        response.status_code, content = (200, b"<html>") if fault else platform.answer(str(parts.path), query)
        response.raw = io.BytesIO(content)
        return response

    def close(self) -> None:
        """Hold nothing."""


def session(platform: Platform) -> requests.Session:
    """Return a session that knows nobody but this platform."""
    made = requests.Session()
    made.mount("https://", InProcess(platform))
    return made


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that hang up."""


@contextmanager
def running(platform: Platform, port: int = 0) -> Iterator[Platform]:
    """Serve the platform on loopback while a `with` block lasts; its address is in `platform.url`."""
    handler = type("Handler", (_Handler,), {"platform": platform})
    server = _Server(("127.0.0.1", port), handler)
    platform.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield platform
    finally:
        platform.released.set()
        server.shutdown()
        server.server_close()
        thread.join(60)
