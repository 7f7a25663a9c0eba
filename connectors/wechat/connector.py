"""WeChat official account: callbacks of one account, each verified, in plain, compatible or safe mode."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import ClassVar

from connectors.base import Accepted, Answer, Request
from connectors.wechat import callback, cipher
from connectors.wechat.settings import ENCRYPTED, WeChatSettings, aes_key
from connectors.wechat.signature import Nonces, check_freshness, check_signature, needed, parameters
from schemas.errors import MisconfiguredError, RefusedRequest
from schemas.records import RawMessage, raw_message

CHANNEL_KIND = "wechat_mp"
CONTENT_TYPE = "text/xml"
SUCCESS = Answer(body=b"success")
"""Anything else makes the platform send the message again, or shows the citizen an error."""


def _now() -> datetime:
    return datetime.now(UTC)


class WeChat:
    """Judges the callbacks of one account; keeps nothing but the nonces of the last minutes."""

    channel: ClassVar[str] = "wechat"

    def __init__(self, settings: WeChatSettings, account_id: str, now: Callable[[], datetime] = _now) -> None:
        if settings.jurisdiction is None:
            raise MisconfiguredError(f"the WeChat account {account_id} has no jurisdiction: set its 行政区划代码")
        self._settings = settings
        self._account = account_id
        self._jurisdiction = settings.jurisdiction
        self._now = now
        self._tokens = [token.get_secret_value() for token in settings.tokens]
        self._keys = [aes_key(key) for key in settings.aes_keys]
        self._nonces = Nonces()

    def accept(self, request: Request) -> Accepted:
        """Return the message of a callback, or the echo that proves this address to be ours."""
        given = parameters(request.query)
        if request.method == "GET":
            return Accepted(answer=Answer(body=self._echo(given)))
        if request.method != "POST":
            raise RefusedRequest("neither GET nor POST: this is not the platform", status=405, reason="method")
        body = self._verified(given, request.body)
        return Accepted(messages=(self._message(body, request.body),), answer=SUCCESS)

    def _echo(self, given: Mapping[str, str]) -> bytes:
        """Return the echostr; signed like a message where the platform encrypts it."""
        if "msg_signature" not in given:
            self._nonces.claim(*self._check_sender(given))
            return needed(given, "echostr")[0].encode("utf-8", "replace")
        signature, timestamp, nonce, echo = needed(given, "msg_signature", "timestamp", "nonce", "echostr")
        self._check_fresh(timestamp)
        if "signature" in given:
            self._nonces.claim(*self._check_sender(given))
        check_signature(self._tokens, signature, timestamp, nonce, echo)
        return cipher.decrypt(echo, self._keys, self._settings.appid)

    def _verified(self, given: Mapping[str, str], body: bytes) -> bytes:
        timestamp, nonce = self._check_sender(given)
        if _is_encrypted(given):
            decrypted = self._decrypted(given, timestamp, nonce, body)
            self._nonces.claim(timestamp, nonce)
            return decrypted
        self._check_mode("plain" in self._settings.modes)
        self._nonces.check(timestamp, nonce, body)
        return body

    def _check_sender(self, given: Mapping[str, str]) -> tuple[str, str]:
        signature, timestamp, nonce = needed(given, "signature", "timestamp", "nonce")
        check_signature(self._tokens, signature, timestamp, nonce)
        self._check_fresh(timestamp)
        return timestamp, nonce

    def _check_fresh(self, timestamp: str) -> None:
        check_freshness(timestamp, self._now(), self._settings.timestamp_window_seconds)

    def _check_mode(self, accepted: bool) -> None:
        if not accepted:
            raise RefusedRequest("a mode that `modes` of this account does not name", reason="mode")

    def _decrypted(self, given: Mapping[str, str], timestamp: str, nonce: str, body: bytes) -> bytes:
        """Return what the cipher holds; in compatible mode the readable copy beside it is not signed, so not read."""
        self._check_mode(bool(self._settings.modes & ENCRYPTED))
        encrypted = callback.encrypted(body)
        check_signature(self._tokens, *needed(given, "msg_signature"), timestamp, nonce, encrypted)
        return cipher.decrypt(encrypted, self._keys, self._settings.appid)

    def _message(self, body: bytes, wire: bytes) -> RawMessage:
        now = self._now()
        named = callback.read(body, now)
        return raw_message(
            channel=self.channel,
            channel_kind=CHANNEL_KIND,
            account=self._account,
            jurisdiction=self._jurisdiction,
            identifier=named.identifier,
            value=body,
            content_type=CONTENT_TYPE,
            time=named.time or now,
            recorded=now,
            sender=named.sender,
            wire_sha256=hashlib.sha256(wire).hexdigest() if wire is not body else None,
        )


def _is_encrypted(given: Mapping[str, str]) -> bool:
    kind = given.get("encrypt_type", "raw")
    if kind not in ("raw", "aes"):
        raise RefusedRequest("an encrypt_type that the platform does not have", reason="parameters")
    return kind == "aes"
