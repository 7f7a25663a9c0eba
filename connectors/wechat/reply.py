"""Answers to a citizen: a customer-service message (客服消息) within 48 hours, or the passive reply (被动回复)."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from connectors.base import Answer
from connectors.wechat import cipher
from connectors.wechat.api import Api, NoAnswerError, RefusalError
from connectors.wechat.signature import sign

TEXT_MAX_BYTES = 2048
"""UTF-8 bytes of one text; the platform refuses a longer one (45002)."""

WINDOW_HOURS = 48
"""So long after the citizen's last message an answer is taken, and only a few of them (45047)."""

Outcome = Literal["accepted", "refused", "unknown"]

_REASONS: Mapping[int, str] = MappingProxyType(
    {
        40003: "no_such_citizen",
        43004: "not_subscribed",
        45002: "too_long",
        45015: "window_closed",
        45047: "too_many",
        48002: "citizen_refuses",
        95001: "too_many",
        95002: "too_many",
        95018: "window_closed",
    }
)
"""全局返回码 that say why nothing was delivered; any other is `refused`. 95xxx are of 微信客服."""

_SYSTEM_BUSY = -1
"""The platform does not say whether it had begun."""


class Sent(Struct, frozen=True, kw_only=True):
    """What became of an answer. `unknown` may have arrived: never send it again by itself.

    `reason` is one word of a small set, `code` the platform's errcode; neither names anybody.
    """

    outcome: Outcome
    reason: str | None = None
    code: int | None = None


def send(api: Api, openid: str, text: str) -> Sent:
    """Send a text to a follower of an official account, or to a user of a mini programme.

    Raises a RetriableError or UnauthorizedError when it was surely not sent: the same may be tried again later.
    """
    return _outcome(api, "message/custom/send", {"touser": openid, "msgtype": "text", "text": {"content": text}})


def send_customer(api: Api, open_kfid: str, external_userid: str, text: str, message_id: str) -> Sent:
    """Send a text by 微信客服; the platform refuses a `message_id` (32 letters and digits) that it had before.

    Raises as `send` does.
    """
    body = {
        "touser": external_userid,
        "open_kfid": open_kfid,
        "msgid": message_id,
        "msgtype": "text",
        "text": {"content": text},
    }
    return _outcome(api, "kf/send_msg", body)


def _outcome(api: Api, endpoint: str, body: dict[str, Any]) -> Sent:
    if len(body["text"]["content"].encode()) > TEXT_MAX_BYTES:
        return Sent(outcome="refused", reason="too_long", code=45002)
    try:
        api.call(endpoint, body)
    except RefusalError as refusal:
        if refusal.errcode == _SYSTEM_BUSY:
            return Sent(outcome="unknown", reason="no_answer", code=refusal.errcode)
        return Sent(outcome="refused", reason=_REASONS.get(refusal.errcode, "refused"), code=refusal.errcode)
    except NoAnswerError as error:
        if not error.sent:
            raise
        return Sent(outcome="unknown", reason="no_answer")
    return Sent(outcome="accepted")


class Passive(NamedTuple):
    """Who answers whom in a callback's own answer; `key` and `token` are those that proved the callback."""

    citizen: str
    account: str
    text: str


class Lock(NamedTuple):
    """What closes the answer to an encrypted callback, so that the platform can open it."""

    token: str
    key: bytes
    appid: str


def passive(reply: Passive, now: datetime, lock: Lock | None = None) -> Answer:
    """Return the answer of the push door that shows the citizen a text; encrypted and signed where the callback was."""
    at = int(now.timestamp())
    inner = _xml(
        ToUserName=reply.citizen, FromUserName=reply.account, CreateTime=at, MsgType="text", Content=reply.text
    )
    if lock is None:
        return Answer(body=inner.encode(), content_type="text/xml; charset=utf-8")
    closed, nonce = cipher.encrypt(inner, lock.key, lock.appid), secrets.token_hex(8)
    signature = sign(lock.token, str(at), nonce, closed)
    outer = _xml(Encrypt=closed, MsgSignature=signature, TimeStamp=at, Nonce=nonce)
    return Answer(body=outer.encode(), content_type="text/xml; charset=utf-8")


def _xml(**fields: str | int) -> str:
    """Return a flat document; a text that holds the end of a CDATA section is cut into two."""
    inner = "".join(
        f"<{name}>{value}</{name}>" if isinstance(value, int) else f"<{name}>{_cdata(value)}</{name}>"
        for name, value in fields.items()
    )
    return f"<xml>{inner}</xml>"


def _cdata(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"
