"""Accounts of mapped webhooks, and requests as their senders write them."""

from datetime import UTC, datetime
from hashlib import sha256
from hmac import digest
from pathlib import Path
from typing import Any

from connectors.base import Request
from connectors.mapped_webhook.connector import AppWebhook, MappedWebhook, PhoneWebhook, SmsWebhook
from connectors.mapped_webhook.settings import AppWebhookSettings, PhoneWebhookSettings, SmsWebhookSettings

NOW = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)
SECRET = "k3Jq0fXb81LmZt7P"
KEY = "a shared key of the app"
STAMP = str(int(NOW.timestamp()))

SMS = (
    '{"items":[{"mobile":"13812345678","content":"路灯不亮","time":1795595340,"dest_code":"10692012345678"}]}'.encode()
)
CALL = (
    '{"callId":"c-1","ani":"13800138000","dnis":"12345","startTime":"2026-11-25 16:00:00","content":"井盖松动"}'
).encode()
APP = '{"requestId":"app-1","content":"井盖松动","applicant":{"mobile":"13600136000"}}'.encode()


def sms(profile: str = "qiniu_sms", **changes: Any) -> MappedWebhook:
    given = {"profile": profile, "path": "/sms", "path_secrets": [SECRET], "jurisdiction": "210100"} | changes
    folder = given.pop("rules_folder", None)
    return SmsWebhook(SmsWebhookSettings(**given).under(folder), "gateway", lambda: NOW)


def phone(profile: str = "cti", **changes: Any) -> MappedWebhook:
    given = {"profile": profile, "path": "/cti", "bearer_tokens": [SECRET], "jurisdiction": "210100"} | changes
    folder = given.pop("rules_folder", None)
    return PhoneWebhook(PhoneWebhookSettings(**given).under(folder), "cti", lambda: NOW)


def app(profile: str = "government_app", **changes: Any) -> MappedWebhook:
    given = {"profile": profile, "path": "/app", "signature_keys": [KEY], "jurisdiction": "210100"} | changes
    folder = given.pop("rules_folder", None)
    return AppWebhook(AppWebhookSettings(**given).under(folder), "app", lambda: NOW)


def request(body: bytes, **changes: Any) -> Request:
    given = {"method": "POST", "path": f"/sms/{SECRET}", "query": {}, "headers": {}, "body": body}
    return Request(**(given | changes))


def posted_sms(body: bytes = SMS, *, secret: str = SECRET) -> Request:
    return request(body, path=f"/sms/{secret}")


def posted_call(body: bytes = CALL, *, token: str = SECRET) -> Request:
    return request(body, path="/cti", headers={"authorization": f"Bearer {token}"})


def signed(body: bytes = APP, *, key: str = KEY, stamp: str = STAMP) -> Request:
    signature = digest(key.encode(), f"{stamp}.".encode() + body, sha256).hex()
    return request(body, path="/app", headers={"x-timestamp": stamp, "x-signature": signature})


def own_profile(folder: Path, text: str, name: str = "own") -> Path:
    """Write a city's own profile, and return its rules folder."""
    (folder / "webhooks").mkdir(exist_ok=True)
    (folder / "webhooks" / f"{name}.toml").write_text(text, "utf-8")
    return folder
