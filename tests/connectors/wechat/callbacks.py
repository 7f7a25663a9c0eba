"""Callbacks as the platform makes them, signed and encrypted by WeRoBot: nothing of our own cipher."""

import time
from datetime import UTC, datetime
from typing import Any

from werobot.crypto import MessageCrypt
from werobot.utils import get_signature

from connectors.base import Request
from connectors.wechat.connector import WeChat
from connectors.wechat.settings import WeChatSettings
from schemas import topics
from tests.connectors.reader import Reader
from tests.connectors.wechat import vectors

NOW = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
TOKEN, AES_KEY, APPID = vectors.OFFICIAL_TOKEN, vectors.OFFICIAL_AES_KEY, vectors.OFFICIAL_APPID
ALL_MODES = ("plain", "compatible", "safe")


def account(now: datetime = NOW, **changes: Any) -> WeChat:
    settings: dict[str, Any] = {
        "appid": APPID,
        "tokens": [TOKEN],
        "aes_keys": [AES_KEY],
        "modes": ALL_MODES,
        "jurisdiction": "110000",
    }
    return WeChat(WeChatSettings(**settings | changes), "city", now=lambda: now)


def msgid(name: str) -> str:
    """Return the MsgId in a message's name; an event's has none."""
    number = name.partition(":")[0]
    return number if number.isdigit() else name


def text(message_id: str = "6054768590064713728", content: str = "路灯坏了💡", created: str = STAMP) -> str:
    return callback(MsgType="text", Content=content, MsgId=message_id, created=created)


def text_now(message_id: int, content: str = "路灯坏了💡") -> str:
    """Return a text of this moment, for a receiver with a clock of its own."""
    return text(str(message_id), content, str(int(time.time())))


def callback(created: str = STAMP, **fields: str) -> str:
    known = {"ToUserName": "gh_1", "FromUserName": "o-citizen", "CreateTime": created}
    inner = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in {**known, **fields}.items())
    return f"<xml>{inner}</xml>"


def push(
    body: str | bytes,
    mode: str = "safe",
    *,
    timestamp: str = STAMP,
    nonce: str = "12345",
    token: str = TOKEN,
    aes_key: str = AES_KEY,
    appid: str = APPID,
) -> Request:
    """Return the request that brings `body`."""
    query = {
        "signature": get_signature(token, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "openid": "o-citizen",
    }
    wire = body.encode() if isinstance(body, str) else body
    if mode != "plain":
        cipher = MessageCrypt(token, aes_key, appid).prp_crypto.encrypt(body, appid).decode()
        query |= {"encrypt_type": "aes", "msg_signature": get_signature(token, timestamp, nonce, cipher)}
        readable = wire.rpartition(b"</xml>")[0] if mode == "compatible" else b"<xml><ToUserName>gh_1</ToUserName>"
        wire = readable + f"<Encrypt><![CDATA[{cipher}]]></Encrypt></xml>".encode()
    return request(query, wire)


def request(query: dict[str, str], body: bytes = b"", method: str = "POST") -> Request:
    several = {name: (value,) for name, value in query.items()}
    return Request(method=method, path="/wechat", query=several, headers={}, body=body)


def seen(reader: Reader, account: str) -> list[str]:
    """Return the ids in the raw topic, in the order of their first coming."""
    records = reader.read(topics.raw("wechat"), account)
    return list(dict.fromkeys(msgid(dict(record.headers)["ce_id"].decode()) for record in records))
