"""Accounts and callbacks of the gateways, as these write them."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from connectors.base import Request
from connectors.http.signature import sign_twilio
from connectors.sms_http.connector import SmsHttp
from connectors.sms_http.settings import SmsHttpSettings

NOW = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)
SECRET = "k3Jq0fXb81LmZt7P"
GATEWAY = "203.0.113.7"
TOKEN, URL = "hotline-auth-token", "https://12345.example/sms/twilio"

MO = {
    "MessageSid": "SM0123456789abcdef0123456789abcdef",
    "AccountSid": "AC00000000000000000000000000000000",
    "From": "+8613800138000",
    "To": "+861234500000",
    "Body": "中山路路灯坏了💡 + & =",
    "NumMedia": "0",
}
ALIYUN = {
    "phone_number": "13800138000",
    "content": "井盖丢失",
    "send_time": "2026-11-25 16:29:00",
    "dest_code": "12345",
    "sequence_id": "1234567890",
}
TENCENT = {
    "extend": "01",
    "mobile": "13800138000",
    "nationcode": "86",
    "sign": "政务",
    "text": "井盖丢失",
    "time": 1795595340,
}


def account(provider: str = "twilio", *, now: datetime = NOW, **changes: Any) -> SmsHttp:
    known = (
        {"auth_tokens": [TOKEN], "public_url": URL}
        if provider == "twilio"
        else {"path_secrets": [SECRET], "allowed_addresses": ["203.0.113.0/24"]}
    )
    settings = SmsHttpSettings(**({"provider": provider, "jurisdiction": "210100"} | known | changes))
    return SmsHttp(settings, "gateway", lambda: now)


def request(body: bytes, **changes: Any) -> Request:
    given = {"method": "POST", "path": f"/sms/{SECRET}", "query": {}, "headers": {}, "body": body, "client": GATEWAY}
    return Request(**(given | changes))


def twilio(fields: dict[str, str] | None = None, *, token: str = TOKEN, url: str = URL, **changes: Any) -> Request:
    """A callback that is signed."""
    chosen = MO if fields is None else fields
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": sign_twilio(token, url, list(chosen.items())),
    }
    return request(urlencode(chosen).encode(), **({"path": "/sms/twilio", "headers": headers} | changes))


def aliyun(*elements: Any, **changes: Any) -> Request:
    return request(json.dumps(elements or [ALIYUN], ensure_ascii=False).encode(), **changes)


def kannel(body: bytes, identifier: str = "7d0c", **changes: Any) -> Request:
    query = {"id": (identifier,), "from": ("+8613800138000",), "to": ("12345",), "charset": ("UTF-16BE",)}
    return request(body, **({"query": query} | changes))
