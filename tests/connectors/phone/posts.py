"""Records of calls, as a call platform signs and posts them."""

from datetime import UTC, datetime
from typing import Any

from connectors.base import Request
from connectors.http.signature import sign
from connectors.phone.connector import Phone
from connectors.phone.settings import PhoneSettings

SECRET = "a secret of the tests, long enough"
NOW = datetime(2026, 11, 25, 1, 10, tzinfo=UTC)
RECORD = (
    '{"call_id": "20261125-0001", "revision": 2, "caller": "13800138000", "callee": "12345",'
    ' "started_at": "2026-11-25T09:00:00+08:00", "note": "中山路12号门口的路灯坏了"}'
).encode()


def account(**changes: Any) -> Phone:
    return Phone(PhoneSettings(**{"secrets": [SECRET], "jurisdiction": "210100"} | changes), "cti", now=lambda: NOW)


def post(body: bytes, headers: dict[str, str] | None = None) -> Request:
    return Request(method="POST", path="/phone", query={}, headers=headers or {}, body=body)


def signed(body: bytes, *, secret: str = SECRET, at: float | None = None) -> Request:
    stamp = str(int(NOW.timestamp() if at is None else at))
    return post(body, {"hotline-timestamp": stamp, "hotline-signature": sign(secret.encode(), stamp, body)})
