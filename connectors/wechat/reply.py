"""Replies to a citizen: a customer-service message (客服消息) within 48 hours, or the passive reply (被动回复)."""

import secrets
from datetime import datetime
from typing import Any, NamedTuple

from connectors.base import Answer
from connectors.http.signature import sign_callback
from connectors.replies.base import Sent
from connectors.wechat import cipher
from connectors.wechat.api import Api, NoAnswerError, RefusalError

TEXT_MAX_BYTES = 2048
"""Limit of one text in UTF-8 bytes; the platform refuses a longer one (45002)."""

TOO_LONG = 45002
"""全局返回码 for a text that is too long."""

_SYSTEM_BUSY = -1
"""The platform does not report whether it had begun to send."""


def send(api: Api, openid: str, text: str) -> Sent:
    """Send a text to a follower of an official account, or to a user of a mini programme.

    `code` of a refusal is the platform's errcode. Raises a RetriableError or UnauthorizedError if the text was
    certainly not sent: it may be sent again later.
    """
    return _outcome(api, "message/custom/send", {"touser": openid, "msgtype": "text", "text": {"content": text}})


def send_customer(api: Api, open_kfid: str, external_userid: str, text: str, message_id: str) -> Sent:
    """Send a text by 微信客服; the platform refuses a repeated `message_id` (32 letters and digits).

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


def send_member(api: Api, agent_id: int, userid: str, text: str) -> Sent:
    """Send a text by an application of 企业微信 (应用消息). Raises as `send` does."""
    body = {"touser": userid, "agentid": agent_id, "msgtype": "text", "text": {"content": text}}
    return _outcome(api, "message/send", body)


def _outcome(api: Api, endpoint: str, body: dict[str, Any]) -> Sent:
    if len(body["text"]["content"].encode()) > TEXT_MAX_BYTES:
        return Sent(outcome="refused", code=str(TOO_LONG))
    try:
        answer = api.call(endpoint, body)
    except RefusalError as refusal:
        outcome = "unknown" if refusal.errcode == _SYSTEM_BUSY else "refused"
        return Sent(outcome=outcome, code=str(refusal.errcode))  # type: ignore[arg-type] # one of the two literals
    except NoAnswerError as error:
        if not error.sent:
            raise
        return Sent(outcome="unknown", code="no_answer")
    reference = answer.get("msgid")
    return Sent(outcome="accepted", code="0", reference=str(reference) if reference else None)


class Passive(NamedTuple):
    """Recipient, account and text of a passive reply."""

    citizen: str
    account: str
    text: str


class Lock(NamedTuple):
    """Token and key that verified an encrypted callback; the reply is signed and encrypted with them."""

    token: str
    key: bytes
    appid: str


def passive(reply: Passive, now: datetime, lock: Lock | None = None) -> Answer:
    """Return the callback's answer that shows the citizen a text; encrypted and signed if the callback was."""
    at = int(now.timestamp())
    inner = _xml(
        ToUserName=reply.citizen, FromUserName=reply.account, CreateTime=at, MsgType="text", Content=reply.text
    )
    if lock is None:
        return Answer(body=inner.encode(), content_type="text/xml; charset=utf-8")
    closed, nonce = cipher.encrypt(inner, lock.key, lock.appid), secrets.token_hex(8)
    signature = sign_callback(lock.token, str(at), nonce, closed)
    outer = _xml(Encrypt=closed, MsgSignature=signature, TimeStamp=at, Nonce=nonce)
    return Answer(body=outer.encode(), content_type="text/xml; charset=utf-8")


def _xml(**fields: str | int) -> str:
    """Return a flat document; a text with the end of a CDATA section is split there."""
    inner = "".join(
        f"<{name}>{value}</{name}>" if isinstance(value, int) else f"<{name}>{_cdata(value)}</{name}>"
        for name, value in fields.items()
    )
    return f"<xml>{inner}</xml>"


def _cdata(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"
