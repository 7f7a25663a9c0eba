"""Pushes as the platform makes them; the signature is made here, with nothing of ours."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from connectors.base import Request
from connectors.weibo.push import Weibo
from connectors.weibo.settings import WeiboSettings

NOW = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
SECRET = "0123456789abcdef0123456789abcdef"


def account(now: datetime = NOW, **changes: Any) -> Weibo:
    settings: dict[str, Any] = {"app_secrets": [SECRET], "jurisdiction": "110000"}
    return Weibo(WeiboSettings(**settings | changes), "city", now=lambda: now)


def text(
    content: str = "路灯坏了[心]", sender: int = 2489518277, created: str = "Wed Nov 25 16:29:55 +0800 2026"
) -> str:
    return message("text", content, sender, created)


def message(
    kind: str,
    content: str = "",
    sender: int = 2489518277,
    created: str = "Wed Nov 25 16:29:55 +0800 2026",
    **data: Any,
) -> str:
    fields = {"type": kind, "receiver_id": 1902538057, "sender_id": sender, "created_at": created, "text": content}
    return json.dumps(fields | {"data": data}, ensure_ascii=False)


def push(
    body: str | bytes,
    *,
    timestamp: str = STAMP,
    nonce: str = "12345",
    secret: str = SECRET,
    method: str = "POST",
    **more: str,
) -> Request:
    """Return the request that brings `body`."""
    signature = hashlib.sha1("".join(sorted((secret, timestamp, nonce))).encode()).hexdigest()
    query = {"signature": signature, "timestamp": timestamp, "nonce": nonce} | more
    return request(query, body.encode() if isinstance(body, str) else body, method)


def request(query: dict[str, str], body: bytes = b"", method: str = "POST") -> Request:
    several = {name: (value,) for name, value in query.items()}
    return Request(method=method, path="/weibo", query=several, headers={}, body=body)
